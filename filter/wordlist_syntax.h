/* wordlist_syntax.h - reads one line of a word list. For wordlist.c alone. Pure. */
#ifndef WINNOW_WORDLIST_SYNTAX_H
#define WINNOW_WORDLIST_SYNTAX_H

#include "error.h"
#include "wordlist.h"

#include <stddef.h>
#include <stdint.h>

struct wordlist_line {
    const char *name; /* of its file, for messages */
    uint32_t number;  /* from 1 */
    const uint8_t *bytes;
    size_t length; /* without the line's end */
};

/* Reads the entry of a line, by the rules at the top of wordlist.h.
 *
 * text   takes the entry's text and a NUL: length + 1 bytes are enough
 * entry  written when there is one, but for its file
 * why    may be NULL; written on failure
 *
 * Returns 1; 0 when the line is blank or a comment; -ERR_CONFIG when it breaks a rule. */
int wordlist_syntax_read(const struct wordlist_line *line, char *text, struct wordlist_entry *entry,
                         struct why *why);

/* How many bytes of a text a message quotes; whole characters. */
int wordlist_syntax_quoted_length(const void *text, size_t length);

#endif
