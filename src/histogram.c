#include "histogram.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The top HISTOGRAM_BITS + 1 bits of a value choose its bucket, and this is how many bits are below
 * them. Values with no more bits than that are exact: a bucket each. */
static int bucket_shift(uint64_t value)
{
    int bits = value ? 64 - __builtin_clzll(value) : 0;

    return bits > HISTOGRAM_BITS + 1 ? bits - HISTOGRAM_BITS - 1 : 0;
}

static uint64_t bucket_index(uint64_t value)
{
    int shift = bucket_shift(value);

    return ((uint64_t)shift << HISTOGRAM_BITS) + (value >> shift);
}

/* The middle of a bucket's values: none of them is further away than half the bucket's width. */
static int64_t bucket_middle(uint64_t index)
{
    uint64_t power = index >> HISTOGRAM_BITS;
    uint64_t shift = power > 1 ? power - 1 : 0;
    uint64_t top = index - (shift << HISTOGRAM_BITS);

    return (int64_t)((top << shift) + (((UINT64_C(1) << shift) - 1) >> 1));
}

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

void histogram_record(struct histogram *histogram, int64_t duration_ns)
{
    int64_t kept_ns = duration_ns;

    if (duration_ns < 0 || duration_ns > HISTOGRAM_MAX_NS) {
        kept_ns = duration_ns < 0 ? 0 : HISTOGRAM_MAX_NS;
        histogram->clamped++;
    }
    if (histogram->count == 0 || duration_ns < histogram->min_ns)
        histogram->min_ns = duration_ns;
    if (histogram->count == 0 || duration_ns > histogram->max_ns)
        histogram->max_ns = duration_ns;
    histogram->count++;
    histogram->buckets[bucket_index((uint64_t)kept_ns)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *from)
{
    if (from->count == 0)
        return;
    if (histogram->count == 0 || from->min_ns < histogram->min_ns)
        histogram->min_ns = from->min_ns;
    if (histogram->count == 0 || from->max_ns > histogram->max_ns)
        histogram->max_ns = from->max_ns;
    histogram->count += from->count;
    histogram->clamped += from->clamped;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += from->buckets[i];
}

int64_t histogram_percentile_ns(const struct histogram *histogram, double percent)
{
    /* In binary 99.9 is a little more than that: if that were not taken back, 99.9 % of 1000 could
     * be the 1000th. */
    double rank = ceil(percent * (double)histogram->count / 100 * (1 - 4 * DBL_EPSILON));

    if (!(rank > 1))
        return histogram->min_ns;
    if (rank >= (double)histogram->count)
        return histogram->max_ns;

    uint64_t left = (uint64_t)rank;
    uint64_t index = 0;
    while (histogram->buckets[index] < left)
        left -= histogram->buckets[index++];

    int64_t value_ns = bucket_middle(index);
    if (value_ns < histogram->min_ns)
        return histogram->min_ns;
    return value_ns > histogram->max_ns ? histogram->max_ns : value_ns;
}

uint64_t histogram_count_until(const struct histogram *histogram, int64_t duration_ns)
{
    uint64_t count = 0;

    if (duration_ns >= histogram->max_ns)
        return histogram->count;
    if (duration_ns < histogram->min_ns)
        return 0;
    uint64_t last = bucket_index(duration_ns < 0 ? 0 : (uint64_t)duration_ns);
    for (uint64_t i = 0; i <= last && i < HISTOGRAM_BUCKETS; i++)
        count += histogram->buckets[i];
    return count;
}

double histogram_mean_ns(const struct histogram *histogram)
{
    double sum = 0;

    for (uint64_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i])
            sum += (double)histogram->buckets[i] * (double)bucket_middle(i);
    return histogram->count ? sum / (double)histogram->count : 0;
}

double histogram_deviation_ns(const struct histogram *histogram)
{
    double mean_ns = histogram_mean_ns(histogram);
    double sum = 0;

    for (uint64_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i]) {
            double off_ns = (double)bucket_middle(i) - mean_ns;
            sum += (double)histogram->buckets[i] * off_ns * off_ns;
        }
    return histogram->count ? sqrt(sum / (double)histogram->count) : 0;
}
