/* error.h - what can go wrong, in one enum, with a text and an exit code for each. */
#ifndef WINNOW_ERROR_H
#define WINNOW_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Functions return 0 or one of these negated. */
enum error {
    ERR_INVALID = 1, /* an argument or a flag outside what is accepted */
    ERR_CONFIG,      /* a file, path or broker entity has to be corrected before the next start */
    ERR_REFUSED,     /* the broker refused the user, the virtual host or an operation */
    ERR_UNAVAILABLE, /* no connection to the broker, or it was lost */
    ERR_LOCKED,      /* another process holds what only one may hold */
    ERR_MISSING,     /* the broker knows no entity of that name */
    ERR_TIMEOUT,     /* the deadline passed */
    ERR_MEMORY,      /* out of memory */
    ERR_SYSTEM,      /* a system call failed */
};

/* What an error is about, as far as a program may decide by it. */
enum error_subject {
    ABOUT_NOTHING,  /* nothing that has to be known */
    ABOUT_QUEUE,    /* of the broker; the name is the queue's */
    ABOUT_EXCHANGE, /* the same */
    ABOUT_LIMIT,    /* the broker's administrator has set it; the name says of what */
};

/* Explanation of one failure. The text is written for the person who has to act on it: what was
 * wrong, where, and what was expected; it never holds a password, and no program searches it. The
 * subject is for programs. */
#define ERROR_NAME_SIZE 256
struct why {
    char text[512];
    enum error_subject about;
    char name[ERROR_NAME_SIZE]; /* whole, or empty when it is not known whole */
};

/* Fixed text for an error code; takes either sign. Never NULL. */
const char *error_text(int error);

/* The sysexits.h code with which a program ends after this error; takes either sign; 0 gives 0. */
int error_exit_code(int error);

/* Writes the explanation (why may be NULL), about nothing, and returns -error, so that a failing
 * function can end in `return error_set(why, ERR_CONFIG, "...")`. Text that does not fit is cut. */
int error_set(struct why *why, enum error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* which does not see into another file that this is never 0 */
#define error_set(why, error, ...) (error_set(why, error, __VA_ARGS__), -(int)(error))
#endif

/* Adds what the explanation is about. A name that does not fit or holds a NUL is left empty. */
void error_set_about(struct why *why, enum error_subject about, const char *name, size_t length);

/* Whether the explanation is about the queue or exchange of that name. */
bool error_is_about(const struct why *why, enum error_subject about, const char *name);

/* Puts "context: " before the explanation already there. */
void error_prefix(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
