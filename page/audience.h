/* audience.h - those who watch a farm go on: each is sent the newest frame, and what has happened.
 * One that reads slowly misses frames, and costs the others nothing. */
#ifndef WINNOW_AUDIENCE_H
#define WINNOW_AUDIENCE_H

#include "http.h"
#include "live.h"

#include <stdbool.h>

/* Starts zeroed. */
struct audience {
    struct viewer *first;
};

/* Answers the request with a stream. Borrows what is live, and the list. False when out of memory;
 * then it is not answered. */
bool audience_add(struct audience *audience, const struct live *live, struct http_request *request);

/* There is something new. */
void audience_wake(const struct audience *audience);

#endif
