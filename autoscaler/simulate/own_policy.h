/* own_policy.h - one of Winnow's own policies on a simulated farm: what it decides, and what the
 * history would say of it. */
#ifndef WINNOW_OWN_POLICY_H
#define WINNOW_OWN_POLICY_H

#include "autoscaler/policy/policy_history.h"
#include "candidate_spec.h"
#include "csv/history_writer.h"
#include "error.h"
#include "simulation.h"

#include <stdint.h>

struct own_policy {
    const struct candidate_spec *spec;
    double service_s;
    struct policy_state state;

    struct history_writer *history;               /* NULL: none */
    char params_text[POLICY_HISTORY_PARAMS_SIZE]; /* as the history has them */

    struct simulation_view seen;   /* at the last decision, ... */
    struct simulation_view before; /* ... and at the one before */
    struct policy_sample sample;
    struct policy_decision decision;
    struct worker_counts counted; /* after the last row */
};

/* Borrows the spec and the history.
 *
 * service_s   the mean time for an event
 * history     gets a row a decision; NULL: nothing is written */
void own_policy_start(struct own_policy *own, const struct candidate_spec *spec, double service_s,
                      struct history_writer *history);

/* Decides how many workers there should be; at time 0, when nothing has been measured, it is what
 * the policy starts with. 0, or -ERR_INVALID: a parameter is out of its range. */
int own_policy_decide(struct own_policy *own, const struct simulation *simulation,
                      uint32_t *workers);

/* After that was carried out: writes it to the history, if there is one. 0 or an error of
 * history_writer_append. */
int own_policy_carried_out(struct own_policy *own, const struct simulation *simulation,
                           struct why *why);

#endif
