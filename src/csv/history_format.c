#include "history_format.h"

#include "error.h"

#include <math.h>
#include <string.h>

/* clang-format off */
#define KNOWN(kind, name)   {#name, HISTORY_##kind, false, offsetof(struct history_row, name)}
#define UNKNOWN(kind, name) {#name, HISTORY_##kind, true, offsetof(struct history_row, name)}

static const struct history_column columns[] = {
    KNOWN(COUNT, run),
    KNOWN(NUMBER, time_s),
    KNOWN(TEXT, timestamp),
    KNOWN(AMOUNT, interval_s),
    UNKNOWN(AMOUNT, arrived_msgs),
    UNKNOWN(AMOUNT, arrival_per_s),
    UNKNOWN(AMOUNT, ready_msgs),
    UNKNOWN(AMOUNT, in_flight_msgs),
    UNKNOWN(AMOUNT, backlog_msgs),
    KNOWN(POSITIVE, horizon_s),
    UNKNOWN(POSITIVE, capacity_msgs),
    KNOWN(COUNT, min_workers),
    KNOWN(COUNT, max_workers),
    UNKNOWN(AMOUNT, formula_workers),
    KNOWN(COUNT, desired_workers),
    KNOWN(COUNT, running_workers),
    KNOWN(COUNT, starting_workers),
    KNOWN(COUNT, draining_workers),
    KNOWN(COUNT, spawned),
    KNOWN(COUNT, stopped),
    KNOWN(COUNT, crashed),
    UNKNOWN(AMOUNT, handled_per_s),
    KNOWN(TEXT, policy),
    KNOWN(TEXT, params),
    KNOWN(TEXT, reason),
    KNOWN(TEXT, farm),
    KNOWN(AMOUNT, simulated_service_s),
    KNOWN(TEXT, trigger),
    KNOWN(COUNT, workers),
    KNOWN(COUNT, blocked),
    UNKNOWN(POSITIVE, useful_workers),
    UNKNOWN(AMOUNT, arrival_age_s),
    UNKNOWN(AMOUNT, backlog_age_s),
    UNKNOWN(AMOUNT, need_workers),
    UNKNOWN(AMOUNT, smooth_per_s),
    UNKNOWN(AMOUNT, wait_workers),
    UNKNOWN(AMOUNT, drain_workers),
    KNOWN(COUNT, silent_workers),
    UNKNOWN(AMOUNT, most_ready_msgs),
    KNOWN(AMOUNT, overdue_s),
    KNOWN(TEXT, arrival_source),
    UNKNOWN(AMOUNT, accepted_per_s),
    UNKNOWN(AMOUNT, startup_s),
    KNOWN(COUNT, starting_before),
    UNKNOWN(COUNT, epoch),
};
/* clang-format on */

#define COLUMNS (sizeof columns / sizeof columns[0])

/* How many columns each version had, the first version's first. */
static const size_t versions[] = {27, 37, 42, 44, COLUMNS};
#define VERSIONS (sizeof versions / sizeof versions[0])

const struct history_column *history_format_at(size_t index)
{
    return index < COLUMNS ? &columns[index] : NULL;
}

const struct history_column *history_format_find(const char *name)
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}

double *history_format_number(const struct history_column *column, struct history_row *row)
{
    return (double *)(void *)((char *)row + column->offset);
}

const char **history_format_text(const struct history_column *column, struct history_row *row)
{
    return (const char **)(void *)((char *)row + column->offset);
}

void history_format_clear(struct history_row *row)
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (columns[i].kind == HISTORY_TEXT)
            *history_format_text(&columns[i], row) = NULL;
        else
            *history_format_number(&columns[i], row) = NAN;
}

int history_format_header(size_t age, struct table_row *cells)
{
    if (age >= VERSIONS)
        return 0;
    table_row_begin(cells);
    for (size_t i = 0; i < versions[VERSIONS - 1 - age]; i++)
        table_row_text(cells, columns[i].name);
    int error = table_row_end(cells);
    return error ? error : 1;
}

static void add_cell(const struct history_column *column, const struct history_row *row,
                     struct table_row *cells)
{
    const void *place = (const char *)row + column->offset;

    if (column->kind == HISTORY_TEXT) {
        table_row_text(cells, *(const char *const *)place);
        return;
    }
    double number = *(const double *)place;
    if (column->kind == HISTORY_COUNT && number >= 0 && number <= HISTORY_MOST)
        table_row_count(cells, (uint64_t)number);
    else
        table_row_number(cells, number);
}

int history_format_line(const struct history_row *row, struct table_row *cells)
{
    table_row_begin(cells);
    for (size_t i = 0; i < COLUMNS; i++)
        add_cell(&columns[i], row, cells);
    return table_row_end(cells);
}

bool history_format_held(const struct history_row *row)
{
    return row->reason && (strncmp(row->reason, "held", 4) == 0 ||
                           strcmp(row->reason, "paused") == 0 || strcmp(row->reason, "fixed") == 0);
}
