/* filter_job.h - the filter as a worker's job: an event's text is found, censored with lists that
 * SIGHUP renews, or a change of their files, and put back in its place. */
#ifndef WINNOW_FILTER_JOB_H
#define WINNOW_FILTER_JOB_H

#include "error.h"
#include "filter/filter.h"
#include "job.h"

#include <stdint.h>

struct filter_job;

/* Opens the lists, for which it waits so long (list_await.h), and from now on loads them anew as
 * reload.h says. To be called while the process has one thread. Borrows options to the end of the
 * process. 0 with *job filled in, or an error as those of reload_open, list_await and filter_open.
 */
int filter_job_open(const struct filter_options *options, int64_t patience_ns,
                    struct filter_job **filter_job, struct job *job, struct why *why);

/* Takes NULL. */
void filter_job_close(struct filter_job *filter_job);

#endif
