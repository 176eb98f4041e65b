/* log.h - one line an event to standard error, key=value. */
#ifndef WINNOW_LOG_H
#define WINNOW_LOG_H

#include <stdbool.h>

#define LOG_LEVEL_FORM "error, warn, info or debug"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Names the program in every line that follows (the pointer is kept) and drops what is below the level.
 * Until it is called, the level is LOG_INFO and the program has no name. */
void log_open(const char *program, enum log_level level);

/* "error", "warn", "info" or "debug" -> level; 0 or -ERR_INVALID. */
int log_parse_level(const char *text, enum log_level *level);

const char *log_level_name(enum log_level level);
bool log_enabled(enum log_level level);

/* Writes `time=... level=... program=... pid=... event=EVENT FORMAT...` with one write(2). EVENT is one
 * word in snake_case; FORMAT prints key=value pairs, text values in double quotes. Control characters
 * in the result become spaces, so that text from outside cannot forge a line. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
