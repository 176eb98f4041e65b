/* node_name.h - what a host of a farm may be called. The name is a part of routing keys, of a
 * queue's name and of what people type, so that it has no character that means something there.
 * Pure. */
#ifndef WINNOW_NODE_NAME_H
#define WINNOW_NODE_NAME_H

#include <stdbool.h>

#define NODE_NAME_SIZE 65
#define NODE_NAME_FORM                                                                             \
    "1 to 64 letters, digits, '.', '-' or '_', with a letter or digit at both ends"

/* Whether the text is of that form. Letters and digits are those of ASCII. */
bool node_name_is_valid(const char *text);

#endif
