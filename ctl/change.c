#include "change.h"

#include "amounts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_limit(const char *name, int64_t now, int64_t before, const char *between,
                        FILE *out)
{
    fprintf(out, "%s%s is ", between, name);
    if (now == before)
        fprintf(out, "%" PRId64 ", as before", now);
    else
        fprintf(out, "now %" PRId64 " (was %" PRId64 ")", now, before);
}

static void print_fixed(int64_t replicas, const struct status_limits *before, FILE *out)
{
    char workers[AMOUNTS_SIZE], was[AMOUNTS_SIZE];
    bool was_fixed = isfinite(before->replicas);

    amounts_workers((double)replicas, workers);
    if (replicas == COMMAND_NONE && !was_fixed)
        fprintf(out, "the number of workers was not fixed");
    else if (replicas == COMMAND_NONE)
        fprintf(out, "no longer fixed: the %s",
                before->paused ? "farm is paused, and the number of workers stays"
                               : "number of workers is decided again");
    else if (was_fixed && before->replicas == (double)replicas)
        fprintf(out, "fixed at %s, as before", workers);
    else if (was_fixed)
        fprintf(out, "fixed at %s (was %s)", workers, amounts_number(before->replicas, was));
    else
        fprintf(out, "fixed at %s, whatever the load", workers);
}

static void print_set(const struct command *command, const struct status_limits *before, FILE *out)
{
    const char *between = "";

    if (command->min_workers >= 0) {
        print_limit("min", command->min_workers, before->min_workers, between, out);
        between = ", ";
    }
    if (command->max_workers >= 0) {
        print_limit("max", command->max_workers, before->max_workers, between, out);
        between = ", ";
    }
    if (command->replicas != COMMAND_UNCHANGED) {
        fputs(between, out);
        print_fixed(command->replicas, before, out);
    }
}

static void print_resumed(const struct status_limits *before, FILE *out)
{
    char number[AMOUNTS_SIZE];

    if (!before->paused)
        fprintf(out, "it was not paused");
    else if (isfinite(before->replicas))
        fprintf(out, "resumed: the number of workers is fixed at %s",
                amounts_number(before->replicas, number));
    else
        fprintf(out, "resumed: the number of workers is decided again");
}

static void print_stopped(const struct command *command, const struct status *before, FILE *out)
{
    fprintf(out, "the worker in slot %" PRId64, command->slot);
    if (command->node[0])
        fprintf(out, " of %s", command->node);
    for (size_t i = 0; i < before->worker_count; i++)
        if (before->workers[i].slot == command->slot &&
            strcmp(before->workers[i].node, command->node) == 0)
            fprintf(out, " (pid %" PRId64 ")", before->workers[i].pid);
    fprintf(out, " finishes what it holds and ends");
}

void change_print(const struct command *command, const struct status *before, FILE *out)
{
    char number[AMOUNTS_SIZE];

    switch (command->verb) {
    case COMMAND_SET:
        print_set(command, &before->limits, out);
        break;
    case COMMAND_PAUSE:
        fprintf(out, "paused%s: the number of workers stays at %s",
                before->limits.paused ? " already" : "",
                amounts_number(before->decision.desired_workers, number));
        break;
    case COMMAND_RESUME:
        print_resumed(&before->limits, out);
        break;
    case COMMAND_STOP:
        print_stopped(command, before, out);
        break;
    case COMMAND_DRAIN:
        fprintf(out, "the node %s runs nothing from now on: its share goes to others",
                command->node);
        break;
    case COMMAND_UNDRAIN:
        fprintf(out, "the node %s gets its share again", command->node);
        break;
    case COMMAND_STATUS:
    default:
        break;
    }
    fputc('\n', out);
}
