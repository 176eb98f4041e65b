/* policy_params.h - what a policy decides by: the parameters that every policy has, and how one
 * declares more of its own. Pure. */
#ifndef WINNOW_POLICY_PARAMS_H
#define WINNOW_POLICY_PARAMS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* capacity_msgs: C is measured. */
#define POLICY_CAPACITY_AUTO 0.0

/* scale_down_delay_s, before policy_tune: not given, so that it becomes what suits the policy. */
#define POLICY_UNSET ((double)NAN)

/* startup_s: it is measured. */
#define POLICY_STARTUP_AUTO (-1.0)

/* What it counts as before the first worker has started, where programs take from milliseconds to
 * minutes. Too long a guess is corrected by that start; too short a one would start more and more
 * meanwhile. */
#define POLICY_STARTUP_GUESS_S 10.0

/* replicas: the number is the policy's. */
#define POLICY_NOT_FIXED (-1.0)

/* total_allowed: no limit but max_workers. */
#define POLICY_ALL_ALLOWED (-1.0)

/* So many parameters of its own a policy may declare. */
#define POLICY_MOST_OWN 8

struct policy_params {
    double horizon_s;     /* T > 0: the time within which backlog and arrivals should be cleared */
    double capacity_msgs; /* C > 0: what one worker clears within T; or POLICY_CAPACITY_AUTO */
    uint32_t min_workers, max_workers;
    /* >= 0: from the start of a worker until it consumes; or POLICY_STARTUP_AUTO */
    double startup_s;

    /* Steadiness. */
    double headroom;           /* >= 1: so many times the workers that are needed */
    double scale_down_delay_s; /* >= 0: fewer only after fewer were enough so long */
    double step_up, step_down; /* at most so many workers more or fewer a decision; 0: any number */
    double silent_delay_s;     /* >= 0: scale_down_delay_s while some worker tells nothing */

    /* A person's word, which goes before the policy's. */
    double paused;   /* 1: the number stays as it is; 0: it does not */
    double replicas; /* >= 0: so many workers, whole; or POLICY_NOT_FIXED */

    /* >= 0: so many workers are left to this farm of a number that several share, whole, which goes
     * before min_workers; or POLICY_ALL_ALLOWED */
    double total_allowed;

    /* >= 0: so many workers there were when this leader took over from another, whole; the first
     * decision goes by them. 0: it began by itself, with min_workers. */
    double inherited_workers;

    double own[POLICY_MOST_OWN]; /* the policy's own, in the order in which it declares them */
};

/* The constants of the original experiment, and no steadiness. What is a policy's own comes from
 * policy_tune. */
#define POLICY_DEFAULT_PARAMS                                                                      \
    {                                                                                              \
        .horizon_s = 2, .capacity_msgs = 1000, .min_workers = 0, .max_workers = 32, .headroom = 1, \
        .silent_delay_s = 30, .replicas = POLICY_NOT_FIXED, .startup_s = POLICY_STARTUP_AUTO,      \
        .total_allowed = POLICY_ALL_ALLOWED                                                        \
    }

/* The declaration of a parameter. Whoever sets, checks, writes down or reads back parameters goes
 * by these. */
struct policy_param {
    const char *name;    /* with its unit: on command lines and in the history's JSON */
    const char *meaning; /* for messages: "how long an event may wait" */
    double least, most;  /* its range, both included */
    bool whole;          /* it is a whole number */
    bool only_if_set;    /* a history names it only where it differs from the default */
    size_t offset;       /* of the double in struct policy_params */
};

/* The least double above 0 and the greatest below 1: ends of ranges that leave those out. */
#define POLICY_ABOVE_0 DBL_TRUE_MIN
#define POLICY_BELOW_1 0x1.fffffffffffffp-1

/* The offset of a policy's own parameter at that place of its declarations. */
#define POLICY_OWN_OFFSET(place) (offsetof(struct policy_params, own) + (place) * sizeof(double))

/* The parameters that every policy has, but for min_workers and max_workers, which histories and
 * command lines treat by themselves. */
const struct policy_param *policy_params_common(size_t *count);

double policy_params_get(const struct policy_param *param, const struct policy_params *params);
void policy_params_set(const struct policy_param *param, struct policy_params *params,
                       double value);

/* Whether the parameter may have this value. */
bool policy_params_allow(const struct policy_param *param, double value);

#endif
