#include "members.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define MOST_DEPTH 100

/* jansson's own limit is 2,048 levels; it reads and frees them recursively. Strings are walked over
 * as they stand: a bracket within one counts for nothing. */
static bool is_too_deep(const char *bytes, size_t length)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && depth && (c == '}' || c == ']'))
            depth--;
        if (depth > MOST_DEPTH)
            return true;
    }
    return false;
}

int members_read(const char *bytes, size_t length, json_t **object, struct why *why)
{
    json_error_t error;

    if (is_too_deep(bytes, length))
        return error_set(why, ERR_INVALID, "nested more than %d deep", MOST_DEPTH);
    json_t *value = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (!value)
        return error_set(why, ERR_INVALID, "not JSON: %s at byte %d", error.text, error.position);
    if (!json_is_object(value)) {
        json_decref(value);
        return error_set(why, ERR_INVALID, "not a JSON object");
    }
    *object = value;
    return 0;
}

void members_release(json_t *object)
{
    json_decref(object);
}

enum members_kind members_kind(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return !value ? MEMBERS_ABSENT : json_is_null(value) ? MEMBERS_NULL : MEMBERS_VALUE;
}

/* Says what is there instead: the value itself when it is short. */
static int expected(struct why *why, const json_t *object, const char *name, const char *form)
{
    const json_t *value = json_object_get(object, name);
    char text[41];
    size_t length = value ? json_dumpb(value, text, sizeof text - 1, JSON_ENCODE_ANY) : 0;

    if (!value)
        return error_set(why, ERR_INVALID, "\"%s\" is missing; expected %s", name, form);
    if (length >= sizeof text)
        return error_set(why, ERR_INVALID, "\"%s\" is too long; expected %s", name, form);
    text[length] = '\0';
    return error_set(why, ERR_INVALID, "\"%s\" is %s; expected %s", name, text, form);
}

int members_integer(const json_t *object, const char *name, int64_t min, int64_t max,
                    int64_t *value, struct why *why)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_integer(member) || json_integer_value(member) < min ||
        json_integer_value(member) > max) {
        char form[80];
        snprintf(form, sizeof form, "a whole number from %" PRId64 " to %" PRId64, min, max);
        return expected(why, object, name, form);
    }
    *value = json_integer_value(member);
    return 0;
}

int members_bool(const json_t *object, const char *name, bool *value, struct why *why)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_boolean(member))
        return expected(why, object, name, "true or false");
    *value = json_is_true(member);
    return 0;
}

int members_real(const json_t *object, const char *name, double *value, struct why *why)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_number(member) && !json_is_null(member))
        return expected(why, object, name, "a number or null");
    *value = json_is_null(member) ? NAN : json_number_value(member);
    return 0;
}

int members_text(const json_t *object, const char *name, char *text, size_t size, struct why *why)
{
    const json_t *member = json_object_get(object, name);
    size_t length = json_string_length(member);

    if (!json_is_string(member) || length >= size) {
        char form[80];
        snprintf(form, sizeof form, "text of less than %zu bytes", size);
        return expected(why, object, name, form);
    }
    memcpy(text, json_string_value(member), length + 1);
    return 0;
}

int members_string(const json_t *object, const char *name, const char **text, size_t *length,
                   struct why *why)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_string(member))
        return expected(why, object, name, "text");
    *text = json_string_value(member);
    *length = json_string_length(member);
    return 0;
}

int members_object(const json_t *object, const char *name, const json_t **value, struct why *why)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_object(member))
        return expected(why, object, name, "an object");
    *value = member;
    return 0;
}

int members_array(const json_t *object, const char *name, const json_t **value, struct why *why)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_array(member))
        return expected(why, object, name, "an array");
    *value = member;
    return 0;
}

char *members_write(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT);
}

const json_t *members_element(const json_t *array, size_t index)
{
    return json_array_get(array, index);
}
