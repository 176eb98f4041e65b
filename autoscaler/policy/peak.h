/* peak.h - the greatest of the numbers of the last seconds, in constant memory whatever their
 * number. Pure.
 *
 * Kept are only numbers that no later one has reached, so they fall with time, and the first is the
 * greatest. When there are more than PEAK_MOST, two neighbours become one, as great as the greater
 * and as late as the later: the peak is never too low, and at worst stays somewhat too long. */
#ifndef WINNOW_PEAK_H
#define WINNOW_PEAK_H

#include <stdint.h>

#define PEAK_MOST 12

/* Starts zeroed. */
struct peak {
    uint32_t count;
    struct {
        double number, at_s;
    } kept[PEAK_MOST]; /* the oldest first */
};

/* A number of now. What is older than the window, or of the future, is forgotten. No argument is
 * NAN; window_s >= 0. */
void peak_add(struct peak *peak, double number, double now_s, double window_s);

/* The greatest; 0 when there is none. */
double peak_greatest(const struct peak *peak);

#endif
