/* service.h - how long the workers of a simulation take for each event, or to start. Pure. */
#ifndef WINNOW_SERVICE_H
#define WINNOW_SERVICE_H

#include <stddef.h>
#include <stdint.h>

/* The longest service time. */
#define SERVICE_MAX_NS INT64_C(86400000000000)

enum service_kind {
    SERVICE_CONSTANT,
    SERVICE_EXPONENTIAL,
    SERVICE_SAMPLE, /* drawn at random from what was recorded */
};

/* Held by the caller. A copy gives the same times as the original from then on. */
struct service {
    enum service_kind kind;
    double mean_ns;          /* of any kind; >= 0 */
    const int64_t *times_ns; /* of a sample; borrowed */
    size_t count;
    uint64_t random; /* at first the seed */
};

/* The next event's time in nanoseconds, rounded to the nearest, at most SERVICE_MAX_NS: mean_ns;
 * mean_ns times random_exponential; or times_ns[floor(random_uniform * count)]. */
int64_t service_next(struct service *service);

#endif
