#include "replay.h"

#include "autoscaler/policy/policy_history.h"
#include "csv/history_reader.h"

#include <stdlib.h>
#include <string.h>

/* What a decision is made from, and what it was. */
static const char *const needed[] = {"time_s",           "interval_s",      "arrival_per_s",
                                     "ready_msgs",       "backlog_msgs",    "capacity_msgs",
                                     "min_workers",      "max_workers",     "formula_workers",
                                     "desired_workers",  "running_workers", "starting_workers",
                                     "draining_workers", "policy",          "params",
                                     "reason",           "trigger",         "workers",
                                     "blocked",          "useful_workers",  NULL};

/* The same, of which histories of an earlier version say nothing. */
static const char *const optional[] = {"silent_workers",  "most_ready_msgs", "startup_s",
                                       "starting_before", "arrival_source",  NULL};

/* What to say of a column that cannot be used. */
static int refuse(const struct history_reader *reader, const struct history_row *row,
                  const char *column, struct why *why)
{
    if (strcmp(column, "policy") == 0)
        return history_reader_error(reader, column, why, "'%.40s' is not a policy of this version",
                                    row->policy);
    if (strcmp(column, "params") == 0)
        return history_reader_error(
            reader, column, why,
            "'%.80s' are not parameters, expected some like {\"horizon_s\":2,...}", row->params);
    return history_reader_error(reader, column, why, "expected a number of workers");
}

static int read_row(const struct history_reader *reader, struct history_row *row,
                    struct replay_row *out, struct why *why)
{
    const char *wrong;
    int error = history_reader_check_known(reader, row, why);

    if (error)
        return error;
    if (policy_history_read(row, &out->policy, &out->params, &out->sample, &wrong))
        return refuse(reader, row, wrong, why);
    out->line = history_reader_line(reader);
    out->formula_workers = row->formula_workers;
    out->desired_workers = row->desired_workers;
    out->reason = row->reason;
    out->alive_workers = row->running_workers + row->starting_workers + row->draining_workers;
    return 0;
}

static int read_rows(struct replay *replay, struct why *why)
{
    struct history_row row;
    size_t capacity = 0;
    int got, error = 0;

    while (!error && (got = history_reader_next(replay->reader, &row, why)) != 0) {
        if (got < 0)
            return got;
        if (replay->count == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            struct replay_row *rows = reallocarray(replay->rows, capacity, sizeof *rows);
            if (!rows)
                return error_set(why, ERR_MEMORY, "out of memory");
            replay->rows = rows;
        }
        error = read_row(replay->reader, &row, &replay->rows[replay->count++], why);
    }
    replay->run = history_reader_run(replay->reader);
    return error;
}

int replay_read(const char *path, uint64_t run, struct replay *replay, struct why *why)
{
    *replay = (struct replay){0};
    int error = history_reader_open(path, run, needed, optional, &replay->reader, why);
    if (error) {
        error_prefix(why, "not a history of this version");
        return error;
    }
    error = read_rows(replay, why);
    if (error)
        replay_clear(replay);
    /* A run that is not there is for the caller a fault of the file, like any other. */
    return error == -ERR_INVALID ? -ERR_CONFIG : error;
}

void replay_clear(struct replay *replay)
{
    free(replay->rows);
    history_reader_close(replay->reader);
    *replay = (struct replay){0};
}
