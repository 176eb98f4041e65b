#include "times.h"

#include "members.h"

#include <jansson.h>
#include <math.h>

static json_t *counts_of(const struct time_classes *times)
{
    json_t *counts = json_array();

    for (size_t i = 0; counts && i < TIME_CLASSES; i++)
        if (json_array_append_new(counts, json_integer((json_int_t)times->count[i]))) {
            json_decref(counts);
            counts = NULL;
        }
    return json_pack("{s:f, s:o}", "sum_s", times->sum_s, "counts", counts);
}

int times_write(json_t *message, const char *name, const struct time_classes *times)
{
    return isfinite(times->sum_s) ? json_object_set_new(message, name, counts_of(times)) : 0;
}

static int read_counts(const json_t *part, struct time_classes *times, struct why *why)
{
    const json_t *counts;
    int error = members_array(part, "counts", &counts, why);

    if (!error && json_array_size(counts) != TIME_CLASSES)
        return error_set(why, ERR_INVALID, "%zu counts; expected %d", json_array_size(counts),
                         TIME_CLASSES);
    for (size_t i = 0; !error && i < TIME_CLASSES; i++) {
        const json_t *count = json_array_get(counts, i);
        if (!json_is_integer(count) || json_integer_value(count) < 0)
            error = error_set(why, ERR_INVALID, "count %zu is no count", i);
        else
            times->count[i] = (uint64_t)json_integer_value(count);
    }
    return error;
}

int times_read(const json_t *message, const char *name, struct time_classes *times, struct why *why)
{
    const json_t *part;

    times->sum_s = NAN;
    if (members_kind(message, name) == MEMBERS_ABSENT)
        return 0;
    int error = members_object(message, name, &part, why);
    if (!error)
        error = members_real(part, "sum_s", &times->sum_s, why);
    if (!error && times->sum_s < 0)
        error = error_set(why, ERR_INVALID, "\"sum_s\" is less than 0");
    if (!error)
        error = read_counts(part, times, why);
    if (error)
        error_prefix(why, "in \"%s\"", name);
    return error;
}
