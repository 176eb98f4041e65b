/* sampler.h - measures a farm: how many events arrived, and how many wait.
 *
 * It also sees to it that the farm's exchange, queues and bindings are there, every second: nothing tells of
 * their deletion, and without workers nobody else would notice.
 *
 * It keeps two connections: one counts the copies in the count queue (and holds the farm's lock), one asks
 * for the length of the work queue, so that a busy count never delays that answer. Nothing here waits for
 * the broker but the opening of a connection, at most two seconds. */
#ifndef WINNOW_SAMPLER_H
#define WINNOW_SAMPLER_H

#include "broker/broker.h"
#include "error.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sampler_count {
    SAMPLER_CONSUME, /* the copies are consumed and counted as they come */
    SAMPLER_PURGE,   /* they are purged at each sample, and the broker says how many there were */
};

/* One measurement. NAN means unknown. */
struct sampler_sample {
    double interval_s;                 /* measured, since the sample before */
    double arrived_msgs;               /* events that arrived in it */
    double arrival_per_s;              /* arrived_msgs / interval_s */
    double ready_msgs;                 /* in the work queue, not handed to a worker */
    double arrival_age_s, ready_age_s; /* how long ago the broker answered with it */
};

struct sampler;

/* Connects within deadline_ns, declares the farm and takes its lock; with standby it waits for the lock as long
 * as another holds it. wake_fd becoming readable ends the attempt
 * with -ERR_TIMEOUT. The options, and the texts in them, are borrowed.
 * Errors as of broker_open_retry and the entities of broker.h; -ERR_LOCKED. */
int sampler_open(const struct broker_options *options, const struct topology *topology,
                 enum sampler_count count, bool standby, int wake_fd, int64_t deadline_ns,
                 struct sampler **sampler, struct why *why);
void sampler_close(struct sampler *sampler);

/* Takes what has come in, and, if it may, connects again when it is time to. Returns when to call it next at the
 * latest. Its descriptors for poll go to fds (at most SAMPLER_FDS), *count says how many. */
#define SAMPLER_FDS 2
int64_t sampler_service(struct sampler *sampler, bool may_connect, struct pollfd fds[SAMPLER_FDS],
                        size_t *count);

/* Another autoscaler has taken the lock while this one's connection was lost, and keeps it. */
bool sampler_usurped(const struct sampler *sampler);

/* Asks the broker for what the next sample needs. */
void sampler_ask(struct sampler *sampler);
/* All answers are there, or none can come. */
bool sampler_answered(const struct sampler *sampler);
/* Asks for what a look between samples needs; nothing while an answer is to come. */
void sampler_ask_ready(struct sampler *sampler);
/* What was counted since the last sample, which goes on, and how many are ready if that was answered since.
 * arrival_per_s is not told. consumed: workers consume the work queue, so that an answer that sees no consumer is
 * not believed. */
struct sampler_sample sampler_peek(struct sampler *sampler, bool consumed, int64_t now_ns);
/* The measurement since the last call. What was not answered in time, interrupted or overflowed is unknown; of a broker
 * that answers late each time, only the first. */
struct sampler_sample sampler_read(struct sampler *sampler, bool consumed, int64_t now_ns);

#endif
