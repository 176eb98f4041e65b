/* run_job.h - any program as a worker's job, started anew for each event: the body on its standard
 * input or in a file, properties in its environment, the result from its standard output. Exit 0:
 * it is the result. EX_TEMPFAIL: the event is tried again. All else: it is dead. */
#ifndef WINNOW_RUN_JOB_H
#define WINNOW_RUN_JOB_H

#include "error.h"
#include "job.h"
#include "run_options.h"

struct run_job;

/* Finds all programs. To be called while the process has one thread. Borrows options to the end of
 * the process. 0 with *job filled in; -ERR_CONFIG, when a program cannot be run; -ERR_MEMORY;
 * -ERR_SYSTEM. */
int run_job_open(const struct run_options *options, struct run_job **run_job, struct job *job,
                 struct why *why);

/* Takes NULL. */
void run_job_close(struct run_job *run_job);

#endif
