/* filter.h - for tests: a matcher and a mask as one. */
#ifndef WINNOW_TESTS_FILTER_H
#define WINNOW_TESTS_FILTER_H

#include "error.h"
#include "filter/censor.h"
#include "filter/matcher.h"

#include <stdint.h>
#include <stdlib.h>

struct filter {
    struct matcher *matcher;
    struct censor_mask mask;
};

struct filter_result {
    char *text;
    size_t length, capacity;
    uint32_t matches;
    struct matcher_spans spans;
    struct censor_result result;
};

static inline void filter_close(struct filter *filter)
{
    if (filter)
        matcher_close(filter->matcher);
    free(filter);
}

static inline int filter_open(const struct wordlist *list, const char *mask, struct filter **out)
{
    struct filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return -ERR_MEMORY;
    filter->mask.text = mask;
    int error = censor_check(&filter->mask);
    if (!error)
        error = matcher_open(list, MATCHER_EXACT, &filter->matcher);
    if (error)
        filter_close(filter);
    else
        *out = filter;
    return error;
}

static inline void filter_result_init(struct filter_result *result)
{
    *result = (struct filter_result){0};
}

static inline void filter_result_clear(struct filter_result *result)
{
    matcher_spans_clear(&result->spans);
    censor_result_clear(&result->result);
    filter_result_init(result);
}

static inline int filter_apply(const struct filter *filter, const char *text, size_t length,
                               struct filter_result *result)
{
    int error = matcher_find(filter->matcher, text, length, &result->spans);
    if (!error)
        error = censor_apply(&filter->mask, text, length, result->spans.items, result->spans.count,
                             &result->result);
    result->text = result->result.text;
    result->length = result->result.length;
    result->capacity = result->result.capacity;
    result->matches = (uint32_t)result->spans.count;
    return error;
}

#endif
