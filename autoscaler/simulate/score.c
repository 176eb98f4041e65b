#include "score.h"

#include <math.h>

#define NS_PER_S 1e9

void score_begin(struct score_keeper *keeper, const struct planner_plan *needed)
{
    *keeper = (struct score_keeper){.needed = needed};
}

/* Compares the workers since at_ns with what was needed, window by window. */
static void compare(struct score_keeper *keeper, int64_t now_ns)
{
    const struct planner_plan *needed = keeper->needed;

    while (needed && needed->count && keeper->at_ns < now_ns) {
        size_t window = (size_t)(keeper->at_ns / needed->window_ns);
        int64_t until_ns = (int64_t)(window + 1) * needed->window_ns;
        until_ns = until_ns < now_ns ? until_ns : now_ns;
        double need = window < needed->count ? needed->workers[window] : 0;
        double span_s = (double)(until_ns - keeper->at_ns) / NS_PER_S;
        double off = keeper->workers - need;

        keeper->under_s += off < 0 ? span_s : 0;
        keeper->over_s += off > 0 ? span_s : 0;
        keeper->under_worker_s += off < 0 ? -off * span_s : 0;
        keeper->over_worker_s += off > 0 ? off * span_s : 0;
        keeper->at_ns = until_ns;
    }
    keeper->at_ns = now_ns;
}

void score_decided(struct score_keeper *keeper, int64_t now_ns, uint32_t wanted, uint32_t workers)
{
    if (workers != keeper->workers) {
        compare(keeper, now_ns);
        keeper->workers = workers;
    }
    if (wanted == keeper->wanted)
        return;
    int direction = wanted > keeper->wanted ? 1 : -1;
    keeper->reversals += keeper->direction && direction != keeper->direction;
    keeper->direction = direction;
    keeper->wanted = wanted;
}

static double percentile_s(const struct simulation *simulation, double percent)
{
    return (double)histogram_percentile_ns(&simulation->waits, percent) / NS_PER_S;
}

struct score score_end(struct score_keeper *keeper, const struct simulation *simulation)
{
    bool known = keeper->needed;
    double duration_s = (double)simulation->now_ns / NS_PER_S;
    double hours = duration_s / 3600;

    compare(keeper, simulation->now_ns);
    struct score score = {
        .wait_p50_s = percentile_s(simulation, 50),
        .wait_p95_s = percentile_s(simulation, 95),
        .wait_p99_s = percentile_s(simulation, 99),
        .wait_max_s = percentile_s(simulation, 100),
        .worker_s = simulation_worker_s(simulation),
        .work_s = simulation->work_s,
        .oracle_ratio = NAN,
        .under_share = known ? keeper->under_s / duration_s : (double)NAN,
        .over_share = known ? keeper->over_s / duration_s : (double)NAN,
        .under_mean = keeper->under_s > 0 ? keeper->under_worker_s / keeper->under_s : 0,
        .over_mean = keeper->over_s > 0 ? keeper->over_worker_s / keeper->over_s : 0,
        .reversals_per_h = hours > 0 ? (double)keeper->reversals / hours : 0,
        .starts_per_h = hours > 0 ? (double)simulation->pool.counts.spawned / hours : 0,
        .peak_workers = simulation->peak_workers,
        .late_share =
            simulation->started ? (double)simulation->late / (double)simulation->started : 0,
        .duration_s = duration_s,
        .unserved = (double)(simulation->arrived - simulation->started),
        .events = simulation->arrived,
    };
    if (known && keeper->needed->worker_s > 0)
        score.oracle_ratio = score.worker_s / keeper->needed->worker_s;
    return score;
}
