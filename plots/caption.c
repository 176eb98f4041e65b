#include "caption.h"

#include "gnuplot.h"
#include "reading.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What was set is written as it is; what was measured, and so varies, with three digits. */
static void write_range(FILE *text, struct reading_extent range, double factor, const char *unit)
{
    double from = range.from * factor, to = range.to * factor;

    if (to > from)
        fprintf(text, "%.*f to %.*f %s", from >= 100 || from == floor(from) ? 0 : 1, from,
                to >= 100 || to == floor(to) ? 0 : 1, to, unit);
    else
        fprintf(text, "%.15g %s", to, unit);
}

static void write_seconds(FILE *text, struct reading_extent range)
{
    if (range.to >= 1)
        write_range(text, range, 1, "s");
    else if (range.to >= 1e-3)
        write_range(text, range, 1e3, "ms");
    else
        write_range(text, range, 1e6, "µs");
}

static void write_title(FILE *text, const struct history_run *run)
{
    if (run->farm)
        fprintf(text, "Farm \"%s\": ", run->farm);
    fprintf(text, "%s policy", run->policy[0] ? run->policy : "unknown");
    if (strcmp(run->policy, "formula") == 0)
        fputs(", N = ⌈(B + λT)/C⌉", text);
}

static void write_subtitle(FILE *text, const struct history_run *run)
{
    struct reading_extent horizon = reading_extent(run, READING_HORIZON_S);
    struct reading_extent capacity = reading_extent(run, READING_CAPACITY_MSGS);
    struct reading_extent workers = {reading_extent(run, READING_MIN_WORKERS).from,
                                     reading_extent(run, READING_MAX_WORKERS).to};
    struct reading_extent service = reading_extent(run, READING_SERVICE_S);
    const char *separator = "";

    if (horizon.from <= horizon.to) {
        fputs("T = ", text);
        write_seconds(text, horizon);
        separator = ", ";
    }
    if (capacity.from <= capacity.to) {
        fprintf(text, "%sC = ", separator);
        write_range(text, capacity, 1, "events");
        separator = ", ";
    }
    if (workers.from <= workers.to) {
        fputs(separator, text);
        write_range(text, workers, 1, "workers");
        separator = ", ";
    }
    if (service.from <= service.to) {
        fprintf(text, "%ssimulated service time ", separator[0] ? "; " : "");
        write_seconds(text, service);
        fputs(" an event", text);
    }
}

/* Writes the variable of that name with the text that write() makes; false when out of memory. */
static bool write_made(FILE *script, const char *name, const struct history_run *run,
                       void (*write)(FILE *text, const struct history_run *run))
{
    char *made = NULL;
    size_t length;
    FILE *text = open_memstream(&made, &length);

    if (!text)
        return false;
    write(text, run);
    bool whole = fclose(text) == 0;
    if (whole)
        gnuplot_write_text(script, name, made);
    free(made);
    return whole;
}

int caption_write(FILE *script, const struct history_run *run, const char *title, struct why *why)
{
    bool whole = true;

    if (title)
        gnuplot_write_text(script, "title", title);
    else
        whole = write_made(script, "title", run, write_title);
    whole = whole && write_made(script, "subtitle", run, write_subtitle);
    return whole ? 0 : error_set(why, ERR_MEMORY, "out of memory");
}
