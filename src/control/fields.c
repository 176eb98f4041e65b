#include "fields.h"

#include "members.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

json_t *fields_text(const char *text)
{
    json_t *string = json_string(text);
    char clean[3 * 1024 + 1];
    size_t length = 0;

    if (string)
        return string;
    for (; *text && length + strlen(REPLACEMENT) < sizeof clean; text++)
        if ((unsigned char)*text < 0x80) {
            clean[length++] = *text;
        } else {
            memcpy(clean + length, REPLACEMENT, strlen(REPLACEMENT));
            length += strlen(REPLACEMENT);
        }
    return json_stringn_nocheck(clean, length);
}

static json_t *write_field(const struct field *field, const char *at)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        return json_integer(*(const int64_t *)(const void *)at);
    case FIELD_REAL: {
        double value = *(const double *)(const void *)at;
        return isfinite(value) ? json_real(value) : json_null();
    }
    case FIELD_WHOLE: {
        double value = *(const double *)(const void *)at;
        return isfinite(value) ? json_integer(llrint(value)) : json_null();
    }
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_TEXT:
        return fields_text(at);
    case FIELD_COUNT:
        return json_integer(llrint(*(const double *)(const void *)at));
    case FIELD_END:
    default:
        return NULL;
    }
}

static bool is_left_out(const struct field *field, const char *at)
{
    return field->kind == FIELD_COUNT && isnan(*(const double *)(const void *)at);
}

json_t *fields_write(const struct field *fields, const void *values)
{
    json_t *object = json_object();

    for (const struct field *each = fields; object && each->kind != FIELD_END; each++) {
        const char *at = (const char *)values + each->offset;
        if (!is_left_out(each, at) &&
            json_object_set_new_nocheck(object, each->name, write_field(each, at))) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static int read_count(const struct field *field, const json_t *object, double *count,
                      struct why *why)
{
    int64_t whole;

    *count = NAN;
    if (members_kind(object, field->name) == MEMBERS_ABSENT)
        return 0;
    int error = members_integer(object, field->name, 0, FIELD_MOST_COUNT, &whole, why);
    if (!error)
        *count = (double)whole;
    return error;
}

static int read_field(const struct field *field, const json_t *object, char *at, struct why *why)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        return members_integer(object, field->name, 0, INT64_MAX, (int64_t *)(void *)at, why);
    case FIELD_REAL:
    case FIELD_WHOLE:
        return members_real(object, field->name, (double *)(void *)at, why);
    case FIELD_BOOL:
        return members_bool(object, field->name, (bool *)at, why);
    case FIELD_TEXT:
        return members_text(object, field->name, at, field->size, why);
    case FIELD_COUNT:
        return read_count(field, object, (double *)(void *)at, why);
    case FIELD_END:
    default:
        return 0;
    }
}

int fields_read(const struct field *fields, const json_t *object, void *values, struct why *why)
{
    int error = 0;

    for (const struct field *each = fields; !error && each->kind != FIELD_END; each++)
        error = read_field(each, object, (char *)values + each->offset, why);
    return error;
}
