/* config.h - a configuration file's text, an item at a time. Pure.
 *
 *     # a comment has a line of its own
 *     [KIND NAME]          a section; a kind that there is once has no name
 *     key = value          all to the end of the line, but for blanks around it
 *
 * Nothing in a value is special, so that ; # " and = may stand in one. Lines may end in CRLF, the
 * last in nothing, and the text may begin with a byte order mark. */
#ifndef WINNOW_CONFIG_H
#define WINNOW_CONFIG_H

#include "error.h"

#include <stddef.h>

enum config_item_type { CONFIG_SECTION, CONFIG_ENTRY };

/* The texts are the caller's, cut in pieces. */
struct config_item {
    enum config_item_type type;
    const char *kind, *name; /* of a section; the name may be empty */
    const char *key;         /* of an entry: letters, digits, hyphens; */
    char *value;             /* may be empty */
};

struct config {
    char *at, *end;
    size_t line; /* of the last item, or of what is wrong; 1 is the first */
    size_t next_line;
};

/* Begins to read a text, which is written to and must be followed by one byte more. */
void config_begin(struct config *config, char *text, size_t length);

/* Returns 1 and the next item; 0 at the end; -ERR_CONFIG with what is wrong in config->line. Values
 * are not quoted, for one may be a password. */
int config_next(struct config *config, struct config_item *item, struct why *why);

/* Splits a value at blanks into words, in place. What stands between '' or "" belongs to one word,
 * and nothing is expanded. Returns how many words there are, or -ERR_CONFIG when a quote has no end
 * or there are more than `most`. */
int config_words(char *value, char **words, size_t most, struct why *why);

#endif
