#include "oracle.h"

#include <math.h>

#define BISECTIONS  12
#define LEAST_KAPPA 1e-4
#define MOST_KAPPA  1e4

static int count_events(const struct planner_params *params, uint64_t *count)
{
    struct simulation_source source;
    int64_t at_ns;
    int got = params->open(params->context, &source);

    for (*count = 0; got >= 0 && (got = source.next(source.context, &at_ns)) == 1;)
        ++*count;
    return got;
}

int oracle_plan(const struct planner_params *params, struct planner_plan *plan)
{
    double low = log(LEAST_KAPPA), high = log(MOST_KAPPA);
    uint64_t events;
    int error = count_events(params, &events);

    *plan = (struct planner_plan){0}; /* so that it may be cleared whatever happens */

    for (int i = 0; !error && i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        error =
            planner_plan(params, exp(middle), (uint64_t)((double)events * ORACLE_LATE_SHARE), plan);
        if (error)
            return error;
        if (plan->late_share > ORACLE_LATE_SHARE)
            low = middle;
        else
            high = middle;
        planner_clear(plan);
    }
    return error ? error : planner_plan(params, exp(high), UINT64_MAX, plan);
}
