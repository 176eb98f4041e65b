#include "startup.h"

#include <math.h>

void startup_note(struct startup *startup, int64_t took_ns)
{
    startup->last_ns[startup->count++ % STARTUP_MOST] = took_ns;
}

/* So many of them are shorter, or as long and noted at an earlier place. */
static size_t rank(const struct startup *startup, size_t count, size_t place)
{
    size_t shorter = 0;

    for (size_t i = 0; i < count; i++)
        shorter += startup->last_ns[i] < startup->last_ns[place] ||
                   (startup->last_ns[i] == startup->last_ns[place] && i < place);
    return shorter;
}

double startup_median_s(const struct startup *startup)
{
    size_t count = startup->count < STARTUP_MOST ? startup->count : STARTUP_MOST;

    for (size_t i = 0; i < count; i++)
        if (rank(startup, count, i) == (count - 1) / 2)
            return (double)startup->last_ns[i] / 1e9;
    return NAN;
}
