/* bearer_token.h - a secret that lets its bearer look at farms, or steer them. */
#ifndef WINNOW_BEARER_TOKEN_H
#define WINNOW_BEARER_TOKEN_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* So many characters have at least 128 bits, in hexadecimal too. */
#define BEARER_TOKEN_LEAST 32
#define BEARER_TOKEN_MOST  256

#define BEARER_TOKEN_FORM "32 to 256 letters, digits and -._~+/=, chosen at random"

struct bearer_token {
    size_t length; /* 0: there is none, and nothing is it */
    char text[BEARER_TOKEN_MOST];
};

/* Reads the first line of a file that nobody but its owner may read. 0; -ERR_CONFIG when it cannot
 * be read, others may read it, or it has no token. The reason never repeats what is in it. */
int bearer_token_read(const char *path, struct bearer_token *token, struct why *why);

/* Whether a text is the token, in a time that tells nothing of where they differ. */
bool bearer_token_is(const struct bearer_token *token, const char *text, size_t length);

#endif
