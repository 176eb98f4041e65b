#include "history.h"

#include "clock.h"
#include "csv/table.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All parameters with 17 digits each. */
#define PARAMS_SIZE 640

/* New columns are appended: readers find them by name. */
static const char header[] =
    "run,time_s,timestamp,interval_s,arrived_msgs,arrival_per_s,ready_msgs,in_flight_msgs,"
    "backlog_msgs,horizon_s,capacity_msgs,min_workers,max_workers,formula_workers,desired_workers,"
    "running_workers,starting_workers,draining_workers,spawned,stopped,crashed,handled_per_s,"
    "policy,"
    "params,reason,farm,simulated_service_s,trigger,workers,blocked,useful_workers,arrival_age_s,"
    "backlog_age_s,need_workers,smooth_per_s,wait_workers,drain_workers\n";

struct history {
    int fd;
    uint64_t run;
    struct table_row row;
    char path[]; /* for messages */
};

static int fail(const struct history *history, struct why *why)
{
    return error_set(why, ERR_CONFIG, "cannot write the history '%s': %s", history->path,
                     strerror(errno));
}

/* Where the last whole row ends. */
static int find_end(const struct history *history, off_t size, off_t *end, struct why *why)
{
    char chunk[4096];

    for (*end = size; *end > 0;) {
        size_t length = *end < (off_t)sizeof chunk ? (size_t)*end : sizeof chunk;
        if (pread(history->fd, chunk, length, *end - (off_t)length) != (ssize_t)length)
            return fail(history, why);
        const char *newline = memrchr(chunk, '\n', length);
        if (newline) {
            *end += newline + 1 - chunk - (off_t)length;
            return 0;
        }
        *end -= (off_t)length;
    }
    return 0;
}

/* The number after the greatest run in the file. */
static int find_run(struct history *history, struct why *why)
{
    struct table *table = NULL;
    int column, error = table_read(history->path, &table, why);

    if (!error)
        error = table_need_column(table, "run", &column, why);
    for (size_t i = 0; !error && i < table_rows(table); i++) {
        double run;
        error = table_number(table, i, column, &run, why);
        /* 2^53 is where doubles stop counting. NAN fails the comparisons too. */
        if (!error && !(run >= 0 && run < 9007199254740992.0 && run == floor(run)))
            error = table_error(table, i, column, why,
                                "'%.40s' is not the number of a run, expected 1 or more",
                                table_cell(table, i, column));
        if (!error && run >= (double)history->run)
            history->run = (uint64_t)run + 1;
    }
    table_close(table);
    return error;
}

static int continue_file(struct history *history, off_t size, struct why *why)
{
    char start[sizeof header] = "";
    off_t end;

    if (pread(history->fd, start, sizeof header - 1, 0) < 0)
        return fail(history, why);
    if (memcmp(start, header, sizeof header - 1) != 0)
        return error_set(why, ERR_CONFIG,
                         "'%s' is %s; name another file with --history, or move this one away",
                         history->path,
                         strncmp(start, "run,time_s,", 11) == 0
                             ? "a history of another version: its header differs"
                             : "no history: it begins with something else than its header");
    int error = find_end(history, size, &end, why);
    if (!error && end < size && ftruncate(history->fd, end))
        return fail(history, why);
    return error ? error : find_run(history, why);
}

int history_open(const char *path, struct history **out, struct why *why)
{
    struct history *history = calloc(1, sizeof *history + strlen(path) + 1);
    if (!history)
        return error_set(why, ERR_MEMORY, "out of memory");
    memcpy(history->path, path, strlen(path) + 1);
    history->run = 1;
    table_row_init(&history->row);

    int error = 0;
    struct stat status;
    history->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (history->fd < 0 || fstat(history->fd, &status))
        error = fail(history, why);
    else if (!S_ISREG(status.st_mode))
        error = error_set(why, ERR_CONFIG, "the history '%s' is not a regular file", path);
    else if (status.st_size > 0)
        error = continue_file(history, status.st_size, why);
    else if (write(history->fd, header, sizeof header - 1) != (ssize_t)sizeof header - 1) {
        error = fail(history, why);
        if (ftruncate(history->fd, 0)) {
            /* what is left is no header, and the next start will say so */
        }
    }
    if (error) {
        history_close(history);
        return error;
    }
    *out = history;
    return 0;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    if (history->fd >= 0)
        close(history->fd);
    table_row_clear(&history->row);
    free(history);
}

/* The parameters that this policy decides by, as JSON; the reader takes the defaults for those left out. */
static void format_params(const struct history_row *row, char *text, size_t size)
{
    static const struct policy_params defaults = POLICY_DEFAULT_PARAMS;
    const struct policy *policy = policy_find(row->policy);
    size_t count, length = 0;
    const struct policy_param *list = policy_param_list(&count);

    for (size_t i = 0; i < count && length < size; i++) {
        double value = policy_param_get(&list[i], &row->params);
        bool always = i < POLICY_PARAMS_ALWAYS || (list[i].erlang && policy && policy->ready);
        if (!always && (list[i].erlang || value == policy_param_get(&list[i], &defaults)))
            continue;
        int written = value == POLICY_CAPACITY_AUTO && i < POLICY_PARAMS_ALWAYS
                          ? snprintf(text + length, size - length, "%c\"%s\":\"auto\"",
                                     i ? ',' : '{', list[i].name)
                          : snprintf(text + length, size - length, "%c\"%s\":%.17g", i ? ',' : '{',
                                     list[i].name, value);
        length += (size_t)written;
    }
    if (length < size)
        snprintf(text + length, size - length, "}");
}

static int format(struct history *history, const struct history_row *row)
{
    struct table_row *cells = &history->row;
    char stamp[CLOCK_STAMP_SIZE], params[PARAMS_SIZE];

    clock_stamp(stamp);
    format_params(row, params, sizeof params);
    table_row_begin(cells);
    table_row_count(cells, history->run);
    table_row_number(cells, row->time_s);
    table_row_text(cells, stamp);
    table_row_number(cells, row->sample.interval_s);
    table_row_number(cells, row->sample.arrived_msgs);
    table_row_number(cells, row->sample.arrival_per_s);
    table_row_number(cells, row->sample.ready_msgs);
    table_row_number(cells, row->in_flight_msgs);
    table_row_number(cells, row->backlog_msgs);
    table_row_number(cells, row->params.horizon_s);
    table_row_number(cells, row->params.capacity_msgs > 0 ? row->params.capacity_msgs
                                                          : row->decision.capacity_msgs);
    table_row_count(cells, row->params.min_workers);
    table_row_count(cells, row->params.max_workers);
    table_row_number(cells, row->decision.formula_workers);
    table_row_count(cells, row->decision.desired_workers);
    table_row_count(cells, row->workers.running);
    table_row_count(cells, row->workers.starting);
    table_row_count(cells, row->workers.draining);
    table_row_count(cells, row->spawned);
    table_row_count(cells, row->stopped);
    table_row_count(cells, row->crashed);
    table_row_number(cells, row->handled_per_s);
    table_row_text(cells, row->policy);
    table_row_text(cells, params);
    table_row_text(cells, row->reason);
    table_row_text(cells, row->farm);
    table_row_number(cells, row->simulated_service_s);
    table_row_text(cells, row->given.trigger == POLICY_REACT ? "react" : "tick");
    table_row_count(cells, row->given.workers);
    table_row_count(cells, row->given.blocked);
    table_row_number(cells,
                     row->given.useful_workers > 0 ? row->given.useful_workers : (double)NAN);
    table_row_number(cells, row->sample.arrival_age_s);
    table_row_number(cells, row->sample.ready_age_s);
    table_row_number(cells, row->decision.need_workers);
    table_row_number(cells, row->decision.smooth_per_s);
    table_row_number(cells, row->decision.wait_workers);
    table_row_number(cells, row->decision.drain_workers);
    return table_row_end(cells);
}

int history_write(struct history *history, const struct history_row *row, struct why *why)
{
    if (format(history, row))
        return error_set(why, ERR_MEMORY, "out of memory");

    off_t before = lseek(history->fd, 0, SEEK_END);
    ssize_t written = write(history->fd, history->row.text, history->row.length);
    if (written == (ssize_t)history->row.length)
        return 0;
    int error = error_set(why, ERR_SYSTEM, "cannot write the history '%s': %s", history->path,
                          strerror(written < 0 ? errno : ENOSPC));
    /* A row is written whole or not at all. */
    if (written > 0 && ftruncate(history->fd, before))
        error_prefix(why, "the last row is torn");
    return error;
}
