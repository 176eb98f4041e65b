/* farm.h - keeps one farm's workers at the number its load needs: sampler, policy, pool and launcher in
 * one loop. */
#ifndef WINNOW_FARM_H
#define WINNOW_FARM_H

#include "autoscaler/leader/sampler.h"
#include "autoscaler/node/pool.h"
#include "autoscaler/policy/policy.h"
#include "error.h"
#include "options.h"

#include <stdbool.h>
#include <stdint.h>

struct farm_settings {
    int64_t interval_ns;      /* between decisions */
    int64_t react_ns;         /* between looks for a rise in between; 0: none */
    int64_t drain_timeout_ns; /* longest that a worker may take to finish what it holds */
    int64_t hang_timeout_ns;  /* a worker that is on one event for longer is replaced */
    uint32_t max_attempts; /* an event that killed or hung its worker so often is handled no more */
    bool standby;          /* wait for the lock instead of failing when another autoscaler has it */
    bool quiet;            /* print no decisions */
    struct policy_params params;
    const struct policy *policy;
    bool wait_given;          /* params.wait_s was asked for */
    const char *history_path; /* NULL: no history */
    enum sampler_count count;
    enum pool_stop stop;
    char **worker;                  /* program and arguments, NULL at the end */
    const char *const *environment; /* NAME=VALUE for every worker, NULL at the end */
};

struct farm;

/* Opens the history, checks that the worker can be executed, connects, declares the farm and takes its lock:
 * everything that can be wrong is found before the first worker starts. Borrows settings and options.
 *
 * Returns 0; -ERR_TIMEOUT when a signal came before it was connected; the errors of history_writer_open,
 * launcher_check and sampler_open. */
int farm_open(const struct farm_settings *settings, const struct options *options,
              struct farm **farm, struct why *why);

/* Runs until SIGINT or SIGTERM, then drains the workers; a second signal kills them. Prints a line a decision
 * unless it is to be quiet.
 * Returns 0; -ERR_CONFIG or -ERR_REFUSED when no worker can be run, with what is wrong; -ERR_LOCKED when another
 * autoscaler has taken over the farm, and nobody told this one to end. */
int farm_run(struct farm *farm, struct why *why);

/* A second signal ended the workers before they had drained. */
bool farm_abandoned(const struct farm *farm);

/* Takes NULL. */
void farm_close(struct farm *farm);

#endif
