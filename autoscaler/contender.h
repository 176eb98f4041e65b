/* contender.h - a policy by name, ready to decide on simulated time: one of Winnow's own, a rival, or a
 * yardstick. */
#ifndef WINNOW_CONTENDER_H
#define WINNOW_CONTENDER_H

#include "error.h"
#include "history.h"
#include "oracle.h"
#include "policy.h"
#include "rivals.h"
#include "simulation.h"

#include <stdbool.h>
#include <stdint.h>

enum contender_kind {
    CONTENDER_POLICY, /* of policy.h: the same object as live */
    CONTENDER_RIVAL,
    CONTENDER_WORK,   /* what no policy can do with fewer than: not simulated */
    CONTENDER_ORACLE, /* oracle:W */
};

/* What a name stands for. */
struct contender_spec {
    enum contender_kind kind;
    char name[96]; /* as it was given */
    const struct policy *policy;
    struct policy_params params; /* of any kind: min_workers and max_workers */
    int64_t interval_ns;         /* of a policy: between decisions */
    const struct rival_kind *rival;
    double number[2];  /* of a rival */
    int64_t window_ns; /* of an oracle */
};

/* What is said of all policies on the command line. */
struct contender_defaults {
    struct policy_params params;
    int64_t interval_ns; /* 0: what suits the policy */
};

/* Reads `NAME[:PARAMETER...]`: for Winnow's own policies NAME=VALUE of policy_param_list or interval_s; for
 * rivals their own numbers; `fixed:N`, `oracle:W` in seconds, `work`. 0; -ERR_INVALID with what is wrong and what was expected. */
int contender_parse(const char *text, const struct contender_defaults *defaults,
                    struct contender_spec *spec, struct why *why);

/* All names, for help and messages, separated by commas. */
const char *contender_names(void);

struct contender {
    const struct contender_spec *spec;
    struct policy_state state;
    struct rival rival;
    const struct oracle_plan *plan;
    struct pool_counts counted; /* at the last decision */
    uint64_t arrived, handled;
    int64_t last_ns;
    double service_s, wait_s;
    /* Each decision of Winnow's own policies as the history has it; NULL: nobody asks. */
    int (*record)(void *context, const struct history_row *row);
    void *record_context;
    struct history_row row;
    bool decided;
};

/* service_s  the mean time for an event; wait_s  the target; plan  of an oracle, else NULL */
void contender_start(struct contender *contender, const struct contender_spec *spec,
                     double service_s, double wait_s, const struct oracle_plan *plan);

bool contender_each_arrival(const struct contender *contender);

/* As rival_decide_function has it; first at time 0. 0, or -ERR_INVALID: a parameter is out of its range. */
int contender_decide(struct contender *contender, const struct simulation *simulation,
                     int64_t *next_ns, uint32_t *workers);

/* After the decision was carried out. 0 or an error of record. */
int contender_carried_out(struct contender *contender, const struct simulation *simulation);

#endif
