#include "replay.h"

#include "csv/number.h"
#include "csv/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum column {
    RUN,
    TIME,
    INTERVAL,
    ARPEER,
    READY,
    BACKLOG,
    CAPACITY,
    LEAST,
    MOST,
    FORMULA,
    DESIRED,
    RUNNING,
    STARTING,
    DRAINING,
    POLICY,
    PARAMS,
    REASON,
    TRIGGER,
    WORKERS,
    BLOCKED,
    USEFUL,
    COLUMNS
};

static const char *const names[COLUMNS] = {
    "run",
    "time_s",
    "interval_s",
    "arrival_per_s",
    "ready_msgs",
    "backlog_msgs",
    "capacity_msgs",
    "min_workers",
    "max_workers",
    "formula_workers",
    "desired_workers",
    "running_workers",
    "starting_workers",
    "draining_workers",
    "policy",
    "params",
    "reason",
    "trigger",
    "workers",
    "blocked",
    "useful_workers",
};

struct reader {
    struct table *table;
    int columns[COLUMNS];
    struct why *why;
    size_t row;
    int error;
};

static double number(struct reader *reader, enum column column)
{
    double value = NAN;

    if (!reader->error)
        reader->error =
            table_number(reader->table, reader->row, reader->columns[column], &value, reader->why);
    return value;
}

static const char *text(const struct reader *reader, enum column column)
{
    return table_cell(reader->table, reader->row, reader->columns[column]);
}

static uint32_t whole(struct reader *reader, enum column column)
{
    double value = number(reader, column);

    if (!reader->error && !(value >= 0 && value <= UINT32_MAX && value == floor(value)))
        reader->error =
            table_error(reader->table, reader->row, reader->columns[column], reader->why,
                        "'%.40s' is not a number of workers", text(reader, column));
    return reader->error ? 0 : (uint32_t)value;
}

static int wrong_params(struct reader *reader)
{
    return reader->error =
               table_error(reader->table, reader->row, reader->columns[PARAMS], reader->why,
                           "'%.80s' are not parameters, expected some like {\"horizon_s\":2,...}",
                           text(reader, PARAMS));
}

static void set(struct policy_params *params, const char *name, size_t length, double value)
{
    size_t count;
    const struct policy_param *list = policy_param_list(&count);

    for (size_t i = 0; i < count; i++)
        if (strlen(list[i].name) == length && memcmp(list[i].name, name, length) == 0)
            policy_param_set(&list[i], params, value);
}

/* {"name":number,...} as history.c writes it, "auto" for a capacity that was measured. Names that are not known
 * belong to another version and are left out. */
static int read_params(struct reader *reader, struct policy_params *params)
{
    const char *at = text(reader, PARAMS);

    if (*at++ != '{')
        return wrong_params(reader);
    while (*at && *at != '}') {
        char value_text[NUMBER_TEXT_SIZE];
        double value;
        if (*at++ != '"')
            return wrong_params(reader);
        const char *name = at;
        size_t length = strcspn(at, "\"");
        at += length;
        if (strncmp(at, "\":", 2) != 0)
            return wrong_params(reader);
        at += 2;
        size_t size = strcspn(at, ",}");
        if (size >= sizeof value_text || !at[size])
            return wrong_params(reader);
        memcpy(value_text, at, size);
        value_text[size] = '\0';
        if (strcmp(value_text, "\"auto\"") == 0)
            value = POLICY_CAPACITY_AUTO;
        else if (number_parse(value_text, &value))
            return wrong_params(reader);
        set(params, name, length, value);
        at += size + (at[size] == ',');
    }
    return *at == '}' && !at[1] ? 0 : wrong_params(reader);
}

static int read_row(struct reader *reader, struct recording_row *row)
{
    *row = (struct recording_row){.line = table_line(reader->table, reader->row),
                                  .params = POLICY_DEFAULT_PARAMS};
    row->policy = policy_find(text(reader, POLICY));
    if (!row->policy)
        return table_error(reader->table, reader->row, reader->columns[POLICY], reader->why,
                           "'%.40s' is not a policy of this version", text(reader, POLICY));
    policy_tune(row->policy, &row->params);
    read_params(reader, &row->params);
    row->params.min_workers = whole(reader, LEAST);
    row->params.max_workers = whole(reader, MOST);
    row->sample = (struct policy_sample){
        .backlog_msgs = number(reader, BACKLOG),
        .arrival_per_s = number(reader, ARPEER),
        .ready_msgs = number(reader, READY),
        .time_s = number(reader, TIME),
        .interval_s = number(reader, INTERVAL),
        .capacity_msgs = number(reader, CAPACITY),
        .useful_workers = number(reader, USEFUL),
        .workers = whole(reader, WORKERS),
        .blocked = whole(reader, BLOCKED) != 0,
        .trigger = strcmp(text(reader, TRIGGER), "react") == 0 ? POLICY_REACT : POLICY_TICK,
    };
    row->formula_workers = number(reader, FORMULA);
    row->desired_workers = whole(reader, DESIRED);
    row->alive = number(reader, RUNNING) + number(reader, STARTING) + number(reader, DRAINING);
    row->reason = text(reader, REASON);
    return reader->error;
}

static int read_rows(struct reader *reader, uint64_t run, struct recording *recording)
{
    size_t rows = table_rows(reader->table);
    double wanted = (double)run;

    if (run == RECORDING_LAST_RUN && rows) {
        reader->row = rows - 1;
        wanted = number(reader, RUN);
    }
    recording->rows = calloc(rows + 1, sizeof *recording->rows);
    if (!recording->rows)
        return error_set(reader->why, ERR_MEMORY, "out of memory");
    for (reader->row = 0; !reader->error && reader->row < rows; reader->row++)
        if (number(reader, RUN) == wanted && !reader->error)
            reader->error = read_row(reader, &recording->rows[recording->count++]);
    recording->run = wanted >= 0 && wanted < 0x1p53 ? (uint64_t)wanted : 0;
    return reader->error;
}

int recording_read(const char *path, uint64_t run, struct recording *recording, struct why *why)
{
    struct reader reader = {.why = why};

    *recording = (struct recording){0};
    int error = table_read(path, &reader.table, why);
    if (error)
        return error;
    recording->table = reader.table;
    for (int i = 0; !error && i < COLUMNS; i++)
        error = table_need_column(reader.table, names[i], &reader.columns[i], why);
    if (error)
        error_prefix(why, "not a history of this version");
    else
        error = read_rows(&reader, run, recording);
    if (!error && !recording->count)
        error =
            error_set(why, ERR_CONFIG, "%s: no decision of that run, expected one or more", path);
    if (error)
        recording_clear(recording);
    return error;
}

void recording_clear(struct recording *recording)
{
    free(recording->rows);
    table_close(recording->table);
    *recording = (struct recording){0};
}
