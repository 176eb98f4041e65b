/* sampler.h - measures a farm: how many events arrived, and how many wait.
 *
 *     CONNECTING ------------------> READY --> away and back, by itself
 *      |  both connections stand,      |
 *      |  the farm's lock is taken     | another autoscaler has taken the lock
 *      v                               v
 *     FAILED                         FAILED
 *
 * arrival_counter counts the copies of events and holds the farm's lock, backlog_probe asks for the
 * length of the work queue and keeps the farm's entities there. Nothing here waits for the
 * broker. */
#ifndef WINNOW_SAMPLER_H
#define WINNOW_SAMPLER_H

#include "arrival_counter.h"
#include "broker/broker.h"
#include "error.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One measurement. NAN means unknown. */
struct sampler_sample {
    double interval_s;                 /* measured, since the sample before */
    double arrived_msgs;               /* events that arrived in it */
    double arrival_per_s;              /* arrived_msgs / interval_s */
    bool uncounted;                    /* nothing counts arrivals: both are unknown for ever */
    double ready_msgs;                 /* in the work queue, not handed to a worker */
    double most_ready_msgs;            /* the most that was found ready since the sample before */
    double consumers;                  /* of the work queue */
    double arrival_age_s, ready_age_s; /* how long ago the broker answered with it */
};

struct sampler_settings {
    const struct broker_options *broker;
    const struct topology *topology;
    enum arrival_counting counting;
    bool standby; /* wait for the lock as long as another autoscaler has it */
    /* of the first connection; with standby, until it was found that another has the lock */
    int64_t deadline_ns;
};

struct sampler;

/* Connects to nothing yet. Borrows the settings and what they point to. 0 or the errors of
 * connection_open. */
int sampler_open(const struct sampler_settings *settings, struct sampler **sampler,
                 struct why *why);
/* Takes NULL. */
void sampler_close(struct sampler *sampler);
/* As connection_leave and connection_has_left. */
void sampler_leave(struct sampler *sampler);
bool sampler_has_left(const struct sampler *sampler);

/* Connects when it is time to, and takes in what has come. Returns when to call it next, if none of
 * its descriptors becomes readable before. */
int64_t sampler_step(struct sampler *sampler, int64_t now_ns);

/* Adds its descriptors to fds, at most SAMPLER_FDS; returns how many were added. */
#define SAMPLER_FDS 3
size_t sampler_poll(const struct sampler *sampler, struct pollfd fds[SAMPLER_FDS]);

/* Since when one of its connections is away; CLOCK_NEVER when none is. */
int64_t sampler_away_since_ns(const struct sampler *sampler);

/* It has been connected and has the lock. */
bool sampler_is_ready(const struct sampler *sampler);

/* 0; or why it will not measure: -ERR_UNAVAILABLE after the deadline; -ERR_LOCKED when another
 * autoscaler has the lock, at the start or ever since the connection was lost; or another error of
 * the first connections. */
int sampler_fault(const struct sampler *sampler, struct why *why);

/* Connections that are lost from now on stay lost: the lock is kept for no longer than they
 * live. */
void sampler_retire(struct sampler *sampler);

/* The measurement begins here. */
void sampler_begin(struct sampler *sampler, int64_t now_ns);

/* Asks the broker for what the next sample needs. */
void sampler_ask(struct sampler *sampler);
/* All answers are there, or none can come. */
bool sampler_answered(const struct sampler *sampler);
/* Asks for what sampler_peek needs; nothing while an answer is to come. */
void sampler_ask_ready(struct sampler *sampler);

/* Whether the broker has told of the work queue since the last call; then how many consumers it
 * has. */
bool sampler_look(struct sampler *sampler, uint32_t *consumers);

/* What was counted since the last sample, which goes on, and how many are ready if that was
 * answered since. arrival_per_s is left unknown. consumed: workers consume the work queue, so that
 * an answer that sees no consumer is not believed. */
struct sampler_sample sampler_peek(struct sampler *sampler, bool consumed, int64_t now_ns);
/* The measurement since the last call. What was not answered in time, interrupted or overflowed is
 * unknown; of a broker that answers late each time, only the first. */
struct sampler_sample sampler_read(struct sampler *sampler, bool consumed, int64_t now_ns);

#endif
