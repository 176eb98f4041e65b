/* candidate_spec.h - what the name of a policy stands for on the command line of winnow-simulate:
 * one of Winnow's own, a peer, or a yardstick. */
#ifndef WINNOW_CANDIDATE_SPEC_H
#define WINNOW_CANDIDATE_SPEC_H

#include "autoscaler/policy/policy.h"
#include "error.h"
#include "peer.h"

#include <stdint.h>

enum candidate_kind {
    CANDIDATE_POLICY, /* of policies.h: the same object as live */
    CANDIDATE_PEER,   /* of peers.h */
    CANDIDATE_WORK,   /* what no policy can do with fewer than: not simulated */
    CANDIDATE_ORACLE, /* a plan by somebody who knows all arrivals (oracle.h) */
};

struct candidate_spec {
    enum candidate_kind kind;
    char name[200]; /* as it was given */

    struct policy_params params; /* of a policy; of any kind: min_workers and max_workers */
    const struct policy *policy; /* of a policy, else NULL */
    int64_t interval_ns;         /* of a policy: between decisions */

    const struct peer_kind *peer; /* of a peer, else NULL */
    double number[2];             /* of a peer: its own numbers; NAN: their defaults */

    int64_t window_ns; /* of an oracle: how long it keeps a number of workers */
};

/* What is said of all candidates on the command line. */
struct candidate_defaults {
    struct policy_params params;
    int64_t interval_ns; /* 0: what suits the policy */
    double wait_s;       /* the target, for whichever policy has a parameter for it */
};

/* Reads `NAME[:PARAMETER...]`: for Winnow's own policies NAME=VALUE of their parameters or of
 * interval_s; for peers their own numbers; `fixed:N`, `work`, `oracle:SECONDS`. 0; -ERR_INVALID
 * with what is wrong and what was expected. */
int candidate_spec_parse(const char *text, const struct candidate_defaults *defaults,
                         struct candidate_spec *spec, struct why *why);

/* All names, separated by commas: for messages. */
#define CANDIDATE_SPEC_NAMES_SIZE 256
void candidate_spec_names(char names[CANDIDATE_SPEC_NAMES_SIZE]);

#endif
