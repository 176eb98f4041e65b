#include "keep_line.h"

#include <jansson.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* ---- writing ---- */

static void add_property(struct plain_json *line, const char *name, const struct job_event *event,
                         enum broker_property property)
{
    struct broker_bytes value = broker_properties_get(event->properties, property);

    if (!value.bytes)
        return;
    plain_json_put(line, ",\"");
    plain_json_put(line, name);
    plain_json_put(line, "\":");
    plain_json_add_bytes(line, value.bytes, value.length);
}

static void add_headers(struct plain_json *line, const struct job_event *event)
{
    size_t before = line->length;

    plain_json_put(line, ",\"headers\":");
    if (broker_headers_write_json(event->properties, line) == -ERR_INVALID) {
        line->length = before;
        plain_json_put(line, ",\"headers_dropped\":true");
    }
}

static void add_body(struct plain_json *line, struct broker_bytes body)
{
    if (body.length && u8_check((const uint8_t *)body.bytes, body.length)) {
        plain_json_put(line, ",\"base64\":");
        plain_json_add_base64(line, body.bytes, body.length);
    } else {
        plain_json_put(line, ",\"text\":");
        plain_json_add_string(line, body.bytes, body.length);
    }
}

int keep_line_write(struct plain_json *line, uint64_t id, const struct job_event *event)
{
    line->length = 0;
    line->failed = false;
    plain_json_put(line, "{\"id\":");
    plain_json_add_int(line, (int64_t)id);
    add_body(line, event->body);
    add_property(line, "message_id", event, BROKER_MESSAGE_ID);
    add_property(line, "correlation_id", event, BROKER_CORRELATION_ID);
    add_property(line, "content_type", event, BROKER_CONTENT_TYPE);
    add_property(line, "type", event, BROKER_TYPE);
    plain_json_put(line, event->redelivered ? ",\"redelivered\":true" : ",\"redelivered\":false");
    plain_json_put(line, ",\"attempt\":");
    plain_json_add_int(line, event->attempt);
    add_headers(line, event);
    plain_json_put(line, "}\n");
    return line->failed ? -ERR_MEMORY : 0;
}

/* ---- reading ---- */

static const char *const members[] = {"text", "base64", "dead", "later"};
#define MEMBERS (sizeof members / sizeof members[0])

/* The one member that says what becomes of the event; MEMBERS when there is none, or another. */
static size_t find_member(const json_t *json)
{
    size_t found = MEMBERS;

    for (size_t i = 0; i < MEMBERS; i++) {
        if (!json_object_get(json, members[i]))
            continue;
        if (found != MEMBERS)
            return MEMBERS;
        found = i;
    }
    return found;
}

static int decode(struct keep_answer *answer, struct why *why)
{
    struct broker_bytes text = answer->body;
    size_t padding = 0;

    while (padding < 2 && padding < text.length && text.bytes[text.length - 1 - padding] == '=')
        padding++;
    /* The library would ignore white space at both ends, and takes = for an A. */
    if (text.length % 4 || text.length > INT_MAX ||
        strspn(text.bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") !=
            text.length - padding)
        return error_set(why, ERR_INVALID, "\"base64\" is no base64");
    answer->decoded = malloc(text.length / 4 * 3 + 1);
    if (!answer->decoded)
        return error_set(why, ERR_MEMORY, "out of memory");
    int length = EVP_DecodeBlock((unsigned char *)answer->decoded,
                                 (const unsigned char *)text.bytes, (int)text.length);
    answer->body = (struct broker_bytes){answer->decoded, (size_t)length - padding};
    return 0;
}

static struct broker_bytes text_of(const json_t *string)
{
    return (struct broker_bytes){json_string_value(string), json_string_length(string)};
}

static int read_object(struct keep_answer *answer, const json_t *json, struct why *why)
{
    const json_t *id = json_object_get(json, "id");
    const json_t *type = json_object_get(json, "content_type");
    size_t member = find_member(json);

    if (!json_is_number(id))
        return error_set(why, ERR_INVALID, "no number \"id\"");
    answer->id = json_number_value(id);
    if (member == MEMBERS)
        return error_set(why, ERR_INVALID,
                         "not one of \"text\", \"base64\", \"dead\" and \"later\"");
    const json_t *value = json_object_get(json, members[member]);
    if (!json_is_string(value))
        return error_set(why, ERR_INVALID, "\"%s\" is no string", members[member]);
    if (type && !json_is_string(type))
        return error_set(why, ERR_INVALID, "\"content_type\" is no string");
    answer->verdict = member < 2 ? KEEP_RESULT : member == 2 ? KEEP_DEAD : KEEP_LATER;
    answer->body = text_of(value);
    answer->content_type = text_of(type);
    return member == 1 ? decode(answer, why) : 0;
}

int keep_line_read(struct keep_answer *answer, const char *line, size_t length, struct why *why)
{
    json_error_t problem;

    keep_line_clear(answer);
    /* An integer of any length is a number. */
    answer->json = json_loadb(
        line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &problem);
    if (!answer->json)
        return json_error_code(&problem) == json_error_out_of_memory
                   ? error_set(why, ERR_MEMORY, "out of memory")
                   : error_set(why, ERR_INVALID, "no JSON object: %s", problem.text);
    if (!json_is_object(answer->json))
        return error_set(why, ERR_INVALID, "no JSON object");
    return read_object(answer, answer->json, why);
}

void keep_line_clear(struct keep_answer *answer)
{
    json_decref(answer->json);
    free(answer->decoded);
    *answer = (struct keep_answer){0};
}
