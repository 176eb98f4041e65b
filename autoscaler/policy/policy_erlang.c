#include "policy_erlang.h"

#include "erlang.h"

#include <math.h>

const struct policy_param policy_erlang_params[ERLANG_PARAMS] = {
    [ERLANG_WAIT_S] = {.name = POLICY_WAIT,
                       .meaning = "how long an event may wait",
                       .least = POLICY_ABOVE_0,
                       .most = DBL_MAX,
                       .offset = POLICY_OWN_OFFSET(ERLANG_WAIT_S)},
    [ERLANG_EPSILON] = {.name = "epsilon",
                        .meaning = "the share of events that may wait longer",
                        .least = POLICY_ABOVE_0,
                        .most = POLICY_BELOW_1,
                        .offset = POLICY_OWN_OFFSET(ERLANG_EPSILON)},
    [ERLANG_THETA] = {.name = "theta",
                      .meaning = "how many times wait_s it takes to clear what is a backlog",
                      .least = POLICY_ABOVE_0,
                      .most = DBL_MAX,
                      .offset = POLICY_OWN_OFFSET(ERLANG_THETA)},
    [ERLANG_AVERAGE_S] = {.name = "average_s",
                          .meaning = "the time over which arrivals are averaged",
                          .least = POLICY_ABOVE_0,
                          .most = DBL_MAX,
                          .offset = POLICY_OWN_OFFSET(ERLANG_AVERAGE_S)},
    [ERLANG_Z] = {.name = "z",
                  .meaning = "how many standard deviations are a change of the rate",
                  .least = POLICY_ABOVE_0,
                  .most = DBL_MAX,
                  .offset = POLICY_OWN_OFFSET(ERLANG_Z)},
    [ERLANG_FEW_STARTS] = {.name = POLICY_FEW_STARTS,
                           .meaning = "1 to hold workers for longer, so that fewer start, or 0",
                           .least = 0,
                           .most = 1,
                           .whole = true,
                           .only_if_set = true,
                           .offset = POLICY_OWN_OFFSET(ERLANG_FEW_STARTS)},
};

/* What is remembered: two averages of the arrival rate, each with how much of it is filled; how far
 * too many or too few events were late, and how far too much was spent on starting; and of the last
 * tick, how many workers were needed, and how many there were. */
enum {
    SLOW_PER_S,
    SLOW_WEIGHT,
    FAST_PER_S,
    FAST_WEIGHT,
    LATENESS,
    START_COST,
    NEEDED,
    WORKERS,
};

/* What a decision goes by. */
struct view {
    double arrival_per_s; /* lambda */
    double service_s;     /* s */
    double wait_s;        /* the target: who takes long to serve may let wait a while */
    double startup_s;     /* d */
    double start_price_s; /* what a start costs where starts are dear, elsewhere 0 */
    double most_clear_s;  /* what takes longer to clear is a backlog */
    double ready_msgs, backlog_msgs;
    double workers, running, starting;
};

/* ---- the arrival rate ---- */

/* An average over the last seconds that weighs the near more, and is a plain mean until it is
 * filled. */
static void average(double *per_s, double *weight, double sample_per_s, double interval_s,
                    double average_s)
{
    double fresh = -expm1(-interval_s / average_s);

    *weight += fresh * (1 - *weight);
    if (isinf(*per_s))
        *per_s = sample_per_s;
    else
        *per_s += *weight > 0 ? fresh / *weight * (sample_per_s - *per_s) : 0;
}

/* The long average, which starts anew from the short one when the rate has changed. Within the time
 * that a start takes there are so many short averages, and chance must not make a change of one of
 * them: what is started on it comes late and has to go again. By the normal distribution's tail,
 * n chances are as good as one when z^2 grows by 2 ln n; 3 was found to be better. */
static double smooth(const struct policy_sample *sample, const double *own, double startup_s,
                     double *memory)
{
    double average_s = own[ERLANG_AVERAGE_S], fast_s = average_s / 10;

    average(&memory[SLOW_PER_S], &memory[SLOW_WEIGHT], sample->arrival_per_s, sample->interval_s,
            average_s);
    average(&memory[FAST_PER_S], &memory[FAST_WEIGHT], sample->arrival_per_s, sample->interval_s,
            fast_s);
    double deviation = sqrt(fmax(memory[SLOW_PER_S], 1 / fast_s) / (2 * fast_s));
    double z = sqrt(own[ERLANG_Z] * own[ERLANG_Z] + 3 * log1p(2 * startup_s / fast_s));
    if (fabs(memory[FAST_PER_S] - memory[SLOW_PER_S]) > z * deviation) {
        memory[SLOW_PER_S] = memory[FAST_PER_S];
        memory[SLOW_WEIGHT] = memory[FAST_WEIGHT];
    }
    return memory[SLOW_PER_S];
}

/* ---- a farm at a decision ---- */

/* Who is ready a tenth of the usual interval after the start is there long before the next
 * decision, which is as good as at once: to reckon with so short a time would only change which
 * chances are met. */
#define QUICK_START_S 0.05

/* A start costs the time that it takes, and more for the machine that it keeps busy: together at
 * least what 29 s of a worker do. Of one that takes half a second nobody takes notice. */
#define CHEAP_START_S   0.5
#define DEAR_START_S    1.5
#define LEAST_PRICE_S   29
#define MACHINE_PRICE_S 10
#define PRICE_PER_USE   18 /* a start is worth its price when it is of use for an 18th of it */

static double start_price_s(double startup_s)
{
    double share = (startup_s - CHEAP_START_S) / (DEAR_START_S - CHEAP_START_S);

    return fmin(fmax(share, 0), 1) * fmax(startup_s + MACHINE_PRICE_S, LEAST_PRICE_S);
}

/* What takes longer to clear is a backlog. Quick workers make up for a little that has piled up at
 * any time; slow ones have to be started, or kept, while it is little. */
#define SLOW_PATIENCE 0.25

static double most_clear_s(double theta, double wait_s, double startup_s)
{
    return theta * wait_s * (SLOW_PATIENCE + (1 - SLOW_PATIENCE) * exp(-startup_s));
}

static struct view look(const struct policy_sample *sample, const struct policy_params *params,
                        double service_s, double *memory)
{
    const double *own = params->own;
    double told_s = policy_startup_s(sample, params);
    double startup_s = told_s <= QUICK_START_S ? 0 : told_s;
    double wait_s = fmax(own[ERLANG_WAIT_S], service_s / 2);

    return (struct view){
        /* Between ticks it is what has piled up that tells of a burst: a short count would take
         * chance for one. */
        .arrival_per_s = sample->trigger == POLICY_TICK ? smooth(sample, own, startup_s, memory)
                                                        : memory[SLOW_PER_S],
        .service_s = service_s,
        .wait_s = wait_s,
        .startup_s = startup_s,
        .start_price_s = own[ERLANG_FEW_STARTS] * start_price_s(startup_s),
        .most_clear_s = most_clear_s(own[ERLANG_THETA], wait_s, startup_s),
        .ready_msgs = sample->ready_msgs,
        .backlog_msgs = sample->backlog_msgs,
        .workers = sample->workers,
        .running = sample->workers - sample->starting_workers,
        .starting = sample->starting_workers,
    };
}

/* How long the running workers need for what is ready. */
static double clear_s(const struct view *now)
{
    return now->ready_msgs * now->service_s / fmax(now->running, 1);
}

/* ---- what is learnt ---- */

/* Grows while more than 2.5 % of the events find a queue in which they wait too long, so that it is
 * not more than 5 % in the end. It takes 6 s of late events, or 250 s without any, to move it by 1:
 * a few sharp rises teach enough, and one chance does not. With as many workers as there may be, or
 * fewer than were needed, be it for a person's word, another limit or crashes, there is nothing to
 * learn. */
#define LATE_SHARE     0.025
#define LEARN_S        250
#define LEAST_LATENESS (-3)
#define MOST_LATENESS  6

static void learn_lateness(const struct view *now, double arrived_msgs, double needed,
                           double max_workers, double *lateness)
{
    double weight = arrived_msgs / (LEARN_S * now->arrival_per_s);
    double late = clear_s(now) > now->wait_s;

    if (weight > 0 && isfinite(weight) && now->workers >= needed && now->workers < max_workers)
        *lateness =
            fmin(fmax(*lateness + weight * (late / LATE_SHARE - 1), LEAST_LATENESS), MOST_LATENESS);
}

/* The share of events that may wait longer. Quick workers make good what the estimate of the rate
 * has missed, so it may be large; slow ones come too late for that, and it is what was learnt. */
static double epsilon_of(double most, double startup_s, double lateness)
{
    const double slow = fmin(0.1, most), least = fmin(0.01, most), quick = exp(-startup_s);
    double epsilon = (slow + (most - slow) * quick) * exp2(-lateness / 2);

    return fmin(fmax(epsilon, least + (most - least) * quick), most);
}

/* Starting may cost 15 % of the workers' time. While it costs more, workers are held for longer, at
 * most four times as long after one tick: a farm that begins from nothing is no burst yet. */
#define START_SHARE     0.15
#define START_LEARN_S   600
#define MOST_START_COST 6
#define MOST_OF_A_TICK  2

static void learn_start_cost(const struct view *now, double before, double interval_s, double *cost)
{
    double spent_s = fmax(0, now->workers - before) * now->start_price_s;

    *cost += fmin((spent_s / (START_SHARE * fmax(before, 1)) - interval_s) / START_LEARN_S,
                  MOST_OF_A_TICK);
    *cost = fmin(fmax(*cost, 0), MOST_START_COST);
}

static void learn(const struct view *now, const struct policy_sample *sample,
                  const struct policy_params *params, double *memory)
{
    learn_lateness(now, sample->arrival_per_s * sample->interval_s, memory[NEEDED],
                   params->max_workers, &memory[LATENESS]);
    if (params->own[ERLANG_FEW_STARTS] > 0)
        learn_start_cost(now, memory[WORKERS], sample->interval_s, &memory[START_COST]);
    memory[WORKERS] = now->workers;
}

/* ---- the terms ---- */

/* Whoever goes and is wanted again is missing for the time that a start takes. So what was needed
 * in the last two such times stays, and longer after many starts. */
static double hold_s(double startup_s, double start_cost)
{
    double window_s = 2 * startup_s * exp2(start_cost);

    return fmax(fmin(window_s, fmax(300, 2 * startup_s)), startup_s);
}

/* What starts now is of use in a start's time: it is for what will be ready then. Those that are
 * starting become ready in the middle of it, on average. Started for a shorter use than half the
 * start's time, or an 18th of its price, one would be drained before it was worth it. Never more
 * than there are events until then. */
static double start_workers(const struct view *now)
{
    double served_per_s = (now->running + now->starting / 2) / now->service_s;
    double ready_msgs =
        fmax(0, now->ready_msgs + (now->arrival_per_s - served_per_s) * now->startup_s);
    double worth_s = fmax(now->startup_s / 2, now->start_price_s / PRICE_PER_USE);
    double clear_within_s = fmax(now->wait_s, worth_s);

    if (!(ready_msgs * now->service_s / fmax(now->workers, 1) > now->most_clear_s))
        return now->backlog_msgs > 0;
    return fmin(
        ceil(now->arrival_per_s * now->service_s + ready_msgs * now->service_s / clear_within_s),
        now->backlog_msgs + floor(now->arrival_per_s * now->startup_s));
}

/* While a backlog is there, none goes that helps to clear it. */
static double keep_workers(const struct view *now)
{
    double clearing =
        now->arrival_per_s * now->service_s + now->ready_msgs * now->service_s / now->wait_s;

    if (!(clear_s(now) > now->most_clear_s))
        return 0;
    return fmin(fmax(now->workers, 1), ceil(fmin(clearing, now->backlog_msgs)));
}

void policy_erlang(const struct policy_sample *sample, const struct policy_params *params,
                   struct policy_state *state, struct policy_decision *decision)
{
    double *memory = state->memory;
    const bool tick = sample->trigger == POLICY_TICK;
    /* Whoever is there at first has not been started for this, and may be fewer than are needed. */
    if (tick && memory[FAST_WEIGHT] == 0) {
        memory[WORKERS] = sample->workers;
        memory[NEEDED] = INFINITY;
    }
    const struct view now =
        look(sample, params, params->horizon_s / decision->capacity_msgs, memory);

    if (tick)
        learn(&now, sample, params, memory);
    double waits =
        erlang_fewest(now.arrival_per_s, now.service_s, now.wait_s,
                      epsilon_of(params->own[ERLANG_EPSILON], now.startup_s, memory[LATENESS]));
    if (tick)
        peak_add(&state->peak, waits, sample->time_s, hold_s(now.startup_s, memory[START_COST]));
    decision->smooth_per_s = now.arrival_per_s;
    decision->wait_workers = fmax(waits, peak_greatest(&state->peak));
    decision->drain_workers = fmax(start_workers(&now), keep_workers(&now));
    decision->need_workers = fmax(decision->wait_workers, decision->drain_workers);
    decision->formula_workers = decision->need_workers;
    decision->reason = decision->drain_workers > decision->wait_workers ? POLICY_ERLANG_DRAINS
                       : decision->wait_workers > waits                 ? POLICY_ERLANG_HOLDS
                                                                        : POLICY_ERLANG_WAITS;
    if (tick)
        memory[NEEDED] = decision->need_workers;
}
