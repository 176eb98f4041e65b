#include "terms.h"

#include "amounts.h"
#include "autoscaler/policy/policies.h"
#include "autoscaler/policy/policy_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DIGITS 9 /* behind the point */

static void print_backlog(const struct history_row *row, FILE *out)
{
    char total[AMOUNTS_SIZE], ready[AMOUNTS_SIZE], held[AMOUNTS_SIZE];

    fprintf(out, "  B          %s: %s ready in the queue, %s held by workers\n",
            amounts_events(row->backlog_msgs, total), amounts_number(row->ready_msgs, ready),
            amounts_number(row->in_flight_msgs, held));
}

static bool is_measured(const struct history_row *row)
{
    return !row->arrival_source || strcmp(row->arrival_source, HISTORY_NOT_MEASURED) != 0;
}

static void print_arrivals(const struct history_row *row, FILE *out)
{
    char rate[AMOUNTS_SIZE], smooth[AMOUNTS_SIZE], span[AMOUNTS_SIZE];

    if (!is_measured(row)) {
        fprintf(out, "  λ          not measured here: nothing counts what arrives\n");
        return;
    }
    fprintf(out, "  λ          %s events/s", amounts_number(row->arrival_per_s, rate));
    if (isfinite(row->interval_s))
        fprintf(out, ", over %s", amounts_span(row->interval_s, span));
    if (isfinite(row->smooth_per_s) && row->smooth_per_s != row->arrival_per_s)
        fprintf(out, "; reckoned with: %s", amounts_number(row->smooth_per_s, smooth));
    if (row->arrival_source && strcmp(row->arrival_source, HISTORY_ACCEPTED) == 0)
        fprintf(out, "; it is what the queue takes");
    fprintf(out, "\n");
}

static void print_capacity(const struct history_row *row, FILE *out)
{
    char horizon[AMOUNTS_SIZE], capacity[AMOUNTS_SIZE];

    fprintf(out, "  T          %s s: within so long, backlog and arrivals are to be cleared\n",
            amounts_number(row->horizon_s, horizon));
    fprintf(out, "  C          %s: what one worker clears within T\n",
            amounts_events(row->capacity_msgs, capacity));
}

/* With as many digits as it takes to see why it was rounded up: 1.02, not 1, where two workers are
 * needed. */
static const char *show_need(double need, char text[AMOUNTS_SIZE])
{
    amounts_number(need, text);
    if (!(need < 1e9))
        return text;
    for (int digits = 1; digits <= MOST_DIGITS && ceil(strtod(text, NULL)) < ceil(need); digits++)
        snprintf(text, AMOUNTS_SIZE, "%.*f", digits, need);
    return text;
}

/* How the policy came to its number. */
static void print_need(const struct history_row *row, FILE *out)
{
    char a[AMOUNTS_SIZE], b[AMOUNTS_SIZE], c[AMOUNTS_SIZE], d[AMOUNTS_SIZE], need[AMOUNTS_SIZE],
        whole[AMOUNTS_SIZE];

    if (isnan(row->formula_workers))
        return;
    show_need(row->need_workers, need);
    amounts_number(row->formula_workers, whole);
    if (isfinite(row->wait_workers) || isfinite(row->drain_workers))
        fprintf(out,
                "  needed     %s: %s so that few events wait long, %s so that the backlog "
                "goes\n",
                whole, amounts_number(row->wait_workers, a), amounts_number(row->drain_workers, b));
    else if (!is_measured(row))
        fprintf(out, "  needed     %s: B / C = %s / %s = %s\n", whole,
                amounts_number(row->backlog_msgs, a), amounts_number(row->capacity_msgs, d), need);
    else
        fprintf(out, "  needed     %s: (B + λT) / C = (%s + %s × %s) / %s = %s\n", whole,
                amounts_number(row->backlog_msgs, a), amounts_number(row->arrival_per_s, b),
                amounts_number(row->horizon_s, c), amounts_number(row->capacity_msgs, d), need);
}

static void print_limits(const struct status_limits *limits, FILE *out)
{
    char number[AMOUNTS_SIZE], by[AMOUNTS_SHOWN_SIZE];

    fprintf(out, "  limits     %lld to %s", (long long)limits->min_workers,
            amounts_workers((double)limits->max_workers, number));
    if (limits->paused)
        fprintf(out, ", paused");
    if (isfinite(limits->replicas))
        fprintf(out, ", fixed at %s", amounts_number(limits->replicas, number));
    if (limits->by[0])
        fprintf(out, "; changed %s ago by %s", amounts_span(limits->changed_s, number),
                amounts_shown(limits->by, by));
    fprintf(out, "\n");
}

static void print_bound(const struct history_row *row, FILE *out)
{
    char number[AMOUNTS_SIZE], text[AMOUNTS_SHOWN_SIZE];

    fprintf(out, "  decided    %s", amounts_workers(row->desired_workers, number));
    if (row->policy)
        fprintf(out, " by %s", amounts_shown(row->policy, text));
    if (row->reason)
        fprintf(out, "; what bound it: %s", amounts_shown(row->reason, text));
    if (isfinite(row->useful_workers) && row->useful_workers > 0)
        fprintf(out, "; more than %s were seen not to help",
                amounts_number(row->useful_workers, number));
    fprintf(out, "\n");
}

/* What each other policy says to the same measurements, from the workers that there are; and the
 * farm's own, if a person's word goes before it. None of them remembers what was before, so none
 * of them waits before it takes workers away, and the number may fall between ticks too. */
static void print_others(const struct history_row *row, FILE *out)
{
    const struct policy *own, *other;
    struct policy_params params;
    struct policy_sample sample;
    const char *wrong;

    if (!row->policy || !row->params || !row->trigger ||
        policy_history_read(row, &own, &params, &sample, &wrong))
        return;
    sample.trigger = POLICY_TICK;
    fprintf(out, "  others     to the same measurements");
    const char *before = "";
    for (size_t i = 0; (other = policies_at(i)); i++) {
        struct policy_params theirs;
        struct policy_state state = {.desired_workers = sample.workers};
        struct policy_decision decision = {0};
        if (other == own && params.paused <= 0 && params.replicas < 0)
            continue;
        policy_tune_like(other, own, &params, &theirs);
        theirs.scale_down_delay_s = 0;
        if (policy_decide(other, &sample, &theirs, &state, &decision))
            continue;
        fprintf(out, "%s %s says %u", before, other->name, (unsigned)decision.desired_workers);
        before = ",";
    }
    fprintf(out, "\n");
}

void terms_print(const struct status *status, FILE *out)
{
    const struct history_row *row = &status->decision;

    if (isnan(status->decided_s))
        return;
    print_backlog(row, out);
    print_arrivals(row, out);
    print_capacity(row, out);
    print_need(row, out);
    print_limits(&status->limits, out);
    print_bound(row, out);
    print_others(row, out);
}
