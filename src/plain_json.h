/* plain_json.h - JSON as it is written, piece by piece, into one growing text. Whoever writes sees
 * to its form. */
#ifndef WINNOW_PLAIN_JSON_H
#define WINNOW_PLAIN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts zeroed. To write another text, set length to 0. */
struct plain_json {
    char *bytes; /* no NUL behind them; to be released with free() */
    size_t length, capacity;
    bool failed; /* out of memory: something is missing */
};

/* Each appends: bytes as they stand; a text as it stands; a number; a string, in quotes and
 * escaped, which must be UTF-8; bytes as base64, in quotes. A string is one line and holds no
 * NUL. */
void plain_json_add(struct plain_json *text, const char *bytes, size_t length);
void plain_json_put(struct plain_json *text, const char *literal);
void plain_json_add_int(struct plain_json *text, int64_t number);
void plain_json_add_string(struct plain_json *text, const char *bytes, size_t length);
void plain_json_add_base64(struct plain_json *text, const char *bytes, size_t length);

/* Text from outside that may be no UTF-8: a string, or {"base64":"..."}. */
void plain_json_add_bytes(struct plain_json *text, const char *bytes, size_t length);

#endif
