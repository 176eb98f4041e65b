/* histogram.h - how long things took: counts of durations in fixed memory, log-linear. Pure.
 *
 * Durations below 1024 ns are kept exactly; above, each power of two is cut into 512 equal buckets,
 * so that a percentile is off by at most 1/1024 of itself, three significant digits. */
#ifndef WINNOW_HISTOGRAM_H
#define WINNOW_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS    9  /* 2^9 buckets for a power of two */
#define HISTOGRAM_POWERS  42 /* durations of so many bits are in range */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_POWERS - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* The longest duration in range: 73 minutes. */
#define HISTOGRAM_MAX_NS ((INT64_C(1) << HISTOGRAM_POWERS) - 1)

/* 140 kB of the caller's. Owns nothing: it may be copied and needs no clearing. */
struct histogram {
    uint64_t count;   /* of all recorded */
    uint64_t clamped; /* of those outside 0..HISTOGRAM_MAX_NS */
    int64_t min_ns;   /* exact, even when out of range; 0 when empty */
    int64_t max_ns;   /* likewise */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);

/* Records any value. One outside the range counts in the bucket at the nearer end of the range and
 * in `clamped`; min_ns and max_ns have it as it is. */
void histogram_record(struct histogram *histogram, int64_t duration_ns);

/* Adds all that is in `from` to `histogram`, as if it had been recorded there. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);

/* The smallest duration such that at least `percent` of the recorded are not longer (nearest rank,
 * no interpolation), within 1/1024 of itself; never outside min_ns..max_ns.
 *
 * percent   0 (min_ns exactly) to 100 (max_ns exactly); values beyond are taken as the nearer end
 *
 * Returns 0 when nothing has been recorded: look at count first.
 * Source: log-linear buckets as in Gil Tene's HdrHistogram. */
int64_t histogram_percentile_ns(const struct histogram *histogram, double percent);

/* How many of the recorded are in the bucket of this duration or below it: all that are not longer,
 * and perhaps some that are longer by less than the bucket's width. */
uint64_t histogram_count_until(const struct histogram *histogram, int64_t duration_ns);

/* Mean and standard deviation, where each recorded duration counts as the middle of its bucket; 0
 * when nothing has been recorded. */
double histogram_mean_ns(const struct histogram *histogram);
double histogram_deviation_ns(const struct histogram *histogram);

#endif
