#include "filter.h"

#include "filter_options.h"
#include "list_cache.h"

#include <stdlib.h>

struct filter {
    const struct filter_options *options;
    struct compiled_list list; /* empty when nothing is looked for */
};

static int obtain_list(const struct filter_options *options, struct compiled_list *list,
                       struct why *why)
{
    struct list_recipe recipe = {.level = options->level, .min_severity = options->min_severity};

    int error = list_files_read(options->files, options->file_count, options->max_list_bytes,
                                &recipe.files, why);
    if (!error && !list_files_are_empty(&recipe.files))
        error = list_cache_obtain(&recipe, list, why);
    list_files_clear(&recipe.files);
    return error;
}

int filter_open(const struct filter_options *options, struct filter **out, struct why *why)
{
    struct filter *filter = calloc(1, sizeof *filter);

    if (!filter)
        return error_set(why, ERR_MEMORY, "out of memory");
    filter->options = options;
    int error = options->off ? 0 : obtain_list(options, &filter->list, why);
    if (error)
        free(filter);
    else
        *out = filter;
    return error;
}

void filter_close(struct filter *filter)
{
    if (!filter)
        return;
    list_cache_release(&filter->list);
    free(filter);
}

const struct matcher *filter_matcher(const struct filter *filter)
{
    return filter->list.matcher;
}

size_t filter_entry_count(const struct filter *filter)
{
    return filter->list.matcher ? matcher_entry_count(filter->list.matcher) : 0;
}

struct matcher_entry filter_entry(const struct filter *filter, uint32_t index, const char **list)
{
    struct matcher_entry entry = matcher_entry(filter->list.matcher, index);

    *list = list_files_name(filter->options->files, filter->options->file_count, entry.file);
    return entry;
}

void filter_result_clear(struct filter_result *result)
{
    matcher_spans_clear(&result->spans);
    censor_result_clear(&result->censored);
}

int filter_apply(const struct filter *filter, const char *text, size_t length,
                 struct filter_result *result)
{
    int error = matcher_find(filter->list.matcher, text, length, &result->spans);

    return error ? error
                 : censor_apply(&filter->options->mask, text, length, result->spans.items,
                                result->spans.count, &result->censored);
}
