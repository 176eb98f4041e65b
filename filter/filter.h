/* filter.h - texts filtered as the options say: their lists, matched against a text, and their mask
 * over what is found. */
#ifndef WINNOW_FILTER_H
#define WINNOW_FILTER_H

#include "censor.h"
#include "error.h"
#include "matcher.h"

#include <stddef.h>
#include <stdint.h>

struct filter_options;

/* Filters with the lists as they were when it was opened. Never changes: threads may share it. */
struct filter;

/* Reads the lists, and compiles them unless another process did so before (list_cache.h).
 *
 * options  borrowed until filter_close
 * filter   written only on success; free it with filter_close
 *
 * Returns 0; -ERR_CONFIG with "FILE:LINE: ..." for a list that cannot be read or is malformed, or
 * when there is no entry at all; -ERR_MEMORY. */
int filter_open(const struct filter_options *options, struct filter **filter, struct why *why);

/* Takes NULL. */
void filter_close(struct filter *filter);

/* What finds the matches; NULL when the options say that nothing is looked for. */
const struct matcher *filter_matcher(const struct filter *filter);

/* How many entries the lists have. */
size_t filter_entry_count(const struct filter *filter);

/* The entry of a span, and the name of the list it is from. Only where there is a matcher. */
struct matcher_entry filter_entry(const struct filter *filter, uint32_t index, const char **list);

/* What becomes of a text. Keep one and reuse it, for one thread at a time; starts from {0}. */
struct filter_result {
    struct matcher_spans spans;    /* the matches */
    struct censor_result censored; /* the text with each of them masked */
};

void filter_result_clear(struct filter_result *result);

/* Filters a text. Returns 0, or what matcher_find and censor_apply return. */
int filter_apply(const struct filter *filter, const char *text, size_t length,
                 struct filter_result *result);

#endif
