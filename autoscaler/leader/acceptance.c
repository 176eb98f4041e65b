#include "acceptance.h"

#include <math.h>
#include <string.h>

/* So many standard deviations of a Poisson count are more than chance, ... */
#define APART_Z 3.0

/* ... when it happens in so many ticks on end. As many are needed to believe that it is over. */
#define APART_TICKS 3

static double noise_msgs(double offered_msgs)
{
    return APART_Z * sqrt(fmax(offered_msgs, 1));
}

/* How much the total has grown since the tick before; less than 0: so much was purged or deleted,
 * or has expired. A total may be a few events too small, because the queue and its workers are not
 * asked at the same moment, or too large: an event that is answered and not yet acknowledged is in
 * flight and handled. So what a total lacks that was counted before is not counted again when it is
 * back. */
static double growth_since(struct acceptance *acceptance, double total_msgs, double noise,
                           bool known)
{
    double growth_msgs = acceptance->known ? total_msgs - acceptance->total_msgs : (double)NAN;
    double new_msgs = growth_msgs - acceptance->missed_msgs;

    acceptance->known = known;
    acceptance->total_msgs = total_msgs;
    acceptance->missed_msgs = 0;
    if (isnan(growth_msgs) || growth_msgs < -noise)
        return growth_msgs;
    /* What is lost little by little is not missed for ever. */
    acceptance->missed_msgs = new_msgs < 0 ? fmin(-new_msgs, noise) : 0;
    return fmax(new_msgs, 0);
}

double acceptance_take_alone(struct acceptance *acceptance, double total_msgs)
{
    double growth_msgs = growth_since(acceptance, total_msgs, noise_msgs(0), !isnan(total_msgs));

    return growth_msgs < 0 ? 0 : growth_msgs;
}

double acceptance_take(struct acceptance *acceptance, double offered_msgs, double total_msgs,
                       double *accepted_msgs)
{
    bool known = !isnan(total_msgs) && !isnan(offered_msgs);
    double growth_msgs = growth_since(acceptance, total_msgs, noise_msgs(offered_msgs), known);
    /* When events are missed in the sum nothing can be told. */
    double accepted = growth_msgs < 0 ? (double)NAN : growth_msgs;
    /* False when one of them is unknown. */
    bool apart = offered_msgs - accepted > noise_msgs(offered_msgs);

    *accepted_msgs = accepted;
    acceptance->ticks = apart == acceptance->refuses ? 0 : acceptance->ticks + 1;
    if (acceptance->ticks == APART_TICKS) {
        acceptance->refuses = apart;
        acceptance->ticks = 0;
    }
    if (!acceptance->refuses)
        return offered_msgs;
    return isnan(accepted) ? (double)NAN : fmin(offered_msgs, fmax(accepted, 1));
}

/* ---- over several hosts ---- */

/* Of those that are older than the window the last is kept. */
static void drop_old(struct acceptance_window *window)
{
    size_t old = 0;

    while (old + 1 < window->count &&
           window->samples[old + 1].time_s <= window->time_s - ACCEPTANCE_WINDOW_S)
        old++;
    window->count -= old;
    memmove(window->samples, window->samples + old, window->count * sizeof window->samples[0]);
}

/* No nearer to each other than that all of a window fit in. */
static void add(struct acceptance_window *window, double total_msgs)
{
    const double apart_s = (double)ACCEPTANCE_WINDOW_S / (ACCEPTANCE_SAMPLES - 2);
    size_t count = window->count;

    if (count == ACCEPTANCE_SAMPLES ||
        (count && window->time_s - window->samples[count - 1].time_s < apart_s))
        return;
    window->samples[count].time_s = window->time_s;
    window->samples[count].total_msgs = total_msgs;
    window->count++;
}

double acceptance_lately_per_s(struct acceptance_window *window, double total_msgs,
                               double interval_s)
{
    if (interval_s > 0)
        window->time_s += interval_s;
    if (isnan(total_msgs))
        return NAN;
    drop_old(window);
    double since_s = window->count ? window->time_s - window->samples[0].time_s : 0;
    double growth_msgs = window->count ? total_msgs - window->samples[0].total_msgs : 0;
    add(window, total_msgs);
    return since_s >= ACCEPTANCE_LEAST_S ? fmax(growth_msgs, 0) / since_s : (double)NAN;
}
