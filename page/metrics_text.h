/* metrics_text.h - the exposition format 0.0.4 of Prometheus: heads and lines. Pure.
 *
 *   # HELP winnow_workers Workers by what they do.
 *   # TYPE winnow_workers gauge
 *   winnow_workers{farm="shop",state="running"} 4
 *
 * Names, types and helps are written as they are; values of labels are escaped. */
#ifndef WINNOW_METRICS_TEXT_H
#define WINNOW_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Starts zeroed. Kept from one scrape to the next, so that it grows once. */
struct metrics_text {
    char *bytes; /* no NUL behind them; to be released with free() */
    size_t length, capacity;
    bool failed; /* out of memory: something is missing */
};

/* Writes anew, into the memory that is there. */
void metrics_text_clear(struct metrics_text *text);

/* What stands above the lines of a metric. */
void metrics_text_head(struct metrics_text *text, const char *name, const char *type,
                       const char *help);

/* A line: its name with what is appended to that and with its farm; then other labels, in any
 * number; then its value. */
void metrics_text_begin_line(struct metrics_text *text, const char *name, const char *suffix,
                             const char *farm);
void metrics_text_label(struct metrics_text *text, const char *name, const char *value);
void metrics_text_end_line(struct metrics_text *text, double value);

#endif
