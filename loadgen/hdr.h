/* hdr.h - a histogram as the text that HdrHistogram's plotters read. */
#ifndef WINNOW_HDR_H
#define WINNOW_HDR_H

#include "histogram.h"

#include <stdio.h>

/* Writes the percentile distribution in milliseconds: columns Value, Percentile, TotalCount and
 * 1/(1-Percentile), five rows for each half of what is left above, and the footer. To be looked at
 * with ferror.
 *
 * Source: outputPercentileDistribution of Gil Tene's HdrHistogram. */
void hdr_write(FILE *out, const struct histogram *histogram);

#endif
