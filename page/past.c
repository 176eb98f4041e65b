#include "past.h"

#include <math.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define POINT_NS (PAST_EVERY_S * NS_PER_S)
#define GAP_NS   (PAST_GAP_S * NS_PER_S)

void past_add(struct past *past, int64_t now_ns, const struct past_values *values)
{
    int64_t number = now_ns / POINT_NS + 1;

    past->points[number % PAST_POINTS] = (struct past_point){number, now_ns, *values};
}

size_t past_read(const struct past *past, int64_t now_ns, struct past_point points[PAST_POINTS])
{
    const struct past_values unknown = {NAN, NAN, NAN, NAN};
    int64_t newest = now_ns / POINT_NS + 1;
    size_t at = PAST_POINTS; /* it is filled from its end */

    for (int64_t number = newest; number > newest - PAST_POINTS && number > 0 && at; number--) {
        const struct past_point *point = &past->points[number % PAST_POINTS];
        if (point->number != number)
            continue;
        if (at < PAST_POINTS && points[at].at_ns - point->at_ns > GAP_NS) {
            int64_t middle_ns = point->at_ns + (points[at].at_ns - point->at_ns) / 2;
            points[--at] = (struct past_point){middle_ns / POINT_NS + 1, middle_ns, unknown};
        }
        if (at)
            points[--at] = *point;
    }
    memmove(points, points + at, (PAST_POINTS - at) * sizeof *points);
    return PAST_POINTS - at;
}
