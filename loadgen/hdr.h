/* hdr.h - a histogram as the text that HdrHistogram's plotters read. */
#ifndef WINNOW_HDR_H
#define WINNOW_HDR_H

#include "histogram.h"

#include <stdio.h>

/* Writes the percentile distribution in milliseconds: columns Value, Percentile, TotalCount and
 * 1/(1-Percentile), five rows each time that the share above is halved, and the footer. Whether all
 * could be written is for the caller to ask (ferror).
 *
 * Source: outputPercentileDistribution of Gil Tene's HdrHistogram. */
void hdr_write(FILE *out, const struct histogram *histogram);

#endif
