/* acceptance.h - checks the count of arrivals against what the work queue accepted. Pure.
 *
 * The copies that are counted are of what was offered: of an event that a policy has the work queue
 * refuse there is a copy too. What the queue accepted is the growth of what is ready, in flight and
 * handled, all together. When both are known they differ by no more than chance and the moments of
 * measuring explain; when they differ by more, and for long, the smaller is what there is to do.
 *
 * Events that leave the queue unhandled, because they expire or newer ones push them out, make it
 * smaller too. So it is never taken for less than one event: where only a worker that is there can
 * take events, one has to be there. */
#ifndef WINNOW_ACCEPTANCE_H
#define WINNOW_ACCEPTANCE_H

#include <stdbool.h>
#include <stddef.h>

/* Of a farm over several hosts what workers have is up to a second old, and of each host by another
 * time. Over so long that makes a tenth; over less than the least nothing is told. */
#define ACCEPTANCE_WINDOW_S 10
#define ACCEPTANCE_LEAST_S  4
#define ACCEPTANCE_SAMPLES  32

/* Starts zeroed. */
struct acceptance_window {
    double time_s; /* that has passed */
    size_t count;
    struct {
        double time_s, total_msgs;
    } samples[ACCEPTANCE_SAMPLES]; /* the oldest first; one of them older than the window */
};

/* Starts zeroed. */
struct acceptance {
    bool known;         /* total_msgs is that of the tick before */
    double total_msgs;  /* events that are ready, in flight or were handled */
    double missed_msgs; /* of them fewer than in the tick before, by chance */
    int ticks;          /* on end that speak against `refuses` */
    bool refuses;       /* the queue accepts fewer events than are offered */
    struct acceptance_window window;
};

/* Takes a tick's numbers: how many events were offered since the tick before, and how many there
 * are now, ready, in flight and handled; NAN where that is not exact. Returns how many arrived to
 * reckon with, NAN when unknown, and in *accepted_msgs how many were accepted, NAN when that cannot
 * be told. */
double acceptance_take(struct acceptance *acceptance, double offered_msgs, double total_msgs,
                       double *accepted_msgs);

/* The same where nothing counts what is offered: how many were accepted is how many arrived, as far
 * as is known. Those that leave the queue unhandled are missed. */
double acceptance_take_alone(struct acceptance *acceptance, double total_msgs);

/* Over several hosts, where nothing counts what is offered: how many events a second were accepted
 * lately, NAN when unknown. interval_s: the time since the call before. */
double acceptance_lately_per_s(struct acceptance_window *window, double total_msgs,
                               double interval_s);

#endif
