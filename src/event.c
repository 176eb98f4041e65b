#include "event.h"

#include "buffer.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* ---- where the value of "text" stands ----
 * The skip_ functions walk over JSON that jansson has found valid, so they need not check for its
 * end. */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* From a string's opening quote to behind its closing one. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *skip_value(const char *at)
{
    if (*at == '"')
        return skip_string(at);
    if (*at != '{' && *at != '[')
        return at + strcspn(at, ",]} \t\r\n");

    size_t depth = 0;
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (depth);
    return at;
}

/* True for "text" however it is escaped. */
static bool is_text_key(const char *key, size_t length)
{
    if (!memchr(key, '\\', length))
        return length == 6 && memcmp(key, "\"text\"", 6) == 0;

    json_t *decoded = json_loadb(key, length, JSON_DECODE_ANY, NULL);
    bool same = decoded && strcmp(json_string_value(decoded), "text") == 0;
    json_decref(decoded);
    return same;
}

/* Fills in value_start and value_end; returns how many members are called "text". */
static size_t find_text(struct event *event)
{
    const char *at = skip_space(event->body);
    size_t found = 0;

    at = skip_space(at + 1);
    while (*at != '}') {
        const char *key = at;
        at = skip_string(at);
        bool is_text = is_text_key(key, (size_t)(at - key));
        at = skip_space(skip_space(at) + 1);
        const char *value = at;
        at = skip_value(at);
        if (is_text) {
            found++;
            event->value_start = (size_t)(value - event->body);
            event->value_end = (size_t)(at - event->body);
        }
        at = skip_space(at);
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return found;
}

static const char *skip_digits(const char *at)
{
    return at + strspn(at, "0123456789");
}

/* From the beginning of a number to behind it; returns at when no number begins there. The text
 * need not be valid JSON. */
static char *skip_number(char *at)
{
    const char *end = at + (*at == '-');
    const char *digits = end;

    end = *end == '0' ? end + 1 : skip_digits(end);
    if (end == digits)
        return at;
    if (*end == '.' && skip_digits(end + 1) > end + 1)
        end = skip_digits(end + 1);
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '+' || end[1] == '-');
        if (skip_digits(exponent) > exponent)
            end = skip_digits(exponent);
    }
    return at + (end - at);
}

/* Writes 0 over every number, so that none is too great for a double. */
static void tame_numbers(char *json)
{
    bool in_string = false;

    for (char *at = json; *at;) {
        char *end = in_string ? at : skip_number(at);
        if (end > at) {
            memset(at, ' ', (size_t)(end - at));
            *at = '0';
            at = end;
            continue;
        }
        if (in_string && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            in_string = !in_string;
        at++;
    }
}

/* Has jansson check and parse the body, whatever the size of the numbers in it: one that is greater
 * than a double can hold is valid JSON, too. */
static int load(const char *body, size_t length, json_t **root, struct why *why)
{
    /* As doubles, integers have no limit that jansson would enforce; their values are not used. */
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    json_error_t problem;

    *root = json_loadb(body, length, flags, &problem);
    if (!*root && json_error_code(&problem) == json_error_numeric_overflow) {
        char *tame = strndup(body, length);
        if (!tame)
            return error_set(why, ERR_MEMORY, "out of memory");
        tame_numbers(tame);
        *root = json_loadb(tame, length, flags, &problem);
        free(tame);
    }
    if (!*root && json_error_code(&problem) == json_error_out_of_memory)
        return error_set(why, ERR_MEMORY, "out of memory");
    return *root ? 0
                 : error_set(why, ERR_INVALID, "invalid JSON at line %d, column %d: %s",
                             problem.line, problem.column, problem.text);
}

static int parse_json(struct event *event, struct why *why)
{
    /* JSON holds no NUL, but jansson passes over one that follows a number. */
    const char *nul = event->body_length ? memchr(event->body, '\0', event->body_length) : NULL;
    if (nul)
        return error_set(why, ERR_INVALID, "invalid JSON at byte %zu: a NUL byte",
                         (size_t)(nul - event->body));

    json_t *root;
    int error = load(event->body, event->body_length, &root, why);
    if (error)
        return error;
    const json_t *text = json_object_get(root, "text");
    if (!json_is_object(root))
        error = error_set(why, ERR_INVALID, "the JSON is not an object");
    else if (!text)
        error = error_set(why, ERR_INVALID, "the JSON object has no member \"text\"");
    else if (!json_is_string(text))
        error = error_set(why, ERR_INVALID, "the member \"text\" is not a string");
    else if (find_text(event) != 1)
        error = error_set(why, ERR_INVALID, "the JSON object has more than one member \"text\"");
    else {
        event->text_length = json_string_length(text);
        if (!buffer_reserve(&event->buffer, &event->buffer_capacity, event->text_length + 1))
            error = error_set(why, ERR_MEMORY, "out of memory");
        else {
            memcpy(event->buffer, json_string_value(text), event->text_length);
            event->text = event->buffer;
        }
    }
    json_decref(root);
    return error;
}

/* Whether every second byte, from start on, is NUL and at least two others are not. That is how
 * UTF-16 and UTF-32 hold ASCII, and it is valid UTF-8 as well. */
static bool is_spaced(const char *body, size_t length, size_t start)
{
    size_t letters = 0;

    if (length % 2)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        if (body[i + start] != '\0')
            return false;
        letters += body[i + 1 - start] != '\0';
    }
    return letters >= 2;
}

static int parse_plain(struct event *event, struct why *why)
{
    const char *body = event->body;
    size_t length = event->body_length;
    const uint8_t *bad = length ? u8_check((const uint8_t *)body, length) : NULL;

    if (bad)
        return error_set(why, ERR_INVALID, "the text is not valid UTF-8 at byte %zu",
                         (size_t)(bad - (const uint8_t *)body));
    if (is_spaced(body, length, 0) || is_spaced(body, length, 1))
        return error_set(why, ERR_INVALID, "the text is not UTF-8, but UTF-16 or UTF-32");
    event->text = body;
    event->text_length = length;
    return 0;
}

int event_parse(struct event *event, bool json, const char *body, size_t length, struct why *why)
{
    event->json = json;
    event->body = body;
    event->body_length = length;
    return json ? parse_json(event, why) : parse_plain(event, why);
}

int event_build(struct event *event, const char *text, size_t text_length, const char **built,
                size_t *built_length)
{
    if (!event->json) {
        *built = text;
        *built_length = text_length;
        return 0;
    }

    int error = -ERR_MEMORY;
    json_t *value = json_stringn(text, text_length);
    char *encoded = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    if (!encoded)
        goto out;
    size_t encoded_length = strlen(encoded);
    size_t tail = event->body_length - event->value_end;
    size_t total = event->value_start + encoded_length + tail;
    if (!buffer_reserve(&event->built, &event->built_capacity, total + 1))
        goto out;
    memcpy(event->built, event->body, event->value_start);
    memcpy(event->built + event->value_start, encoded, encoded_length);
    memcpy(event->built + event->value_start + encoded_length, event->body + event->value_end,
           tail);
    *built = event->built;
    *built_length = total;
    error = 0;
out:
    free(encoded);
    json_decref(value);
    return error;
}

void event_clear(struct event *event)
{
    free(event->buffer);
    free(event->built);
    *event = (struct event){0};
}
