/* Bodies of events, plain and JSON: parse, and build with another text. */
#include "event.h"
#include "event_type.h"
#include "fuzz.h"

#include <jansson.h>
#include <unistr.h>

#define LOAD_FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* NULL when a number is too great for this library, and nothing else is wrong. */
static json_t *load(const char *bytes, size_t length)
{
    json_error_t problem;
    json_t *json = json_loadb(bytes, length, LOAD_FLAGS, &problem);

    CLAIM(json != NULL || json_error_code(&problem) == json_error_numeric_overflow);
    return json;
}

/* Replaces the text, and checks the outcome in two ways: byte by byte and as JSON. */
static void replace(const char *body, size_t length, bool json, const char *text,
                    size_t text_length)
{
    struct event event = {0}, again = {0};
    struct why why = {0};
    const char *built;
    size_t built_length;

    CLAIM(event_parse(&event, json, body, length, &why) == 0);
    CLAIM(event_build(&event, text, text_length, &built, &built_length) == 0);
    CLAIM(event_parse(&again, json, built, built_length, &why) == 0);
    CLAIM(again.text_length == text_length);
    CLAIM(text_length == 0 || memcmp(again.text, text, text_length) == 0);

    if (json) {
        size_t tail = length - event.value_end;
        CLAIM(again.value_start == event.value_start);
        CLAIM(built_length - again.value_end == tail);
        CLAIM(memcmp(built, body, event.value_start) == 0);
        CLAIM(memcmp(built + again.value_end, body + event.value_end, tail) == 0);

        json_t *before = load(body, length), *after = load(built, built_length);
        CLAIM(!before == !after);
        if (before) {
            CLAIM(json_object_set_new(before, "text", json_stringn(text, text_length)) == 0);
            CLAIM(json_equal(before, after));
        }
        json_decref(before);
        json_decref(after);
    }
    event_clear(&again);
    event_clear(&event);
}

/* The value that was found is the only one: when its key is renamed, no key is called "text" any
 * more. No way to escape "text" contains a quote, so that the two quotes before the value are the
 * key's. */
static void check_only(const struct event *event)
{
    const char *body = event->body;
    const char *close = memrchr(body, '"', event->value_start);
    const char *open = close ? memrchr(body, '"', (size_t)(close - body)) : NULL;

    CLAIM(open != NULL);
    size_t head = (size_t)(open + 1 - body);
    char *renamed = malloc(event->body_length + 1);
    CLAIM(renamed != NULL);
    memcpy(renamed, body, head);
    renamed[head] = 'x';
    memcpy(renamed + head + 1, body + head, event->body_length - head);
    json_t *json = load(renamed, event->body_length + 1);
    CLAIM(!json || (json_is_object(json) && !json_object_get(json, "text")));
    json_decref(json);
    free(renamed);
}

static bool parse(struct event *event, bool json, const char *body, size_t length)
{
    struct why why = {0};
    int error = event_parse(event, json, body, length, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return false;
    }
    CLAIM(u8_check((const uint8_t *)event->text, event->text_length) == NULL);
    /* Its own text changes nothing but how it is escaped. The whole input as the text needs every
     * kind of escape. */
    char *own = fuzz_text(event->text, event->text_length);
    replace(body, length, json, own, event->text_length);
    free(own);
    replace(body, length, json, "CENSORED", strlen("CENSORED"));
    replace(body, length, json, "", 0);
    replace(body, length, json, body, length);
    return true;
}

/* A content type is refused for a charset, or a quote that is not closed, and for nothing else. */
static void read_type(const char *bytes, size_t size)
{
    struct broker_bytes type = {bytes, size};
    struct why why = {0};
    bool json = false;
    int error = event_type_read(type, (struct broker_bytes){0}, &json, &why);
    char *text = fuzz_text(bytes, size);

    if (error)
        fuzz_claim_refusal(error, &why, NULL);
    if (strlen(text) == size && error)
        CLAIM(strcasestr(text, "charset") || strchr(text, '"'));
    if (json)
        CLAIM(memmem(bytes, size, "/", 1) || memmem(bytes, size, "+", 1));
    CLAIM(event_type_read((struct broker_bytes){0}, type, &json, &why) == 0 || size > 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    struct event event = {0};

    read_type(body, size);
    bool plain = parse(&event, false, body, size);
    if (plain) {
        CLAIM(event.text_length == size);
        CLAIM(size == 0 || memcmp(event.text, body, size) == 0);
    } else {
        CLAIM(u8_check(data, size) != NULL || memchr(data, '\0', size));
    }

    if (parse(&event, true, body, size)) {
        CLAIM(plain);
        CLAIM(event.value_start < event.value_end && event.value_end < size);
        json_t *value = load(body + event.value_start, event.value_end - event.value_start);
        CLAIM(json_is_string(value) && json_string_length(value) == event.text_length);
        CLAIM(memcmp(json_string_value(value), event.text, event.text_length) == 0);
        json_decref(value);
        check_only(&event);
    }
    event_clear(&event);
    return 0;
}
