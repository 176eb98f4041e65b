/* default_words.h - the word lists that are part of the program, so that it works wherever it is
 * copied. They are the files of filter/words, byte for byte. Pure. */
#ifndef WINNOW_DEFAULT_WORDS_H
#define WINNOW_DEFAULT_WORDS_H

#include <stddef.h>

struct default_words_list {
    const char *name;  /* the file's name: "ca.txt" */
    const char *bytes; /* its content; no NUL follows */
    size_t length;     /* in bytes */
};

/* Every list, in the order of the names. */
extern const struct default_words_list default_words[];
extern const size_t default_words_count;

#endif
