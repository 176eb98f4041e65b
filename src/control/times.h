/* times.h - counts of how long things took (time_classes.h) as the member of a message:
 * {"sum_s":12.5,"counts":[...]}. */
#ifndef WINNOW_TIMES_H
#define WINNOW_TIMES_H

#include "error.h"
#include "time_classes.h"

struct json_t;

/* Adds the member; what is unknown is left out. 0 or -1, as jansson. */
int times_write(struct json_t *message, const char *name, const struct time_classes *times);

/* Reads it; one that is not there is unknown. 0, or -ERR_INVALID with what was expected. */
int times_read(const struct json_t *message, const char *name, struct time_classes *times,
               struct why *why);

#endif
