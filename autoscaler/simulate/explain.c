#include "explain.h"

#include "autoscaler/policy/policies.h"
#include "replay.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_POLICIES 8

static bool equal(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

/* True when it comes out as it is written. */
static bool decide_again(const struct replay_row *row, struct policy_state *state,
                         struct policy_decision *decision)
{
    return policy_decide(row->policy, &row->sample, &row->params, state, decision) == 0 &&
           decision->desired_workers == row->desired_workers &&
           equal(decision->formula_workers, row->formula_workers) &&
           strcmp(policy_reason_text(decision->reason), row->reason) == 0;
}

static void print_difference(const char *path, const struct replay_row *row,
                             const struct policy_decision *decision)
{
    printf("%s:%zu: decided %.0f (%s), and again %" PRIu32 " (%s)\n", path, row->line,
           row->desired_workers, row->reason, decision->desired_workers,
           policy_reason_text(decision->reason));
}

int explain_replay(const char *path, uint64_t run, bool *same, struct why *why)
{
    struct replay replay;
    struct policy_state state;
    int error = replay_read(path, run, &replay, why);

    if (error)
        return error;
    *same = true;
    policy_start(&state, &replay.rows[0].params);
    for (size_t i = 0; *same && i < replay.count; i++) {
        struct policy_decision decision = {.formula_workers = NAN};
        *same = decide_again(&replay.rows[i], &state, &decision);
        if (!*same)
            print_difference(path, &replay.rows[i], &decision);
    }
    if (*same)
        printf("run %" PRIu64 ": %zu decisions, all the same again\n", replay.run, replay.count);
    replay_clear(&replay);
    return 0;
}

/* ---- row by row ---- */

/* Every policy, deciding from the measurements that were made under the one that ran. */
struct others {
    const struct policy *policies[MOST_POLICIES];
    struct policy_state states[MOST_POLICIES];
    double worker_s[MOST_POLICIES]; /* had there been as many workers as each wanted */
    size_t count;
};

static const char *amount(double value, char text[24])
{
    if (isnan(value))
        return "?";
    snprintf(text, 24, value < 10 && value != floor(value) ? "%.1f" : "%.0f", value);
    return text;
}

static void print_header(const struct others *others)
{
    printf("%9s %9s %9s %7s %7s %7s %4s", "time", "λ/s", "B", "need", "waits", "drains", "N");
    for (size_t k = 0; k < others->count; k++)
        printf(" %12s", others->policies[k]->name);
    printf(" %8s  why\n", "start-up");
}

static void explain_row(const struct replay_row *row, const struct policy_decision *decision,
                        struct others *others, double span_s)
{
    char t[5][24];

    printf("%8.1fs %9s %9s %7s %7s %7s %4.0f", row->sample.time_s,
           amount(row->sample.arrival_per_s, t[0]), amount(row->sample.backlog_msgs, t[1]),
           amount(decision->need_workers, t[2]), amount(decision->wait_workers, t[3]),
           amount(decision->drain_workers, t[4]), row->desired_workers);
    for (size_t k = 0; k < others->count; k++) {
        struct policy_params params;
        struct policy_decision other = {.desired_workers = 0};
        policy_tune_like(others->policies[k], row->policy, &row->params, &params);
        if (policy_decide(others->policies[k], &row->sample, &params, &others->states[k], &other))
            printf(" %12s", "?");
        else
            printf(" %12" PRIu32, other.desired_workers);
        others->worker_s[k] += other.desired_workers * span_s;
    }
    printf(" %7.2gs  %s\n", policy_startup_s(&row->sample, &row->params), row->reason);
}

static void start_others(struct others *others, const struct policy_params *params)
{
    const struct policy *policy;

    for (others->count = 0; others->count < MOST_POLICIES && (policy = policies_at(others->count));
         others->count++) {
        others->policies[others->count] = policy;
        others->worker_s[others->count] = 0;
        policy_start(&others->states[others->count], params);
    }
}

static void print_cost(const char *path, const struct others *others, double worker_s)
{
    printf("\nworker-seconds: %.0f were spent; from the same measurements", worker_s);
    for (size_t k = 0; k < others->count; k++)
        printf("%s %s would have asked for %.0f", k ? "," : "", others->policies[k]->name,
               others->worker_s[k]);
    printf(".\nThe measurements would have been others: --trace %s tries that.\n", path);
}

int explain_history(const char *path, uint64_t run, bool *same, struct why *why)
{
    struct replay replay;
    struct policy_state state;
    struct others others;
    double worker_s = 0;
    int error = replay_read(path, run, &replay, why);

    if (error)
        return error;
    policy_start(&state, &replay.rows[0].params);
    start_others(&others, &replay.rows[0].params);
    print_header(&others);
    *same = true;
    for (size_t i = 0; i < replay.count; i++) {
        const struct replay_row *row = &replay.rows[i];
        struct policy_decision decision = {.formula_workers = NAN};
        bool again = decide_again(row, &state, &decision);
        double span_s =
            i + 1 < replay.count ? replay.rows[i + 1].sample.time_s - row->sample.time_s : 0;
        explain_row(row, &decision, &others, span_s);
        worker_s += row->alive_workers * span_s;
        if (!again)
            print_difference(path, row, &decision);
        *same &= again;
    }
    print_cost(path, &others, worker_s);
    replay_clear(&replay);
    return 0;
}
