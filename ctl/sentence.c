#include "sentence.h"

#include "amounts.h"
#include "autoscaler/policy/policy.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* What each reason means, behind "N workers". Where there is an `after`, the policy's own number
 * stands before it. */
static const struct meaning {
    const char *before, *after;
} meanings[POLICY_REASONS] = {
    [POLICY_FORMULA] = {": as many as the backlog and the arrivals need", NULL},
    [POLICY_BACKLOG_ONLY] = {": as many as the backlog needs; nothing counts what arrives", NULL},
    [POLICY_MIN] = {", the minimum: the load needs only ", ""},
    [POLICY_MAX] = {", the maximum: the load needs ", ""},
    [POLICY_ERLANG_WAITS] = {": with fewer, too many events would wait too long", NULL},
    [POLICY_ERLANG_DRAINS] = {": as many as it takes to clear the backlog", NULL},
    [POLICY_ERLANG_HOLDS] = {": so many were needed lately, and workers start slowly", NULL},
    [POLICY_STARTING] = {": the load needs only ", ", but none goes that is starting"},
    [POLICY_HEADROOM] = {": the load needs ", ", and the headroom adds to that"},
    [POLICY_DELAYED_DOWN] = {": the load needs only ", ", but not yet for the scale-down delay"},
    [POLICY_STEP_UP] = {": the load needs ", ", and they are added step by step"},
    [POLICY_STEP_DOWN] = {": the load needs only ", ", and the others go step by step"},
    [POLICY_SATURATED] = {": the load needs ", ", but more were seen not to help"},
    [POLICY_SILENT] = {": the load seems to need only ",
                       ", but some workers do not tell what they hold"},
    [POLICY_TOTAL] = {", what the other pools leave of total-max: the load needs ", ""},
    [POLICY_LEARNING] =
        {": how many events one worker clears is not known yet, and one at work finds out", NULL},
    [POLICY_HELD_ARRIVAL] = {", as before: the arrival rate is not known", NULL},
    [POLICY_HELD_BACKLOG] = {", as before: the backlog is not known", NULL},
    [POLICY_HELD_BLOCKED] = {", as before: the broker is short of memory or disk, and takes "
                             "nothing from the workers",
                             NULL},
    [POLICY_PAUSED] = {", as before: the farm was paused when that was decided", NULL},
    [POLICY_FIXED] = {": so many were asked for when that was decided", NULL},
};

static const struct meaning *find_meaning(const char *reason)
{
    for (int i = 0; reason && i < POLICY_REASONS; i++)
        if (strcmp(reason, policy_reason_text((enum policy_reason)i)) == 0)
            return &meanings[i];
    return NULL;
}

/* Who has changed the limits last. */
static void print_by(const struct status_limits *limits, FILE *out)
{
    char by[AMOUNTS_SHOWN_SIZE], span[AMOUNTS_SIZE];

    if (limits->by[0])
        fprintf(out, " (last command %s ago, by %s)", amounts_span(limits->changed_s, span),
                amounts_shown(limits->by, by));
    fputs(".\n", out);
}

static void print_decision(const struct history_row *row, FILE *out)
{
    const struct meaning *meaning = find_meaning(row->reason);
    char text[AMOUNTS_SIZE], reason[AMOUNTS_SHOWN_SIZE];

    fputs(amounts_workers(row->desired_workers, text), out);
    if (!meaning)
        fprintf(out, ": %s",
                amounts_shown(row->reason ? row->reason : "it is not said why", reason));
    else if (meaning->after)
        fprintf(out, "%s%s%s", meaning->before, amounts_number(row->formula_workers, text),
                meaning->after);
    else
        fputs(meaning->before, out);
    fputs(".\n", out);
}

/* What makes decisions impossible or needless; false when nothing does. */
static bool print_state(const struct status *status, FILE *out)
{
    char text[AMOUNTS_SIZE];

    if (strcmp(status->state, "draining") == 0)
        fprintf(out, "The autoscaler is ending: its workers finish what they hold.\n");
    else if (strcmp(status->state, "standby") == 0)
        fprintf(out, "This autoscaler stands by, and another one runs the farm.\n");
    else if (isfinite(status->broker_away_s))
        fprintf(out,
                "The autoscaler has had no connection to its broker for %s: the number of workers "
                "stays as it is.\n",
                amounts_span(status->broker_away_s, text));
    else
        return false;
    return true;
}

void sentence_print(const struct status *status, FILE *out)
{
    const struct status_limits *limits = &status->limits;
    char text[AMOUNTS_SIZE];

    if (print_state(status, out))
        return;
    if (isfinite(limits->replicas)) {
        fprintf(out, "Fixed: %s, whatever the load", amounts_workers(limits->replicas, text));
        print_by(limits, out);
    } else if (limits->paused) {
        fprintf(out, "Paused: the number of workers stays at %s",
                amounts_number(status->decision.desired_workers, text));
        print_by(limits, out);
    } else if (isnan(status->decided_s)) {
        fprintf(out, "Nothing was decided yet.\n");
    } else {
        print_decision(&status->decision, out);
    }
}

/* Of those that run. */
static size_t count_silent(const struct status *status)
{
    size_t silent = 0;

    for (size_t i = 0; i < status->worker_count; i++)
        silent += !status->workers[i].tells && strcmp(status->workers[i].state, "running") == 0;
    return silent;
}

/* One crash is told in the log; when nobody runs because of them it has to be said. */
static void print_crashes(const struct status *status, FILE *out)
{
    const struct status_counters *counters = &status->counters;

    if (counters->crashed > 0 && status->running == 0)
        fprintf(out,
                "Workers do not stay: %lld of the %lld that were started have crashed. The log of "
                "the autoscaler says how.\n",
                (long long)counters->crashed, (long long)counters->spawned);
}

void sentence_print_rest(const struct status *status, FILE *out)
{
    /* Of an autoscaler that decides nothing, nobody waits for workers. */
    bool decides = strcmp(status->state, "draining") != 0 && strcmp(status->state, "standby") != 0;
    int64_t alive = status->starting + status->running;
    double wanted = status->decision.desired_workers;
    size_t silent = count_silent(status);
    char text[AMOUNTS_SIZE];

    if (decides && isfinite(wanted) && (double)alive < wanted)
        fprintf(out, "%s still to be started.\n", amounts_workers(wanted - (double)alive, text));
    if (decides)
        print_crashes(status, out);
    if (silent)
        fprintf(out,
                "%s %s not use the scoreboard: what they hold is unknown, and the backlog may be "
                "greater.\n",
                amounts_workers((double)silent, text), silent == 1 ? "does" : "do");
}
