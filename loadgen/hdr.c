#include "hdr.h"

#include <inttypes.h>
#include <math.h>

#define TICKS_PER_HALF 5
#define NS_PER_MS      1e6

static void write_row(FILE *out, const struct histogram *histogram, double percent,
                      int64_t value_ns)
{
    fprintf(out, "%12.6f %1.12f %10" PRIu64, (double)value_ns / NS_PER_MS, percent / 100,
            histogram_count_until(histogram, value_ns));
    if (percent < 100)
        fprintf(out, " %14.2f\n", 1 / (1 - percent / 100));
    else
        fprintf(out, " %14s\n", "inf");
}

void hdr_write(FILE *out, const struct histogram *histogram)
{
    double percent = 0;

    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    while (histogram->count) {
        int64_t value_ns = histogram_percentile_ns(histogram, percent);
        if (value_ns >= histogram->max_ns)
            break;
        write_row(out, histogram, percent, value_ns);
        double halves = floor(log2(100 / (100 - percent))) + 1;
        percent += 100 / (TICKS_PER_HALF * exp2(halves));
    }
    if (histogram->count)
        write_row(out, histogram, 100, histogram->max_ns);
    fprintf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n",
            histogram_mean_ns(histogram) / NS_PER_MS,
            histogram_deviation_ns(histogram) / NS_PER_MS);
    fprintf(out, "#[Max     = %12.6f, Total count    = %12" PRIu64 "]\n",
            (double)histogram->max_ns / NS_PER_MS, histogram->count);
    fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", HISTOGRAM_POWERS - HISTOGRAM_BITS,
            2 << HISTOGRAM_BITS);
}
