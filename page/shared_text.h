/* shared_text.h - a text that several readers hold at once: it is made once, never changed, and
 * gone with the last who let go of it. */
#ifndef WINNOW_SHARED_TEXT_H
#define WINNOW_SHARED_TEXT_H

#include <stddef.h>

struct shared_text {
    char *bytes; /* a NUL stands behind them */
    size_t length;
    unsigned holders;
};

/* Takes bytes over that are to be released with free, also when it fails; NULL bytes fail. With one
 * holder; NULL when out of memory. */
struct shared_text *shared_text_make(char *bytes, size_t length);

/* The same of a copy. */
struct shared_text *shared_text_copy(const char *bytes, size_t length);

/* One holder more; returns the text. Takes NULL. */
struct shared_text *shared_text_hold(struct shared_text *text);

/* One holder less. Takes NULL. */
void shared_text_drop(struct shared_text *text);

#endif
