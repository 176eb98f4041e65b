/* time_classes.h - counts of how long things took, in classes that never change: so few that every
 * worker keeps them for itself and every status tells them, and that the counts of many are added
 * up class by class. Pure.
 *
 * Class n has what took longer than the bound of class n - 1 and not longer than its own. The
 * bounds are 10 us, 30 us, 100 us and so on to 100 s; the last class has what took longer. */
#ifndef WINNOW_TIME_CLASSES_H
#define WINNOW_TIME_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#define TIME_CLASSES 16

struct time_classes {
    double sum_s; /* of all that were counted; NAN: nothing is known, whatever the counts are */
    uint64_t count[TIME_CLASSES];
};

/* The class of a duration; of a negative one, that of 0. */
size_t time_classes_of(int64_t duration_ns);

/* Counts one more, a negative duration as 0; of an unknown one (NAN) nothing. */
void time_classes_add(struct time_classes *classes, double duration_s);

/* Adds all that was counted in `from`; the sum of what is unknown is unknown. */
void time_classes_merge(struct time_classes *classes, const struct time_classes *from);

/* The bound of a class in seconds, as Prometheus writes it, as "0.003"; "+Inf" of the last. */
const char *time_classes_bound(size_t index);

#endif
