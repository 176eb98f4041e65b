#include "stopwatch.h"

bool stopwatch_set(struct stopwatch *watch, bool lasts, int64_t now_ns)
{
    if (lasts == (watch->since_ns != 0))
        return false;
    watch->before_ns += lasts ? 0 : now_ns - watch->since_ns;
    watch->since_ns = lasts ? now_ns : 0;
    return true;
}

int64_t stopwatch_total_ns(const struct stopwatch *watch, int64_t now_ns)
{
    return watch->before_ns + (watch->since_ns ? now_ns - watch->since_ns : 0);
}
