/* keep_job.h - a program that lives on as a worker's job: it gets an event a line and answers a
 * line (keep_line.h). One that dies is started again, after pauses that grow; the event that it had
 * then is tried again. One that answers out of step is not believed any more, and replaced. */
#ifndef WINNOW_KEEP_JOB_H
#define WINNOW_KEEP_JOB_H

#include "error.h"
#include "job.h"
#include "run_options.h"

struct keep_job;

/* Starts the program. To be called while the process has one thread. Borrows options to the end of
 * the process. The errors are those of run_job_open. */
int keep_job_open(const struct run_options *options, struct keep_job **keep_job, struct job *job,
                  struct why *why);

/* Closes the program's standard input, and kills it when it has not ended within two seconds. Takes
 * NULL. */
void keep_job_close(struct keep_job *keep_job);

#endif
