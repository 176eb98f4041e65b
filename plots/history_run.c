#include "history_run.h"

#include <math.h>
#include <stdlib.h>

static const char *const needed[] = {"time_s",           "interval_s",
                                     "arrival_per_s",    "backlog_msgs",
                                     "horizon_s",        "capacity_msgs",
                                     "min_workers",      "max_workers",
                                     "desired_workers",  "running_workers",
                                     "starting_workers", "policy",
                                     "reason",           NULL};

/* Not in the files of early versions. */
static const char *const optional[] = {"farm", "simulated_service_s", NULL};

static int check_row(const struct history_reader *reader, const struct history_row *now,
                     const struct history_row *before, struct why *why)
{
    if (isnan(now->time_s))
        return history_reader_error(reader, "time_s", why, "is empty, expected seconds");
    if (before && now->time_s < before->time_s)
        return history_reader_error(
            reader, "time_s", why,
            "%.17g is earlier than the %.17g of the row before, expected time to "
            "go forward within a run",
            now->time_s, before->time_s);
    if (now->min_workers > now->max_workers)
        return history_reader_error(reader, "max_workers", why,
                                    "%.17g is less than min_workers, expected %.17g or more",
                                    now->max_workers, now->min_workers);
    return 0;
}

static int read_rows(struct history_run *run, struct why *why)
{
    struct history_row row;
    size_t capacity = 0;
    int got, error = 0;

    while (!error && (got = history_reader_next(run->reader, &row, why)) != 0) {
        if (got < 0)
            return got;
        if (run->row_count == capacity) {
            if (capacity == HISTORY_RUN_MAX_ROWS)
                return history_reader_error(run->reader, "run", why,
                                            "has more than %d decisions, expected less",
                                            HISTORY_RUN_MAX_ROWS);
            capacity = capacity ? 2 * capacity : 256;
            struct history_row *rows = reallocarray(run->rows, capacity, sizeof *rows);
            if (!rows)
                return error_set(why, ERR_MEMORY, "out of memory");
            run->rows = rows;
        }
        struct history_row *before = run->row_count ? &run->rows[run->row_count - 1] : NULL;
        error = check_row(run->reader, &row, before, why);
        run->rows[run->row_count++] = row;
    }
    return error;
}

int history_run_read(const char *path, uint64_t number, struct history_run *run, struct why *why)
{
    *run = (struct history_run){0};
    int error = history_reader_open(path, number, needed, optional, &run->reader, why);

    if (!error)
        error = read_rows(run, why);
    if (error)
        return error;
    run->number = history_reader_run(run->reader);
    const struct history_row *last = &run->rows[run->row_count - 1];
    run->policy = last->policy ? last->policy : "";
    run->farm = last->farm;
    return 0;
}

void history_run_clear(struct history_run *run)
{
    free(run->rows);
    history_reader_close(run->reader);
    *run = (struct history_run){0};
}
