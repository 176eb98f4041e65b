/* job_thread.h - the thread of a job that may take long: one event at a time is handled there while
 * the loop goes on. */
#ifndef WINNOW_JOB_THREAD_H
#define WINNOW_JOB_THREAD_H

#include "job.h"

/* One call of a job's handle: what it gets, and what it makes of it. */
struct job_call {
    struct job_event event;
    struct job_result result;
    struct why why;
    int verdict; /* as struct job's handle returns it */
};

/* Calls handle, here and now. */
void job_call(const struct job *job, struct job_call *call);

struct job_thread;

/* Starts a thread that has nothing to do yet. Borrows the job. 0, -ERR_SYSTEM or -ERR_MEMORY. */
int job_thread_open(const struct job *job, struct job_thread **thread, struct why *why);

/* Ends the thread, which must be idle. Takes NULL. */
void job_thread_close(struct job_thread *thread);

/* Calls handle on the thread, which must be idle. The call and all that it points to stay untouched
 * until job_thread_finished has answered true. */
void job_thread_start(struct job_thread *thread, struct job_call *call);

/* True once after each job_thread_start: the call is done, and the thread is idle again. Does not
 * wait. */
bool job_thread_finished(struct job_thread *thread);

/* A descriptor that is readable when job_thread_finished would answer true. */
int job_thread_fd(const struct job_thread *thread);

#endif
