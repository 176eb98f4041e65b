#include "graph.h"

#include "amounts.h"

#include <math.h>
#include <string.h>

#define COLUMN_NS (GRAPH_COLUMN_S * INT64_C(1000000000))

/* "events/s 12345 |" */
#define NAME_WIDTH  8
#define SCALE_WIDTH 6
#define LEFT_WIDTH  (NAME_WIDTH + 1 + SCALE_WIDTH + 2)

/* From an empty cell to a full one. */
static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const letters[] = {" ", ".", ":", "#"};

void graph_add(struct graph *graph, int64_t now_ns, double arrival_per_s, double workers)
{
    int64_t number = now_ns / COLUMN_NS + 1;

    graph->columns[number % GRAPH_MOST_COLUMNS] =
        (struct graph_column){number, arrival_per_s, workers};
}

/* ---- drawing ---- */

enum quantity { ARRIVALS, WORKERS };

static size_t column_count(const struct graph_form *form)
{
    size_t count = form->width > LEFT_WIDTH ? form->width - LEFT_WIDTH : 0;

    return count < GRAPH_MOST_COLUMNS ? count : GRAPH_MOST_COLUMNS;
}

/* What was said last holds until more is said, but not for ever. */
static double value_at(const struct graph *graph, int64_t number, enum quantity quantity)
{
    for (int64_t said = number; said > 0 && said > number - GRAPH_HELD_COLUMNS; said--) {
        const struct graph_column *column = &graph->columns[said % GRAPH_MOST_COLUMNS];
        if (column->number == said)
            return quantity == ARRIVALS ? column->arrival_per_s : column->workers;
    }
    return NAN;
}

/* The greatest that is drawn, and so the full height. */
static double find_top(const struct graph *graph, int64_t first, size_t count,
                       enum quantity quantity)
{
    double top = 0;

    for (size_t i = 0; i < count; i++) {
        double value = value_at(graph, first + (int64_t)i, quantity);
        if (isfinite(value) && value > top)
            top = value;
    }
    return top;
}

/* How much of a bar is in a cell whose lower edge is so many cells above the ground. What is there
 * is seen, however little. */
static const char *cell(const struct graph_form *form, double bar_cells, size_t below)
{
    size_t levels = form->blocks ? sizeof blocks / sizeof blocks[0] - 1
                                 : sizeof letters / sizeof letters[0] - 1;
    double part = fmin(fmax(bar_cells - (double)below, 0), 1) * (double)levels;
    size_t level = (size_t)lround(part);

    if (!level && !below && bar_cells > 0)
        level = 1;
    return form->blocks ? blocks[level] : letters[level];
}

static void print_quantity(const struct graph *graph, const struct graph_form *form, int64_t first,
                           enum quantity quantity, FILE *out)
{
    const char *name = quantity == ARRIVALS ? "events/s" : "workers";
    size_t count = column_count(form);
    double top = find_top(graph, first, count, quantity);
    char scale[AMOUNTS_SIZE];

    for (size_t row = form->height; row-- > 0;) {
        bool is_top = row + 1 == form->height;
        fprintf(out, "%-*s %*.*s |", NAME_WIDTH, is_top ? name : "", SCALE_WIDTH, SCALE_WIDTH,
                is_top     ? amounts_number(top, scale)
                : row == 0 ? "0"
                           : "");
        for (size_t i = 0; i < count; i++) {
            double value = value_at(graph, first + (int64_t)i, quantity);
            double bar = top > 0 && value > 0 ? value / top * (double)form->height : 0;
            fputs(cell(form, bar, row), out);
        }
        fputc('\n', out);
    }
}

/* "2 min ago" under the first column, "now" under the last. */
static void print_time(const struct graph_form *form, FILE *out)
{
    size_t count = column_count(form);
    char span[AMOUNTS_SIZE], ago[AMOUNTS_SIZE + 8];

    snprintf(ago, sizeof ago, "%s ago", amounts_span((double)count * GRAPH_COLUMN_S, span));
    size_t taken = strlen(ago) + strlen("now");
    if (count > taken)
        fprintf(out, "%*s%s%*snow", LEFT_WIDTH, "", ago, (int)(count - taken), "");
    fputc('\n', out);
}

size_t graph_lines(const struct graph_form *form)
{
    return 2 * form->height + 1;
}

void graph_print(const struct graph *graph, const struct graph_form *form, int64_t now_ns,
                 FILE *out)
{
    int64_t first = now_ns / COLUMN_NS + 1 - (int64_t)column_count(form) + 1;

    print_quantity(graph, form, first, ARRIVALS, out);
    print_quantity(graph, form, first, WORKERS, out);
    print_time(form, out);
}
