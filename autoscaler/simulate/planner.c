#include "planner.h"

#include "error.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

struct event {
    int64_t at_ns, service_ns;
};

struct planner {
    const struct planner_params *params;
    struct simulation_source source;
    struct service service;
    double kappa;

    /* The events that wait when the window begins or arrive in it: `count` of them, from place
     * `first` on. */
    struct event *events;
    size_t first, count, capacity;
    double work_s;      /* their service */
    struct event ahead; /* the first event after the window; while `more` is set */
    bool more;
    int64_t end_ns; /* of the trace; once `more` is not set */

    int64_t *
        busy; /* of each worker that has an event from a window before: when it is done, in order */
    size_t busy_count;
    int64_t *heap; /* of each worker of the number that is tried: when it is free */

    uint64_t served, late;
    uint64_t late_limit; /* with more late events than this the plan is given up */
};

/* The event after those that are kept, or the end of the trace. */
static int fetch_event(struct planner *planner)
{
    int got = planner->source.next(planner->source.context, &planner->ahead.at_ns);

    planner->more = got > 0;
    if (planner->more)
        planner->ahead.service_ns = service_next(&planner->service);
    else
        planner->end_ns = planner->ahead.at_ns;
    return got < 0 ? got : 0;
}

/* Memory for one more event behind the others. */
static int reserve_event(struct planner *planner)
{
    if (planner->first + planner->count < planner->capacity)
        return 0;
    if (planner->first > planner->capacity / 2) {
        memmove(planner->events, planner->events + planner->first,
                planner->count * sizeof *planner->events);
        planner->first = 0;
        return 0;
    }
    size_t capacity = planner->capacity ? planner->capacity * 2 : 1024;
    struct event *events = reallocarray(planner->events, capacity, sizeof *events);
    if (!events)
        return -ERR_MEMORY;
    planner->events = events;
    planner->capacity = capacity;
    return 0;
}

/* Adds the events that arrive before until_ns. */
static int take_events(struct planner *planner, int64_t until_ns)
{
    int error = 0;

    while (!error && planner->more && planner->ahead.at_ns < until_ns) {
        error = reserve_event(planner);
        if (error)
            break;
        planner->events[planner->first + planner->count++] = planner->ahead;
        planner->work_s += (double)planner->ahead.service_ns / NS_PER_S;
        error = fetch_event(planner);
    }
    return error;
}

/* ---- the number of workers for one window ---- */

/* The worker that is free first takes an event, and is free again at that time. */
static void replace_first(int64_t *heap, size_t count, int64_t free_ns)
{
    size_t place = 0;

    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        child += child + 1 < count && heap[child + 1] < heap[child];
        if (heap[child] >= free_ns)
            break;
        heap[place] = heap[child];
    }
    heap[place] = free_ns;
}

/* So many workers: of the busy ones those that are done first, and idle ones for the rest. Sorted,
 * so a heap. */
static void engage(struct planner *planner, uint32_t workers, int64_t now_ns)
{
    size_t idle = workers > planner->busy_count ? workers - planner->busy_count : 0;

    for (size_t i = 0; i < workers; i++)
        planner->heap[i] = i < idle ? now_ns : planner->busy[i - idle];
}

/* What the window costs with so many workers. Once it is above `most` it is not counted to the
 * end. */
static double cost_of(struct planner *planner, uint32_t workers, int64_t now_ns, double most)
{
    const struct planner_params *params = planner->params;
    const struct event *events = planner->events + planner->first;
    double cost = workers * ((double)params->window_ns / NS_PER_S);
    int64_t cutoff_ns = now_ns + 2 * params->window_ns;

    if (!workers)
        return cost + planner->kappa * (double)planner->count;
    engage(planner, workers, now_ns);
    for (size_t i = 0; i < planner->count && cost <= most; i++) {
        const struct event *event = &events[i];
        int64_t start_ns = event->at_ns > planner->heap[0] ? event->at_ns : planner->heap[0];
        if (start_ns >= cutoff_ns)
            return cost + planner->kappa * (double)(planner->count - i);
        cost += start_ns - event->at_ns > params->late_ns ? planner->kappa : 0;
        replace_first(planner->heap, workers, start_ns + event->service_ns);
    }
    return cost;
}

/* The number with the least cost. Tried are the number that the work needs, then greater ones while
 * the workers alone cost less than the best, then smaller ones while the late events alone do:
 * fewer workers make no fewer events late. */
static uint32_t best_number(struct planner *planner, int64_t now_ns)
{
    const struct planner_params *params = planner->params;
    double window_s = (double)params->window_ns / NS_PER_S;
    double fit = fmin(ceil(planner->work_s / window_s), params->max_workers);
    uint32_t first = fit > params->min_workers ? (uint32_t)fit : params->min_workers;
    uint32_t best = first;
    double least = cost_of(planner, first, now_ns, INFINITY);

    for (uint32_t n = first + 1; n <= params->max_workers && n * window_s < least; n++) {
        double cost = cost_of(planner, n, now_ns, least);
        if (cost < least) {
            least = cost;
            best = n;
        }
    }
    for (uint32_t n = first; n > params->min_workers; n--) {
        double cost = cost_of(planner, n - 1, now_ns, least);
        if (cost <= least) {
            least = cost;
            best = n - 1;
        } else if (cost - (n - 1) * window_s > least) {
            break;
        }
    }
    return best;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Serves what starts in the window; the rest waits on. */
static void serve(struct planner *planner, uint32_t workers, int64_t now_ns)
{
    const struct planner_params *params = planner->params;
    int64_t until_ns = now_ns + params->window_ns;
    size_t i = 0;

    engage(planner, workers, now_ns);
    for (; workers && i < planner->count; i++) {
        const struct event *event = &planner->events[planner->first + i];
        int64_t start_ns = event->at_ns > planner->heap[0] ? event->at_ns : planner->heap[0];
        if (start_ns >= until_ns)
            break;
        planner->work_s -= (double)event->service_ns / NS_PER_S;
        planner->late += start_ns - event->at_ns > params->late_ns;
        replace_first(planner->heap, workers, start_ns + event->service_ns);
    }
    planner->served += i;
    planner->first += i;
    planner->count -= i;
    planner->busy_count = 0;
    for (size_t k = 0; k < workers; k++)
        if (planner->heap[k] > until_ns)
            planner->busy[planner->busy_count++] = planner->heap[k];
    qsort(planner->busy, planner->busy_count, sizeof *planner->busy, compare_times);
}

/* Too many events have been late, those among them that are still waiting. */
static bool is_hopeless(const struct planner *planner, int64_t now_ns)
{
    uint64_t late = planner->late;
    const struct event *event = planner->events + planner->first;

    for (size_t i = 0; i < planner->count && late <= planner->late_limit &&
                       now_ns - event[i].at_ns > planner->params->late_ns;
         i++)
        late++;
    return late > planner->late_limit;
}

static int append_number(struct planner_plan *plan, size_t *capacity, uint32_t number)
{
    if (plan->count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 256;
        uint32_t *workers = reallocarray(plan->workers, wanted, sizeof *workers);
        if (!workers)
            return -ERR_MEMORY;
        plan->workers = workers;
        *capacity = wanted;
    }
    plan->workers[plan->count++] = number;
    return 0;
}

static int plan_windows(struct planner *planner, struct planner_plan *plan)
{
    size_t capacity = 0;

    for (int64_t now_ns = 0; planner->more || planner->count || now_ns < planner->end_ns;
         now_ns += plan->window_ns) {
        int error = take_events(planner, now_ns + plan->window_ns);
        if (error)
            return error;
        uint32_t best = best_number(planner, now_ns);
        /* Events that are left after the end of the trace are late, and still have to be served. */
        if (!best && !planner->more && planner->count)
            best = 1;
        serve(planner, best, now_ns);
        error = append_number(plan, &capacity, best);
        if (error)
            return error;
        if (is_hopeless(planner, now_ns + plan->window_ns)) {
            plan->late_share = 1;
            return 0;
        }
    }
    plan->late_share = planner->served ? (double)planner->late / (double)planner->served : 0;
    return 0;
}

int planner_plan(const struct planner_params *params, double kappa, uint64_t late_limit,
                 struct planner_plan *plan)
{
    struct planner planner = {
        .params = params, .service = params->service, .kappa = kappa, .late_limit = late_limit};
    int error = params->open(params->context, &planner.source);

    *plan = (struct planner_plan){.window_ns = params->window_ns, .kappa = kappa};
    planner.busy = calloc(params->max_workers, sizeof *planner.busy);
    planner.heap = calloc(params->max_workers, sizeof *planner.heap);
    if (!error && (!planner.busy || !planner.heap))
        error = -ERR_MEMORY;
    if (!error)
        error = fetch_event(&planner);
    if (!error)
        error = plan_windows(&planner, plan);
    free(planner.events);
    free(planner.busy);
    free(planner.heap);
    if (error)
        planner_clear(plan);
    return error;
}

void planner_clear(struct planner_plan *plan)
{
    free(plan->workers);
    *plan = (struct planner_plan){0};
}
