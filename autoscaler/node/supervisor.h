/* supervisor.h - keeps as many worker processes running on this host as it was last told: pool,
 * launcher and scoreboard together. It knows no broker and decides no number. */
#ifndef WINNOW_SUPERVISOR_H
#define WINNOW_SUPERVISOR_H

#include "autoscaler/messages.h"
#include "control/event_records.h"
#include "error.h"
#include "guardian.h"
#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

struct supervisor_settings {
    uint32_t max_workers;     /* until a target says another; 1 .. POOL_MAX_WORKERS */
    int64_t drain_timeout_ns; /* longest that a worker may take to finish what it holds; pool.h */
    int64_t start_timeout_ns; /* longest that a worker counts as starting */
    int64_t hang_timeout_ns;  /* a worker that is on one event for longer is replaced */
    uint32_t max_attempts; /* an event that killed or hung its worker so often is handled no more */
    enum pool_stop stop;   /* which worker goes when there are too many */
    /* A step starts no worker more after this time: it takes a millisecond or two for each, in
     * which nobody else of the process is served. 0: it starts all. */
    int64_t turn_ns;
    /* Other hosts work on the queue too, which tell what they hold against events. */
    bool several_hosts;
    char **worker;                  /* program and arguments, NULL at the end */
    const char *const *environment; /* NAME=VALUE for every worker, NULL at the end */
    struct guardian *guardian;      /* as in struct launcher_settings; borrowed */
};

struct supervisor;

/* Checks that the worker can be executed and makes everything ready; no worker starts. Borrows
 * settings and what they point to. Returns 0; the errors of launcher_check, scoreboard_create and
 * launcher_open; -ERR_MEMORY. */
int supervisor_open(const struct supervisor_settings *settings, struct supervisor **supervisor,
                    struct why *why);
/* Takes NULL. Does not end workers: those that still run drain when this process ends. */
void supervisor_close(struct supervisor *supervisor);

/* The target down, the report up. The report's readings are borrowed until the next call of
 * either. */
void supervisor_target(struct supervisor *supervisor, struct node_target target);
struct node_report supervisor_report(struct supervisor *supervisor, int64_t now_ns);

/* Of a farm over several hosts: what is held against events here, which others are told; and what
 * all others hold against them, as tally_tell and tally_hear. */
size_t supervisor_tell_events(struct supervisor *supervisor, int64_t now_ns,
                              struct event_record records[EVENT_RECORDS_MOST]);
void supervisor_hear_events(struct supervisor *supervisor, int64_t now_ns,
                            struct event_record *records, size_t count);

/* Of the report, these alone. */
struct worker_counts supervisor_counts(const struct supervisor *supervisor);

/* Does what is due, without waiting: takes in what happened to workers, and starts, drains and
 * kills. Returns when to call it next if its descriptor does not become readable before. */
int64_t supervisor_step(struct supervisor *supervisor, int64_t now_ns);
int supervisor_fd(const struct supervisor *supervisor);

/* SIGHUP for every worker that takes it, now or, if it has only just been started, as soon as it
 * says that it does. Others would die of it. */
void supervisor_renew(struct supervisor *supervisor);

/* Every worker is killed at the next step, and none is started any more. */
void supervisor_abandon(struct supervisor *supervisor);

/* Workers that run go on, but no other will be started, ever: 0, or why. -ERR_CONFIG: the command
 * line or the configuration of the worker; -ERR_REFUSED: its permissions. */
int supervisor_fault(const struct supervisor *supervisor, struct why *why);

/* None of them will ever do any work, so that there is nothing to stay for. */
bool supervisor_gave_up(const struct supervisor *supervisor);

/* No worker is left. */
bool supervisor_is_empty(const struct supervisor *supervisor);

#endif
