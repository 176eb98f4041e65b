#include "fields.h"

#include "members.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

/* A JSON string of text that may not be UTF-8: each bad byte is replaced. */
static json_t *text_of(const char *text)
{
    size_t length = strlen(text), written = 0;
    uint8_t clean[3 * 1024 + 1];

    if (!u8_check((const uint8_t *)text, length))
        return json_stringn_nocheck(text, length);
    if (length > sizeof clean / 3)
        length = sizeof clean / 3;
    for (size_t i = 0; i < length;) {
        ucs4_t character;
        int size = u8_mbtoucr(&character, (const uint8_t *)text + i, length - i);
        written += (size_t)u8_uctomb(clean + written, size > 0 ? character : 0xfffd, 4);
        i += size > 0 ? (size_t)size : 1;
    }
    return json_stringn_nocheck((const char *)clean, written);
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
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_TEXT:
        return text_of(at);
    case FIELD_END:
    default:
        return NULL;
    }
}

json_t *fields_write(const struct field *fields, const void *values)
{
    json_t *object = json_object();

    for (const struct field *each = fields; object && each->kind != FIELD_END; each++)
        if (json_object_set_new_nocheck(object, each->name,
                                        write_field(each, (const char *)values + each->offset))) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

static int read_field(const struct field *field, const json_t *object, char *at, struct why *why)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        return members_integer(object, field->name, 0, INT64_MAX, (int64_t *)(void *)at, why);
    case FIELD_REAL:
        return members_real(object, field->name, (double *)(void *)at, why);
    case FIELD_BOOL:
        return members_bool(object, field->name, (bool *)at, why);
    case FIELD_TEXT:
        return members_text(object, field->name, at, field->size, why);
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
