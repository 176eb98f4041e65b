#include "blame.h"

#include "printable.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

int blame_end(const struct said *said, const struct offspring_end *end, struct why *why)
{
    const char *signal = end->by_signal ? sigabbrev_np(end->number) : NULL;
    char what[80];

    if (end->by_signal)
        snprintf(what, sizeof what, "killed by signal %d (SIG%s)", end->number,
                 signal ? signal : "RT");
    else
        snprintf(what, sizeof what, "exited with %d", end->number);
    return said_reason(said, what, why);
}

int blame_late(const struct said *said, int64_t timeout_ns, struct why *why)
{
    char what[80], timeout[UNITS_TEXT_SIZE];

    units_format_duration(timeout_ns, timeout);
    snprintf(what, sizeof what, "took longer than --timeout %s", timeout);
    return said_reason(said, what, why);
}

int blame_overlong(size_t most_bytes, struct why *why)
{
    return error_set(why, ERR_INVALID, "result of more than --max-result %zu bytes", most_bytes);
}

int blame_words(struct broker_bytes words, struct why *why)
{
    char shown[SAID_REASON_SIZE];

    printable_write(words.bytes, words.length, false, shown, sizeof shown);
    return error_set(why, ERR_INVALID, "%s", shown);
}
