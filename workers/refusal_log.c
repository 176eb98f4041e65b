#include "refusal_log.h"

#include <string.h>

static bool names(const struct refusal_log *log, struct broker_bytes queue)
{
    return strlen(log->queue) == queue.length && memcmp(log->queue, queue.bytes, queue.length) == 0;
}

void refusal_log_add(struct refusal_log *log, struct broker_bytes queue)
{
    if (!log->refused) {
        size_t length = queue.length < sizeof log->queue ? queue.length : sizeof log->queue - 1;
        memcpy(log->queue, queue.bytes, length);
        log->queue[length] = '\0';
    }
    if (names(log, queue))
        log->refused++;
    else
        log->others++;
}

void refusal_log_given_up(struct refusal_log *log, struct broker_bytes queue)
{
    if (log->refused && names(log, queue))
        log->given_up++;
}

bool refusal_log_is_due(const struct refusal_log *log, int64_t now_ns, int64_t *until_ns)
{
    if (!log->refused)
        return false;
    if (now_ns < log->next_ns && log->next_ns < *until_ns)
        *until_ns = log->next_ns;
    return now_ns >= log->next_ns;
}

void refusal_log_written(struct refusal_log *log, int64_t now_ns)
{
    log->next_ns = now_ns + log->pause_ns;
    log->refused = log->given_up = log->others = 0;
}
