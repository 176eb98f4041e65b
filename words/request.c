#include "request.h"

#include "control/members.h"
#include "filter/wordlist.h"
#include "units.h"

#include <stdint.h>
#include <string.h>

#define TEXT_SIZE 32 /* of a count or "start" */

/* A longer list comes in pieces, even when it was asked for without a limit. */
#define LIST_MOST_BYTES ((size_t)32 << 20)

static const char *const verbs[] = {
    [STORE_ADD] = "add",       [STORE_REMOVE] = "remove",       [STORE_LIST] = "list",
    [STORE_RANDOM] = "random", [STORE_BROADCAST] = "broadcast",
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static bool is(struct broker_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.bytes, text, bytes.length) == 0;
}

static int read_entries(struct request *request, struct broker_bytes body)
{
    struct lines *entries = &request->operation.entries;
    int error = lines_read(entries, body.bytes, body.length, &request->repeated, &request->fault);

    if (!error && !entries->count)
        error = error_set(&request->fault.why, ERR_INVALID,
                          "no entry; expected words or phrases, one a line");
    return error;
}

/* The texts that a list is asked for by are no longer than an entry. */
static int read_list(struct request *request, struct broker_bytes body)
{
    struct store_operation *operation = &request->operation;
    struct why *why = &request->fault.why;
    int64_t limit = INT64_MAX;

    operation->limit = SIZE_MAX;
    operation->most_bytes = LIST_MOST_BYTES;
    if (!body.length)
        return 0;
    int error = members_read(body.bytes, body.length, &request->members, why);
    if (!error && members_kind(request->members, "limit") != MEMBERS_ABSENT)
        error = members_integer(request->members, "limit", 1, INT64_MAX, &limit, why);
    if (!error && members_kind(request->members, "prefix") != MEMBERS_ABSENT)
        error = members_string(request->members, "prefix", &operation->prefix,
                               &operation->prefix_length, why);
    if (!error && members_kind(request->members, "after") != MEMBERS_ABSENT)
        error = members_string(request->members, "after", &operation->after,
                               &operation->after_length, why);
    operation->limit = (size_t)limit;
    return error;
}

/* A short text; empty when it is too long or has a NUL. */
static void copy_text(struct broker_bytes body, char text[TEXT_SIZE])
{
    bool fits = body.length < TEXT_SIZE && (!body.length || !memchr(body.bytes, 0, body.length));

    if (fits && body.length)
        memcpy(text, body.bytes, body.length);
    text[fits ? body.length : 0] = '\0';
}

static int read_random(struct request *request, struct broker_bytes body)
{
    char text[TEXT_SIZE];
    uint64_t count = 1;

    copy_text(body, text);
    if (body.length && (units_parse_count(text, &count) || !count || count > STORE_RANDOM_MOST))
        return error_set(&request->fault.why, ERR_INVALID,
                         "not a count of entries; expected 1 to %d, or nothing for one",
                         STORE_RANDOM_MOST);
    request->operation.limit = (size_t)count;
    return 0;
}

static int read_broadcast(struct request *request, struct broker_bytes body)
{
    request->operation.to = is(body, "start")  ? STORE_START
                            : is(body, "stop") ? STORE_STOP
                                               : STORE_ASK;
    if (request->operation.to == STORE_ASK && body.length)
        return error_set(&request->fault.why, ERR_INVALID,
                         "not to be understood; expected start, stop, or nothing to ask");
    return 0;
}

int request_read(struct request *request, struct broker_bytes type, struct broker_bytes body)
{
    *request = (struct request){0};
    enum store_verb verb = STORE_ADD;
    while (verb < VERBS && !(type.bytes && is(type, verbs[verb])))
        verb++;
    request->operation.verb = verb;
    switch (verb) {
    case STORE_ADD:
    case STORE_REMOVE:
        return read_entries(request, body);
    case STORE_LIST:
        return read_list(request, body);
    case STORE_RANDOM:
        return read_random(request, body);
    case STORE_BROADCAST:
        return read_broadcast(request, body);
    default:
        return error_set(&request->fault.why, ERR_INVALID,
                         "the property type is '%.*s'; expected add, remove, list, random or "
                         "broadcast",
                         (int)type.length, type.bytes ? type.bytes : "");
    }
}

void request_clear(struct request *request)
{
    store_clear_operation(&request->operation);
    members_release(request->members);
}
