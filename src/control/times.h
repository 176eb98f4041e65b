/* times.h - how long things took as a member of a message: {"sum_s":0.25,"counts":[0,1,...]}. */
#ifndef WINNOW_TIMES_H
#define WINNOW_TIMES_H

#include "error.h"
#include "time_classes.h"

struct json_t;

/* Puts them into an object; what is unknown is left out. 0, or not when out of memory. */
int times_put(struct json_t *members, const char *name, const struct time_classes *times);

/* What is left out is unknown. 0, or -ERR_INVALID with the member and what was expected. */
int times_read(const struct json_t *message, const char *name, struct time_classes *times,
               struct why *why);

#endif
