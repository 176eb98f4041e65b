/* fields.h - a struct as a JSON object and back, by a table that names each of its fields once. */
#ifndef WINNOW_FIELDS_H
#define WINNOW_FIELDS_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct json_t;

enum field_kind {
    FIELD_END,     /* after the last of a table */
    FIELD_INTEGER, /* int64_t, >= 0 */
    FIELD_REAL,    /* double; null is NAN, which means unknown; an infinite one is null as well */
    FIELD_WHOLE,   /* double, a whole number; null is NAN, which means that there is none */
    FIELD_BOOL,    /* bool */
    FIELD_TEXT,    /* char[size], UTF-8, ends with a NUL */
    FIELD_COUNT,   /* double, a whole number; left out when it is NAN, which means unknown */
};

#define FIELD_MOST_COUNT (INT64_C(1) << 53) /* doubles count up to here */

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset, size; /* of the member within its struct */
};

#define FIELD(kind, type, member)                                                                  \
    {                                                                                              \
#member, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member)           \
    }

/* Text as a JSON string, or NULL when out of memory. If it is not UTF-8, all of it but its ASCII
 * becomes U+FFFD. */
struct json_t *fields_text(const char *text);

/* A new object, or NULL when out of memory. */
struct json_t *fields_write(const struct field *fields, const void *values);

/* 0, or -ERR_INVALID with the member that is missing or something else; values are then partly
 * written. */
int fields_read(const struct field *fields, const struct json_t *object, void *values,
                struct why *why);

#endif
