/* record.h - what is told of decisions: a row each in the history, and on the console. */
#ifndef WINNOW_RECORD_H
#define WINNOW_RECORD_H

#include "autoscaler/messages.h"
#include "autoscaler/policy/policy.h"
#include "autoscaler/policy/policy_history.h"
#include "csv/history_writer.h"
#include "decider.h"
#include "error.h"

#include <stdbool.h>

/* Everything is borrowed. */
struct record_settings {
    const char *history_path; /* NULL: no history */
    bool may_wait;            /* for the history, as long as another autoscaler writes to it */
    bool quiet;               /* nothing on the console */
    bool one_of_several;      /* its lines there begin with the farm's name */
    const char *farm, *worker;
    const struct policy *policy;
    const struct policy_params *params; /* those in force, which may change */
};

struct record {
    struct record_settings settings;
    char params_text[POLICY_HISTORY_PARAMS_SIZE]; /* as the history has them */
    struct history_row row;         /* of the last decision; all unknown before the first */
    struct history_writer *history; /* NULL: there is none, or it is waited for */
    bool waiting;
    struct worker_counts counted; /* as of the last row */
    double handled_msgs;          /* as of the last tick's row */
    double epoch;                 /* of the leader; NAN: there are not several hosts */
};

/* Whether the history could be opened later; another autoscaler may write to it until then.
 * 0 or the errors of history_writer_check. */
int record_check(const char *history_path, struct why *why);

/* Opens the history and heads the console. 0 or the errors of history_writer_open. */
int record_open(const struct record_settings *settings, struct record *record, struct why *why);
/* Harmless when it was not opened. */
void record_close(struct record *record);

/* Writes the decision down, with what the node reports after it was carried out. A row that cannot
 * be written to the history is logged. */
void record_write(struct record *record, const struct decision_record *decided,
                  const struct node_report *after);

#endif
