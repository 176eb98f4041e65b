#include "word_answer.h"

#include "buffer.h"
#include "clock.h"
#include "control/fields.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Takes the object, which may be NULL. */
static int put_object(struct word_answer *answer, json_t *object)
{
    size_t length = object ? json_dumpb(object, answer->bytes, answer->capacity, JSON_COMPACT) : 0;
    int error = length ? 0 : -ERR_MEMORY;

    if (length > answer->capacity) {
        if (buffer_reserve(&answer->bytes, &answer->capacity, length))
            json_dumpb(object, answer->bytes, answer->capacity, JSON_COMPACT);
        else
            error = -ERR_MEMORY;
    }
    answer->length = length;
    json_decref(object);
    return error;
}

int word_answer_fault(struct word_answer *answer, const struct lines_fault *fault)
{
    json_t *reason = fields_text(fault->why.text);

    return put_object(answer, fault->line ? json_pack("{s:{s:I, s:o}}", "error", "line",
                                                      (json_int_t)fault->line, "reason", reason)
                                          : json_pack("{s:{s:o}}", "error", "reason", reason));
}

/* ---- entries: a list may have a hundred thousand, so no tree is made of them ---- */

static int put(struct word_answer *answer, const char *text)
{
    size_t length = strlen(text);

    if (!buffer_reserve(&answer->bytes, &answer->capacity, answer->length + length + 1))
        return -ERR_MEMORY;
    memcpy(answer->bytes + answer->length, text, length + 1);
    answer->length += length;
    return 0;
}

static int put_text(struct word_answer *answer, const char *text, size_t length)
{
    json_t *string = json_stringn_nocheck(text, length);
    /* Six bytes for each at most, as , and the quotes. */
    size_t most = 6 * length + 2;
    int error = string && buffer_reserve(&answer->bytes, &answer->capacity, answer->length + most)
                    ? 0
                    : -ERR_MEMORY;

    if (!error)
        answer->length += json_dumpb(string, answer->bytes + answer->length,
                                     answer->capacity - answer->length, JSON_ENCODE_ANY);
    json_decref(string);
    return error;
}

static int put_entries(struct word_answer *answer, const struct store_operation *operation)
{
    struct lines_entry entry;
    char text[64];
    const char *comma = "";

    answer->length = 0;
    snprintf(text, sizeof text, "{\"version\":%lld,\"entries\":[", (long long)operation->version);
    int error = put(answer, text);
    for (size_t at = 0; !error && lines_next(&operation->found, &at, &entry); comma = ",") {
        error = put(answer, comma);
        if (!error)
            error = put(answer, "{\"entry\":");
        if (!error)
            error = put_text(answer, entry.text, entry.length);
        snprintf(text, sizeof text, ",\"severity\":%d}", (int)entry.severity);
        if (!error)
            error = put(answer, text);
    }
    if (error)
        return error;
    return put(answer, operation->verb == STORE_RANDOM ? "]}"
                       : operation->more               ? "],\"more\":true}"
                                                       : "],\"more\":false}");
}

int word_answer_write(struct word_answer *answer, const struct request *request,
                      int64_t broadcast_every_ns)
{
    const struct store_operation *operation = &request->operation;
    json_int_t known = (json_int_t)operation->known, unknown = (json_int_t)operation->unknown;
    json_int_t repeated = (json_int_t)request->repeated;
    json_int_t version = operation->version;

    switch (operation->verb) {
    case STORE_ADD:
        return put_object(answer, json_pack("{s:I, s:I, s:I}", "added", unknown, "known",
                                            known + repeated, "version", version));
    case STORE_REMOVE:
        return put_object(answer, json_pack("{s:I, s:I, s:I}", "removed", known, "unknown",
                                            unknown + repeated, "version", version));
    case STORE_BROADCAST:
        return put_object(answer, json_pack("{s:b, s:f}", "broadcast", operation->on, "every_s",
                                            (double)broadcast_every_ns / (double)CLOCK_NS_PER_S));
    case STORE_LIST:
    case STORE_RANDOM:
    default:
        return put_entries(answer, operation);
    }
}
