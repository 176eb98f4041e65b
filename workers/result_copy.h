/* result_copy.h - keeps a job's result for longer than the job does. Pure. */
#ifndef WINNOW_RESULT_COPY_H
#define WINNOW_RESULT_COPY_H

#include "job.h"

/* A copy in one block, with all that the result points to; release it with free(). NULL when out of
 * memory. */
struct job_result *result_copy(const struct job_result *result);

#endif
