/* log.h - one line of key=value pairs to standard error for each event. */
#ifndef WINNOW_LOG_H
#define WINNOW_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lamport;

#define LOG_LEVEL_FORM "error, warn, info or debug"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sets the program's name in every line that follows, and the level below which events are dropped.
 * The pointer is kept. Until then the level is LOG_INFO and the name is `winnow`. */
void log_open(const char *program, enum log_level level);

/* Reads "error", "warn", "info" or "debug". Returns 0 or -ERR_INVALID. */
int log_parse_level(const char *text, enum log_level *level);

const char *log_level_name(enum log_level level);
bool log_enabled(enum log_level level);

/* Writes `time=... level=... program=... pid=... clock=N event=EVENT FORMAT...` with one write(2).
 * EVENT is one word in snake_case. FORMAT has key=value pairs, with text in double quotes.
 *
 * Text from outside cannot forge a pair or a line: whatever a %s in quotes or right behind a =
 * stands for is escaped (printable.h), and gets quotes where it has none and is not a plain word. A
 * %s anywhere else stands for pairs that the program has made. The conversions are d, u, x, s with
 * .*, l, ll and z, and those of doubles. */
void log_event(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The process's one clock (control/lamport.h), whose time is the N of every line. The times of
 * control messages come from it too, and those of messages that come in are given to it. Processes
 * that share a scoreboard have one order; several threads of a process may write lines of
 * neighbouring times in the other order. */
struct lamport *log_clock(void);

/* What a listener hears of a line; all of it is gone when it returns. */
struct log_heard {
    enum log_level level;
    int64_t clock;     /* the N of the line */
    const char *event; /* its name */
    const char *pairs; /* as they stand in the line, escaped and maybe cut; no newline, ends with a
                          NUL */
};

typedef void log_listener(void *context, const struct log_heard *heard);

/* Whose lines are logged: of one of several farms, or of the process. Lines of a farm have a pair
 * more, farm=, and are heard by the farm's listener alone. */
struct log_scope {
    const char *farm;       /* NULL: lines do not say whose they are */
    log_listener *listener; /* NULL: nobody listens */
    void *context;
};

/* From now on what this thread logs is of that scope, which is borrowed; NULL: of the process, as
 * at first and in all other threads. */
void log_enter(struct log_scope *scope);

/* From now on the listener hears every line of the present scope that passes the level, once it was
 * written or dropped because nobody reads the log, in the thread that logs it. What it logs itself
 * is written and not heard. NULL: nobody listens. To be called while no other thread logs. */
void log_listen(log_listener *listener, void *context);

#endif
