/* members.h - the members of a JSON object that came from outside, read with what was expected. */
#ifndef WINNOW_MEMBERS_H
#define WINNOW_MEMBERS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

/* Reads an object from bytes: no member twice, nothing behind it, nested at most 100 deep. 0 and
 * *object (release with members_release), -ERR_INVALID with the place, or -ERR_MEMORY. */
int members_read(const char *bytes, size_t length, struct json_t **object, struct why *why);
void members_release(struct json_t *object);

/* What is there under that name. */
enum members_kind { MEMBERS_ABSENT, MEMBERS_NULL, MEMBERS_VALUE };
enum members_kind members_kind(const struct json_t *object, const char *name);

/* Each reads one member that must be there. 0, or -ERR_INVALID with its name and what was expected;
 * then nothing is written. */
int members_integer(const struct json_t *object, const char *name, int64_t min, int64_t max,
                    int64_t *value, struct why *why);
int members_bool(const struct json_t *object, const char *name, bool *value, struct why *why);
/* Any finite number; null is NAN, which means unknown. */
int members_real(const struct json_t *object, const char *name, double *value, struct why *why);
/* Text of less than size bytes, which may be empty; members_read lets no NUL in. */
int members_text(const struct json_t *object, const char *name, char *text, size_t size,
                 struct why *why);
/* Text of any length, borrowed; members_read lets no NUL in. */
int members_string(const struct json_t *object, const char *name, const char **text, size_t *length,
                   struct why *why);
/* An object or array, borrowed. */
int members_object(const struct json_t *object, const char *name, const struct json_t **value,
                   struct why *why);
int members_array(const struct json_t *object, const char *name, const struct json_t **value,
                  struct why *why);

/* The value as JSON in one line, for the caller to free; NULL: out of memory. */
char *members_write(const struct json_t *value);

/* An element of an array, borrowed; NULL from its end on. */
const struct json_t *members_element(const struct json_t *array, size_t index);

#endif
