#include "time_classes.h"

#include <math.h>

static const struct {
    int64_t ns;
    const char *text;
} bounds[TIME_CLASSES] = {
    {INT64_C(10000), "1e-05"},    {INT64_C(30000), "3e-05"},    {INT64_C(100000), "0.0001"},
    {INT64_C(300000), "0.0003"},  {INT64_C(1000000), "0.001"},  {INT64_C(3000000), "0.003"},
    {INT64_C(10000000), "0.01"},  {INT64_C(30000000), "0.03"},  {INT64_C(100000000), "0.1"},
    {INT64_C(300000000), "0.3"},  {INT64_C(1000000000), "1"},   {INT64_C(3000000000), "3"},
    {INT64_C(10000000000), "10"}, {INT64_C(30000000000), "30"}, {INT64_C(100000000000), "100"},
    {INT64_MAX, "+Inf"},
};

size_t time_classes_of(int64_t duration_ns)
{
    size_t index = 0;

    while (duration_ns > bounds[index].ns)
        index++;
    return index;
}

void time_classes_add(struct time_classes *classes, double duration_s)
{
    double most_s = (double)bounds[TIME_CLASSES - 2].ns / 1e9;

    if (isnan(duration_s))
        return;
    duration_s = fmax(duration_s, 0);
    classes->sum_s += duration_s;
    classes->count[duration_s > most_s ? TIME_CLASSES - 1
                                       : time_classes_of((int64_t)(duration_s * 1e9))]++;
}

void time_classes_merge(struct time_classes *classes, const struct time_classes *from)
{
    classes->sum_s += from->sum_s;
    for (size_t i = 0; i < TIME_CLASSES; i++)
        classes->count[i] += from->count[i];
}

const char *time_classes_bound(size_t index)
{
    return bounds[index].text;
}
