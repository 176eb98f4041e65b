/* error.h - what can go wrong, in one enum, with a text and an exit code for each. */
#ifndef WINNOW_ERROR_H
#define WINNOW_ERROR_H

/* Functions return 0 or one of these negated. */
enum error {
    ERR_INVALID = 1, /* an argument or a flag outside what is accepted */
    ERR_CONFIG, /* a file, path or broker entity is not as it must be: correct it and start again */
    ERR_REFUSED,     /* the broker refused the user, the virtual host or an operation */
    ERR_UNAVAILABLE, /* no connection to the broker, or it was lost */
    ERR_LOCKED,      /* another process holds what only one may hold */
    ERR_MISSING,     /* the broker knows no entity of that name */
    ERR_TIMEOUT,     /* the deadline passed */
    ERR_MEMORY,      /* out of memory */
    ERR_SYSTEM,      /* a system call failed */
};

/* Explanation of one failure, written for the person who has to act on it: what was wrong, where, and
 * what was expected. Never holds a password. */
struct why {
    char text[512];
};

/* Fixed text for an error code; takes either sign. Never NULL. */
const char *error_text(int error);

/* The sysexits.h code with which a program ends after this error; takes either sign; 0 gives 0. */
int error_exit_code(int error);

/* Writes the explanation (why may be NULL) and returns -error, so that a failing function can end in
 * `return error_set(why, ERR_CONFIG, "...")`. Text that does not fit is cut. */
int error_set(struct why *why, enum error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the explanation already there. */
void error_prefix(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
