#include "log.h"

#include "clock.h"
#include "error.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

/* State of the whole process, because there is one log for it. */
static const char *log_program = "winnow";
static enum log_level log_threshold = LOG_INFO;

void log_open(const char *program, enum log_level level)
{
    log_program = program;
    log_threshold = level;
}

int log_parse_level(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    return -ERR_INVALID;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_enabled(enum log_level level)
{
    return level <= log_threshold;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_enabled(level))
        return;

    char line[2048];
    char stamp[CLOCK_STAMP_SIZE];
    clock_stamp(stamp);
    int head = snprintf(line, sizeof line, "time=%s level=%s program=%s pid=%d event=%s ", stamp,
                        level_names[level], log_program, (int)getpid(), event);
    size_t length = head < 0 ? 0 : (size_t)head;
    if (length < sizeof line) {
        va_list args;
        va_start(args, format);
        int rest = vsnprintf(line + length, sizeof line - length, format, args);
        va_end(args);
        length += rest < 0 ? 0 : (size_t)rest;
    }
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    line[length++] = '\n';
    /* A log that nobody reads, or that cannot be written, must not stop the work it tells of. */
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1)
        return;
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
