#include "said.h"

#include "clock.h"
#include "log.h"
#include "printable.h"

#include <string.h>

void said_init(struct said *said)
{
    *said = (struct said){.limit = {.most_per_s = SAID_MOST_PER_S}};
}

void said_begin(struct said *said, int pid)
{
    said->pid = pid;
    said->length = 0;
    said->last[0] = '\0';
}

static void end_line(struct said *said)
{
    uint64_t unlogged;

    said->line[said->length] = '\0';
    said->length = 0;
    if (!said->line[strspn(said->line, " \t\r")])
        return;
    memcpy(said->last, said->line, sizeof said->last);
    if (log_limit_allows(&said->limit, clock_now_ns(), &unlogged))
        log_event(LOG_INFO, "program_said", "child=%d line=\"%s\" unlogged=%llu", said->pid,
                  said->line, (unsigned long long)unlogged);
}

void said_add(struct said *said, const char *bytes, size_t length)
{
    const char *end = bytes + length;

    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t piece = (size_t)((newline ? newline : end) - bytes);
        size_t room = sizeof said->line - 1 - said->length;
        memcpy(said->line + said->length, bytes, piece < room ? piece : room);
        said->length += piece < room ? piece : room;
        if (newline)
            end_line(said);
        bytes += piece + (newline ? 1 : 0);
    }
}

void said_end(struct said *said)
{
    if (said->length)
        end_line(said);
}

int said_reason(const struct said *said, const char *what, struct why *why)
{
    char last[SAID_REASON_SIZE];

    printable_write(said->last, strlen(said->last), false, last, sizeof last);
    return last[0] ? error_set(why, ERR_INVALID, "%s: %s", what, last)
                   : error_set(why, ERR_INVALID, "%s", what);
}
