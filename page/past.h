/* past.h - the last half hour of a farm: a point for each two seconds in which it was heard.
 * Pure. */
#ifndef WINNOW_PAST_H
#define WINNOW_PAST_H

#include <stddef.h>
#include <stdint.h>

#define PAST_POINTS  900
#define PAST_EVERY_S 2
#define PAST_GAP_S   6 /* points further apart are no neighbours */

/* NAN: unknown. */
struct past_values {
    double arrival_per_s, workers, desired, backlog_msgs;
};

/* Starts zeroed. */
struct past {
    struct past_point {
        int64_t number; /* of its two seconds since the clock began, and 1 more; 0: none */
        int64_t at_ns;
        struct past_values values;
    } points[PAST_POINTS];
};

/* What was true at that time of a monotonic clock; the last of its two seconds counts. */
void past_add(struct past *past, int64_t now_ns, const struct past_values *values);

/* Copies the points of the last half hour, the oldest first. Where two are not neighbours, one
 * stands between them of which all is unknown; where there would be too many, the oldest are left
 * out. Returns how many there are. */
size_t past_read(const struct past *past, int64_t now_ns, struct past_point points[PAST_POINTS]);

#endif
