/* service_file.h - service and start-up times as the command line names them. */
#ifndef WINNOW_SERVICE_FILE_H
#define WINNOW_SERVICE_FILE_H

#include "error.h"
#include "service.h"

#include <stdint.h>

#define SERVICE_FORM "a duration (20ms), exp:DURATION, or FILE.csv:COLUMN of seconds"

/* Reads "20ms", "exp:20ms", or "FILE.csv:COLUMN", whose times are drawn at random.
 *
 * least_ns   the shortest duration
 * seed       of what is random
 * times_ns   those of the file, borrowed by the service, to be freed by the caller; NULL: none
 *
 * Returns 0; -ERR_INVALID: none of these, or a time under least_ns or over SERVICE_MAX_NS;
 * -ERR_CONFIG: what is wrong in the file; -ERR_MEMORY. */
int service_file_parse(const char *text, int64_t least_ns, uint64_t seed, struct service *service,
                       int64_t **times_ns, struct why *why);

#endif
