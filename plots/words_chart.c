#include "words_chart.h"

#include "axis.h"
#include "csv/table.h"
#include "gnuplot.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Results are counted over about half a second: short for a change, long for a rate. */
#define BINS_PER_S 2

/* A picture has no room for more time. */
#define MOST_S 3600

enum event { EVENT_CENSORED, EVENT_BROADCAST, EVENT_ADDED, EVENT_REMOVED, EVENT_KINDS };

static const char *const event_names[EVENT_KINDS] = {"censored", "broadcast", "added", "removed"};

struct record {
    double time_s;
    enum event event;
    double seen_s; /* NAN: unknown */
    const char *text;
};

struct columns {
    int time_s, event, text, seen_s;
};

static int find_columns(const struct table *table, struct columns *columns, struct why *why)
{
    int error = table_need_column(table, "time_s", &columns->time_s, why);

    if (!error)
        error = table_need_column(table, "event", &columns->event, why);
    if (!error)
        error = table_need_column(table, "text", &columns->text, why);
    if (!error)
        error = table_need_column(table, "seen_s", &columns->seen_s, why);
    return error;
}

static int read_time(const struct table *table, size_t row, int column, double *time_s,
                     struct why *why)
{
    int error = table_number(table, row, column, time_s, why);

    if (!error && (*time_s < 0 || *time_s > MOST_S))
        error = table_error(table, row, column, why, "%g, expected 0 to %d", *time_s, MOST_S);
    return error;
}

static int read_record(const struct table *table, size_t row, const struct columns *columns,
                       struct record *record, struct why *why)
{
    const char *event = table_cell(table, row, columns->event);
    int error = read_time(table, row, columns->time_s, &record->time_s, why);

    if (!error)
        error = read_time(table, row, columns->seen_s, &record->seen_s, why);
    if (error)
        return error;
    if (isnan(record->time_s))
        return table_error(table, row, columns->time_s, why, "empty, expected a time");
    record->text = table_cell(table, row, columns->text);
    for (record->event = 0; record->event < EVENT_KINDS; record->event++)
        if (strcmp(event, event_names[record->event]) == 0)
            return 0;
    return table_error(table, row, columns->event, why,
                       "'%s', expected censored, broadcast, added or removed", event);
}

static int compare_times(const void *a, const void *b)
{
    double x = ((const struct record *)a)->time_s, y = ((const struct record *)b)->time_s;

    return (x > y) - (x < y);
}

static bool is_change(const struct record *record)
{
    return record->event == EVENT_ADDED || record->event == EVENT_REMOVED;
}

/* The variables of one change, which words.gp counts from 1. */
static void write_change(FILE *script, const struct record *record, size_t number)
{
    char name[40], text[80];

    snprintf(name, sizeof name, "change_time_%zu", number);
    gnuplot_write_number(script, name, record->time_s);
    snprintf(text, sizeof text, "%s %s", record->event == EVENT_ADDED ? "+" : "−", record->text);
    snprintf(name, sizeof name, "change_text_%zu", number);
    gnuplot_write_text(script, name, text);
    text[0] = '\0';
    double live_ms = (record->seen_s - record->time_s) * 1e3;
    if (live_ms >= 1)
        snprintf(text, sizeof text, "live in %.0f ms", live_ms);
    else if (!isnan(live_ms)) /* or before the answer was read */
        snprintf(text, sizeof text, "live at once");
    snprintf(name, sizeof name, "change_seen_%zu", number);
    gnuplot_write_text(script, name, text);
}

static void write_changes(FILE *script, const struct record *records, size_t count)
{
    size_t changes = 0;

    for (size_t i = 0; i < count; i++)
        if (is_change(&records[i]))
            write_change(script, &records[i], ++changes);
    gnuplot_write_number(script, "changes", (double)changes);
}

static void write_broadcasts(FILE *script, const struct record *records, size_t count)
{
    size_t broadcasts = 0;

    gnuplot_begin_data(script, "broadcasts");
    for (size_t i = 0; i < count; i++) {
        if (records[i].event != EVENT_BROADCAST)
            continue;
        fprintf(script, "%.17g\n", records[i].time_s);
        broadcasts++;
    }
    gnuplot_end_data(script);
    gnuplot_write_count(script, "broadcasts", broadcasts);
}

/* ---- rates ---- */

/* What is left of the records, and what was found in those before them. */
struct walk {
    const struct record *next, *end;
    double most_per_s;
};

/* The rates between two times, as steps. The span is cut into equal bins, so that a change, which
 * ends a span, is in none of them. */
static void write_span(FILE *script, struct walk *walk, double from_s, double to_s)
{
    double bins = fmax(round((to_s - from_s) * BINS_PER_S), 1);
    double bin_s = (to_s - from_s) / bins;

    for (double bin = 0; bin < bins && bin_s > 0; bin++) {
        double begin_s = from_s + bin * bin_s, end_s = bin + 1 < bins ? begin_s + bin_s : to_s;
        size_t censored = 0;
        for (; walk->next < walk->end && walk->next->time_s < end_s; walk->next++)
            censored += walk->next->event == EVENT_CENSORED;
        double per_s = (double)censored / bin_s;
        fprintf(script, "%.17g %.17g\n%.17g %.17g\n", begin_s, per_s, end_s, per_s);
        walk->most_per_s = fmax(walk->most_per_s, per_s);
    }
}

/* From the start to the last record. */
static void write_rates(FILE *script, const struct record *records, size_t count)
{
    struct walk walk = {records, records + count, 0};
    double from_s = 0, end_s = records[count - 1].time_s;

    gnuplot_begin_data(script, "censored");
    for (size_t i = 0; i < count; i++) {
        if (!is_change(&records[i]))
            continue;
        write_span(script, &walk, from_s, records[i].time_s);
        from_s = records[i].time_s;
    }
    write_span(script, &walk, from_s, end_s);
    gnuplot_end_data(script);

    double step = axis_step(fmax(walk.most_per_s, 1), 8);
    axis_write(script, "censored", step, ceil(fmax(walk.most_per_s, 1) / step));
    gnuplot_write_number(script, "time_to", fmax(end_s, 1));
    gnuplot_write_number(script, "time_step", axis_step(fmax(end_s, 1), 10));
}

int words_chart_write(FILE *script, const char *path, const char *title, struct why *why)
{
    struct columns columns;
    struct table *table;
    struct record *records = NULL;
    int error = table_read(path, &table, why);

    if (error)
        return error;
    size_t count = table_rows(table);
    error = find_columns(table, &columns, why);
    if (!error && !count)
        error = error_set(why, ERR_CONFIG, "%s: no event in it, expected one or more", path);
    if (!error && !(records = calloc(count, sizeof *records)))
        error = error_set(why, ERR_MEMORY, "out of memory");
    for (size_t row = 0; !error && row < count; row++)
        error = read_record(table, row, &columns, &records[row], why);
    if (!error) {
        qsort(records, count, sizeof *records, compare_times);
        gnuplot_write_text(script, "title",
                           title ? title : "Words that are added are filtered at once");
        gnuplot_write_text(script, "subtitle",
                           "live: from the answer to add to the first result that has it "
                           "censored");
        write_rates(script, records, count);
        write_changes(script, records, count);
        write_broadcasts(script, records, count);
    }
    free(records);
    table_close(table);
    return error;
}
