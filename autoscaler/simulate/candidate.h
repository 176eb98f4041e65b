/* candidate.h - a policy by name, ready to decide on simulated time: one of Winnow's own, a peer,
 * or a yardstick. */
#ifndef WINNOW_CANDIDATE_H
#define WINNOW_CANDIDATE_H

#include "autoscaler/policy/policy.h"
#include "autoscaler/policy/policy_history.h"
#include "csv/history_format.h"
#include "error.h"
#include "oracle.h"
#include "peers.h"
#include "simulation.h"

#include <stdbool.h>
#include <stdint.h>

enum candidate_kind {
    CANDIDATE_POLICY, /* of policy.h: the same object as live */
    CANDIDATE_PEER,
    CANDIDATE_WORK,   /* what no policy can do with fewer than: not simulated */
    CANDIDATE_ORACLE, /* oracle:W */
};

/* What a name stands for. */
struct candidate_spec {
    enum candidate_kind kind;
    char name[96]; /* as it was given */
    const struct policy *policy;
    struct policy_params params; /* of any kind: min_workers and max_workers */
    int64_t interval_ns;         /* of a policy: between decisions */
    const struct peer_kind *peer;
    double number[2];  /* of a peer */
    int64_t window_ns; /* of an oracle */
};

/* What is said of all policies on the command line. */
struct candidate_defaults {
    struct policy_params params;
    int64_t interval_ns; /* 0: what suits the policy */
    double wait_s;       /* the target, for whichever policy has a parameter for it */
};

/* Reads `NAME[:PARAMETER...]`: for Winnow's own policies NAME=VALUE of their parameters or
 * interval_s; for peers their own numbers; `fixed:N`, `oracle:W` in seconds, `work`. 0;
 * -ERR_INVALID with what is wrong and what was expected. */
int candidate_parse(const char *text, const struct candidate_defaults *defaults,
                    struct candidate_spec *spec, struct why *why);

/* All names, for help and messages, separated by commas. */
const char *candidate_names(void);

struct candidate {
    const struct candidate_spec *spec;
    struct policy_state state;
    struct peer peer;
    const struct oracle_plan *plan;
    struct worker_counts counted; /* at the last decision */
    uint64_t arrived, handled;
    int64_t last_ns;
    double service_s, wait_s;
    /* Each decision of Winnow's own policies as the history has it; NULL: nobody asks. */
    int (*record)(void *context, const struct history_row *row);
    void *record_context;
    struct history_row row;
    char params_text[POLICY_HISTORY_PARAMS_SIZE]; /* as the history has them */
    bool decided;
};

/* service_s  the mean time for an event; wait_s  the target; plan  of an oracle, else NULL */
void candidate_start(struct candidate *candidate, const struct candidate_spec *spec,
                     double service_s, double wait_s, const struct oracle_plan *plan);

bool candidate_each_arrival(const struct candidate *candidate);

/* As peer_decide_function has it; first at time 0. 0, or -ERR_INVALID: a parameter is out of its
 * range. */
int candidate_decide(struct candidate *candidate, const struct simulation *simulation,
                     int64_t *next_ns, uint32_t *workers);

/* After the decision was carried out. 0 or an error of record. */
int candidate_carried_out(struct candidate *candidate, const struct simulation *simulation);

#endif
