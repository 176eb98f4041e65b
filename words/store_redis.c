#include "clock.h"
#include "redis_link.h"
#include "store_kind.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SCHEMA "1"

#define NUMBER_SIZE 24

/* A script's answer: {version, on, known, unknown, found}. What was found is a text of lines, or of
 * a turn its members. */
enum { AT_VERSION, AT_ON, AT_KNOWN, AT_UNKNOWN, AT_FOUND, ANSWER_SIZE };

struct redis {
    struct store store;
    struct redis_link link;
    char *farm;
    char id[NUMBER_SIZE]; /* of the store: a new one in its place has another */
    int64_t seen;         /* the highest version; one that is lower is refused */
};

static struct redis *redis_of(struct store *store)
{
    return (struct redis *)store;
}

static int out_of_memory(struct why *why)
{
    return error_set(why, ERR_MEMORY, "out of memory");
}

/* ---- a command: the script with its arguments ---- */

struct command {
    struct redis_text *words;
    size_t count, capacity;
    /* What is written for it alone. */
    char numbers[8][NUMBER_SIZE];
    size_t number_count;
    char *low, *high; /* of a list */
};

static int put(struct command *command, const char *bytes, size_t length)
{
    if (command->count == command->capacity) {
        size_t capacity = command->capacity ? 2 * command->capacity : 32;
        struct redis_text *words = realloc(command->words, capacity * sizeof *words);
        if (!words)
            return -ERR_MEMORY;
        command->words = words;
        command->capacity = capacity;
    }
    command->words[command->count++] = (struct redis_text){bytes, length};
    return 0;
}

static int put_text(struct command *command, const char *text)
{
    return put(command, text, strlen(text));
}

static int put_number(struct command *command, int64_t number)
{
    char *text = command->numbers[command->number_count++];

    snprintf(text, NUMBER_SIZE, "%" PRId64, number);
    return put_text(command, text);
}

static int begin(struct command *command, const struct redis *redis, const char *verb)
{
    static const char *const head[] = {"3", "winnow:words", "winnow:words:entries",
                                       "winnow:words:insults"};

    *command = (struct command){0};
    int error = put_text(command, "EVALSHA");
    if (!error)
        error = put(command, redis->link.script, sizeof redis->link.script);
    for (size_t i = 0; !error && i < sizeof head / sizeof head[0]; i++)
        error = put_text(command, head[i]);
    if (!error)
        error = put_text(command, verb);
    if (!error)
        error = put_text(command, redis->farm);
    if (!error)
        error = put_text(command, redis->id);
    return error ? error : put_number(command, redis->seen);
}

static void end(struct command *command)
{
    free(command->words);
    free(command->low);
    free(command->high);
}

static int put_entries(struct command *command, const struct store_operation *operation)
{
    const struct lines *entries = &operation->entries;
    struct lines_entry entry;
    int error = 0;

    for (size_t at = 0; !error && lines_next(entries, &at, &entry);) {
        const char *severity = entry.text + entry.length + 1;
        error = put(command, entry.text, entry.length);
        if (!error)
            error = put(command, severity, (size_t)(entries->bytes + at - 1 - severity));
    }
    return error;
}

/* A bound of a range of lines: its kind, a text, and what stands behind that; NULL when out of
 * memory. */
static char *bound(char kind, const char *text, size_t length, const char *behind)
{
    size_t behind_length = strlen(behind);
    char *whole = malloc(1 + length + behind_length);

    if (!whole)
        return NULL;
    whole[0] = kind;
    if (length)
        memcpy(whole + 1, text, length);
    memcpy(whole + 1 + length, behind, behind_length);
    return whole;
}

/* From the prefix on, or from the entry behind which they stand, whichever comes later: behind the
 * lines of that entry, in which digits follow the tab. No line has the byte 0xff. */
static int put_range(struct command *command, const struct store_operation *operation)
{
    const struct lines_entry prefix = {operation->prefix, operation->prefix_length, 0};
    const struct lines_entry after = {operation->after, operation->after_length, 0};
    bool from_after = lines_compare(&after, &prefix) >= 0 && after.length;
    /* One more than wanted tells whether there are more. */
    int64_t count = operation->limit < INT32_MAX ? (int64_t)operation->limit + 1 : -1;

    command->low = from_after ? bound('(', after.text, after.length, "\t:")
                              : bound('[', prefix.text, prefix.length, "");
    command->high = bound('[', prefix.text, prefix.length, "\xff");
    if (!command->low || !command->high)
        return -ERR_MEMORY;
    size_t low = 1 + (from_after ? after.length + 2 : prefix.length);
    int error = put(command, command->low, low);
    if (!error)
        error = put(command, command->high, 1 + prefix.length + 1);
    return error ? error : put_number(command, count);
}

/* ---- answers ---- */

static bool is_answer(const redisReply *reply)
{
    bool is = reply->type == REDIS_REPLY_ARRAY && reply->elements == ANSWER_SIZE;

    for (size_t i = 0; is && i < AT_FOUND; i++)
        is = reply->element[i]->type == REDIS_REPLY_INTEGER;
    return is;
}

/* Takes the answer to a command; reply is to be freed after a success. */
static int take(struct redis *redis, redisReply **reply, struct why *why)
{
    int error = redis_link_take(&redis->link, reply, why);

    if (error)
        return error;
    if (!is_answer(*reply)) {
        redis_link_free(*reply);
        return error_set(why, ERR_CONFIG, "%s: no store of Winnow", redis->store.name);
    }
    int64_t version = (*reply)->element[AT_VERSION]->integer;
    if (version > redis->seen)
        redis->seen = version;
    return 0;
}

/* Each line of the text ends with a newline. */
static int take_entries(const redisReply *found, struct store_operation *operation)
{
    bool is_list = operation->verb == STORE_LIST;
    const char *line = found->str, *end = line + found->len, *newline;
    int error = 0;

    while (!error && !operation->more && (newline = memchr(line, '\n', (size_t)(end - line)))) {
        operation->more = is_list && (operation->found.count == operation->limit ||
                                      operation->found.length >= operation->most_bytes);
        if (!operation->more)
            error = lines_add_line(&operation->found, line, (size_t)(newline - line));
        line = newline + 1;
    }
    return error;
}

static int take_operation(struct redis *redis, struct store_operation *operation, struct why *why)
{
    redisReply *reply;
    int error = take(redis, &reply, why);

    if (error)
        return error;
    operation->version = reply->element[AT_VERSION]->integer;
    operation->on = reply->element[AT_ON]->integer != 0;
    operation->known = (size_t)reply->element[AT_KNOWN]->integer;
    operation->unknown = (size_t)reply->element[AT_UNKNOWN]->integer;
    if (reply->element[AT_FOUND]->type == REDIS_REPLY_STRING)
        error = take_entries(reply->element[AT_FOUND], operation);
    redis_link_free(reply);
    return error ? out_of_memory(why) : 0;
}

/* ---- operations ---- */

static const char *verb_of(const struct store_operation *operation)
{
    switch (operation->verb) {
    case STORE_ADD:
        return "add";
    case STORE_REMOVE:
        return "remove";
    case STORE_LIST:
        return "list";
    case STORE_RANDOM:
        return "random";
    case STORE_BROADCAST:
    default:
        return operation->to == STORE_START  ? "start"
               : operation->to == STORE_STOP ? "stop"
                                             : "ask";
    }
}

static int send_command(struct redis *redis, struct command *command, int error, struct why *why)
{
    error = error ? out_of_memory(why)
                  : redis_link_send(&redis->link, command->words, command->count, why);
    end(command);
    return error;
}

static int send_operation(struct redis *redis, const struct store_operation *operation,
                          struct why *why)
{
    struct command command;
    int error = begin(&command, redis, verb_of(operation));

    if (!error && (operation->verb == STORE_ADD || operation->verb == STORE_REMOVE))
        error = put_entries(&command, operation);
    else if (!error && operation->verb == STORE_LIST)
        error = put_range(&command, operation);
    else if (!error && operation->verb == STORE_RANDOM)
        error = put_number(&command, (int64_t)operation->limit);
    return send_command(redis, &command, error, why);
}

/* Enough to keep Redis busy for a second or two on a busy machine. */
#define LARGE_BYTES (256u << 10)

static bool are_large(struct store_operation *const *operations, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += operations[i]->verb == STORE_LIST ? LARGE_BYTES : operations[i]->entries.length;
    return bytes >= LARGE_BYTES;
}

/* All are sent at once, so that Redis syncs its file once for all of them. Each has its answer, and
 * the first error counts. */
static int apply_once(struct redis *redis, struct store_operation *const *operations, size_t count,
                      struct why *why)
{
    size_t sent = 0;
    int error = redis_link_connect(&redis->link, why);

    if (!error)
        redis_link_be_patient(&redis->link, are_large(operations, count));
    for (; !error && sent < count; sent += !error)
        error = send_operation(redis, operations[sent], why);
    for (size_t i = 0; i < sent && redis->link.context; i++) {
        struct why own;
        int own_error = take_operation(redis, operations[i], &own);
        if (own_error && !error) {
            error = own_error;
            *why = own;
        }
    }
    return error;
}

static void forget_results(struct store_operation *operation)
{
    lines_clear(&operation->found);
    operation->more = false;
}

static int redis_apply(struct store *store, struct store_operation *const *operations, size_t count,
                       struct why *why)
{
    struct redis *redis = redis_of(store);
    bool was_connected = redis->link.context != NULL;
    int error = apply_once(redis, operations, count, why);

    /* A connection that had broken unnoticed is no reason to refuse anything. */
    if (error == -ERR_UNAVAILABLE && was_connected) {
        for (size_t i = 0; i < count; i++)
            forget_results(operations[i]);
        error = apply_once(redis, operations, count, why);
    }
    return error;
}

/* ---- turns ---- */

static int call_once(struct redis *redis, const struct command *command, redisReply **reply,
                     struct why *why)
{
    int error = redis_link_connect(&redis->link, why);

    if (!error)
        redis_link_be_patient(&redis->link, false);
    if (!error)
        error = redis_link_send(&redis->link, command->words, command->count, why);
    return error ? error : take(redis, reply, why);
}

/* Sends a command that was begun, and takes its answer; over a new connection where the old one had
 * broken unnoticed. A swap that was done all the same then looks as if another instance had been
 * faster, and does no more harm than that. */
static int call(struct redis *redis, struct command *command, int error, redisReply **reply,
                struct why *why)
{
    bool was_connected = redis->link.context != NULL;

    error = error ? out_of_memory(why) : call_once(redis, command, reply, why);
    if (error == -ERR_UNAVAILABLE && was_connected)
        error = call_once(redis, command, reply, why);
    end(command);
    return error;
}

static bool is_turn(const redisReply *found)
{
    bool is = found->type == REDIS_REPLY_ARRAY && found->elements == 5;

    for (size_t i = 0; is && i < found->elements; i++)
        is = found->element[i]->type == REDIS_REPLY_STRING;
    return is;
}

static int64_t number_in(const redisReply *found, size_t index)
{
    return strtoll(found->element[index]->str, NULL, 10);
}

static int redis_look(struct store *store, struct store_state *state, struct why *why)
{
    struct redis *redis = redis_of(store);
    struct command command;
    redisReply *reply;
    int error = begin(&command, redis, "look");

    error = call(redis, &command, error, &reply, why);
    if (error)
        return error;
    const redisReply *found = reply->element[AT_FOUND];
    bool whole = is_turn(found);
    if (whole) {
        *state = (struct store_state){
            .version = reply->element[AT_VERSION]->integer,
            .on = reply->element[AT_ON]->integer != 0,
            .turn = {.due_ns = number_in(found, 1), .free_ns = number_in(found, 2)},
            .now_ns = number_in(found, 3) * CLOCK_NS_PER_S + number_in(found, 4) * 1000};
        snprintf(state->turn.holder, sizeof state->turn.holder, "%s", found->element[0]->str);
    }
    redis_link_free(reply);
    return whole ? 0 : error_set(why, ERR_CONFIG, "%s: no store of Winnow", redis->store.name);
}

static int put_turn(struct command *command, const struct store_turn *turn)
{
    int error = put_text(command, turn->holder);

    if (!error)
        error = put_number(command, turn->due_ns);
    return error ? error : put_number(command, turn->free_ns);
}

static int redis_swap_turn(struct store *store, const struct store_turn *from,
                           const struct store_turn *to, bool *swapped, struct why *why)
{
    struct redis *redis = redis_of(store);
    struct command command;
    redisReply *reply;
    int error = begin(&command, redis, "swap");

    *swapped = false;
    if (!error)
        error = put_turn(&command, from);
    if (!error)
        error = put_turn(&command, to);
    error = call(redis, &command, error, &reply, why);
    if (error)
        return error;
    *swapped = reply->element[AT_KNOWN]->integer == 1;
    redis_link_free(reply);
    return 0;
}

/* ---- the beginning and the end ---- */

static void redis_close(struct store *store)
{
    struct redis *redis = redis_of(store);

    redis_link_close(&redis->link);
    free(redis->farm);
    free(redis);
}

static const struct store_kind kind = {
    .apply = redis_apply, .look = redis_look, .swap_turn = redis_swap_turn, .close = redis_close};

/* Whose store it is, {farm, schema, identity}, which is made where there is none. */
static int check_owner(struct redis *redis, const redisReply *owner, struct why *why)
{
    const char *own[3];

    for (size_t i = 0; i < 3; i++) {
        bool is_text = owner->type == REDIS_REPLY_ARRAY && owner->elements == 3 &&
                       owner->element[i]->type == REDIS_REPLY_STRING;
        own[i] = is_text ? owner->element[i]->str : "";
    }
    if (strcmp(own[1], SCHEMA) != 0)
        return error_set(why, ERR_CONFIG, "%s: of schema '%s'; this program knows " SCHEMA,
                         redis->store.name, own[1]);
    if (strcmp(own[0], redis->farm) != 0)
        return error_set(why, ERR_CONFIG, "%s: the words of the farm '%s', not of '%s'",
                         redis->store.name, own[0], redis->farm);
    snprintf(redis->id, sizeof redis->id, "%s", own[2]);
    return 0;
}

static int sign(struct redis *redis, struct why *why)
{
    struct command command;
    redisReply *reply;
    uint64_t id = (uint64_t)clock_wall_ms();
    int error = redis_link_connect(&redis->link, why);

    if (error)
        return error;
    if (getrandom(&id, sizeof id, 0) < 0)
        id ^= (uint64_t)clock_now_ns();
    snprintf(redis->id, sizeof redis->id, "%016" PRIx64, id);
    error = send_command(redis, &command, begin(&command, redis, "open"), why);
    if (!error)
        error = redis_link_take(&redis->link, &reply, why);
    if (error)
        return error;
    error = check_owner(redis, reply, why);
    redis_link_free(reply);
    return error;
}

int store_redis_open(const char *url, const char *farm, bool relaxed, struct store **store,
                     struct why *why)
{
    struct redis *redis = calloc(1, sizeof *redis);

    if (!redis)
        return out_of_memory(why);
    redis->store.kind = &kind;
    redis->farm = strdup(farm);
    int error = redis->farm ? redis_link_init(&redis->link, url, relaxed, why) : out_of_memory(why);
    redis->store.name = redis->link.name;
    if (!error)
        error = sign(redis, why);
    if (error)
        redis_close(&redis->store);
    else
        *store = &redis->store;
    return error;
}
