#include "log_limit.h"

#define NS_PER_S INT64_C(1000000000)

bool log_limit_allows(struct log_limit *limit, int64_t now_ns, uint64_t *unlogged)
{
    if (now_ns - limit->from_ns >= NS_PER_S) {
        limit->from_ns = now_ns;
        limit->lines = 0;
    }
    if (limit->lines == limit->most_per_s) {
        limit->waiting++;
        return false;
    }
    limit->lines++;
    *unlogged = limit->waiting;
    limit->waiting = 0;
    return true;
}
