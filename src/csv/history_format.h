/* history_format.h - the columns of the history, the CSV file in which every decision of a farm is
 * a row. Pure.
 *
 * Whoever writes or reads a history goes by the table here. A new column is a field at the end of
 * struct history_row, a line at the end of the table in history_format.c, and one more version in
 * the list below it. The names and the order of the other columns stay: readers find columns by
 * name, and a file is continued only if its columns are the same. */
#ifndef WINNOW_HISTORY_FORMAT_H
#define WINNOW_HISTORY_FORMAT_H

#include "table.h"

#include <stdbool.h>
#include <stddef.h>

/* What arrival_source says. */
#define HISTORY_OFFERED "offered" /* the rate is that of the copies counted */
#define HISTORY_ACCEPTED                                                                           \
    "accepted" /* it is that of what the work queue takes, which is less, or all that is known */
#define HISTORY_NOT_MEASURED                                                                       \
    "none" /* nothing counts what arrives, and there is no rate: it was decided by the rest */

/* One row, a field a column, in the order and under the names of the file. A number that is unknown
 * is NAN, a text NULL. Numbers are doubles whatever they count, since each may be unknown. Texts
 * are borrowed. */
struct history_row {
    double run;            /* 1 for the first autoscaler that wrote to the file, and so on */
    double time_s;         /* since the run began, by the monotonic clock */
    const char *timestamp; /* the wall clock in UTC, ISO 8601 */

    /* Measured. */
    double interval_s;     /* since the measurement before */
    double arrived_msgs;   /* events that arrived in it */
    double arrival_per_s;  /* what the policy was given as the arrival rate */
    double ready_msgs;     /* in the work queue, not handed to a worker */
    double in_flight_msgs; /* what all workers hold */
    double backlog_msgs;   /* the sum of both, less what draining workers hold */

    /* What it was decided by, and what was decided. */
    double horizon_s;     /* T */
    double capacity_msgs; /* C in force; unknown while it is being learnt */
    double min_workers, max_workers;
    double formula_workers; /* the policy's own number; unknown when it was not asked */
    double desired_workers; /* N */

    /* After the decision was carried out. */
    double running_workers, starting_workers, draining_workers;
    double spawned, stopped, crashed; /* workers, since the row before */
    double handled_per_s;             /* events a second, since the row before */

    const char *policy; /* its name */
    const char *params; /* its parameters, a JSON object */
    const char *reason; /* what bound the decision */
    const char *farm;   /* its name */

    double simulated_service_s; /* --service-time of the workers; 0: they were given none */

    /* The rest of what the policy was given. */
    const char *trigger;   /* "tick", or "react" between ticks */
    double workers;        /* starting and running before the decision */
    double blocked;        /* 1: the broker took nothing from any worker, else 0 */
    double useful_workers; /* more were seen not to help; unknown: no limit was seen */

    double arrival_age_s, backlog_age_s; /* how old the broker's answers were */

    /* How the policy came to its number; unknown where it has no such term. */
    double need_workers;  /* before it was rounded up */
    double smooth_per_s;  /* the arrival rate it reckoned with */
    double wait_workers;  /* so that few events wait long */
    double drain_workers; /* so that the backlog goes */

    double silent_workers;  /* of those before the decision, those that tell nothing */
    double most_ready_msgs; /* the most at any look since the tick before */
    double overdue_s;       /* the longest of the drains that go on past their time-out; 0: none */
    const char *arrival_source; /* of the rate that the policy was given */
    double accepted_per_s;      /* what the work queue took; unknown where it cannot be told */
    double startup_s;       /* from a worker's start until it consumes; unknown before the first */
    double starting_before; /* of the workers before the decision, those not running yet */
    double epoch; /* under which the leader of several hosts decided; unknown: of one host */
};

enum history_kind {
    HISTORY_TEXT,
    HISTORY_NUMBER,   /* any */
    HISTORY_AMOUNT,   /* >= 0 */
    HISTORY_POSITIVE, /* > 0 */
    HISTORY_COUNT,    /* whole, 0 to HISTORY_MOST */
};

/* The largest count. Doubles count up to here. */
#define HISTORY_MOST 0x1p53

struct history_column {
    const char *name;
    enum history_kind kind;
    bool may_be_unknown; /* writers may leave the field empty */
    size_t offset;       /* of a double or a const char * in struct history_row */
};

/* The column at that place of the file; NULL after the last. */
const struct history_column *history_format_at(size_t index);

/* By name; NULL when there is none. */
const struct history_column *history_format_find(const char *name);

double *history_format_number(const struct history_column *column, struct history_row *row);
const char **history_format_text(const struct history_column *column, struct history_row *row);

/* Makes everything in the row unknown. */
void history_format_clear(struct history_row *row);

/* The header, with its newline, as a row of `cells`: of the present version for age 0, of the one
 * before it for age 1, and so on. Returns 1; 0 when there was no such version; -ERR_MEMORY. */
int history_format_header(size_t age, struct table_row *cells);

/* The row as a line of the file. 0 or -ERR_MEMORY. */
int history_format_line(const struct history_row *row, struct table_row *cells);

/* Whether the number of workers was not the policy's: it stayed because something was not known or
 * the workers were blocked (the reason begins with "held"), or a person said so ("paused",
 * "fixed"). */
bool history_format_held(const struct history_row *row);

#endif
