#include "request_body.h"

#include "clock.h"
#include "control/members.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MOST_S   60
#define PROPERTY_MOST 255 /* bytes of a message's property */
#define TEXT_TYPE     "text/plain"
#define JSON_TYPE     "application/json"

/* ---- commands ---- */

int request_body_read_seen(const struct json_t *body, bool *has_seen, struct command_seen *seen,
                           struct why *why)
{
    const struct json_t *member;

    *has_seen = members_kind(body, "seen") != MEMBERS_ABSENT;
    if (!*has_seen)
        return 0;
    int error = members_object(body, "seen", &member, why);
    if (!error)
        error = members_integer(member, "epoch", 0, INT64_MAX, &seen->epoch, why);
    if (!error)
        error = members_integer(member, "sequence", 0, INT64_MAX, &seen->sequence, why);
    return error;
}

static int read_number(const struct json_t *spec, const char *name, int64_t least, int64_t *value,
                       struct why *why)
{
    *value = COMMAND_UNCHANGED;
    return members_kind(spec, name) == MEMBERS_ABSENT
               ? 0
               : members_integer(spec, name, least, COMMAND_MOST_WORKERS, value, why);
}

static int read_replicas(const struct json_t *spec, int64_t *value, struct why *why)
{
    if (members_kind(spec, "replicas") != MEMBERS_NULL)
        return read_number(spec, "replicas", 0, value, why);
    *value = COMMAND_NONE;
    return 0;
}

static int read_set(const struct json_t *spec, struct command *set, struct why *why)
{
    *set = (struct command){.verb = COMMAND_SET};
    int error = read_number(spec, "min", 0, &set->min_workers, why);
    if (!error)
        error = read_number(spec, "max", 1, &set->max_workers, why);
    if (!error)
        error = read_replicas(spec, &set->replicas, why);
    if (!error && set->min_workers >= 0 && set->max_workers >= 0 &&
        set->min_workers > set->max_workers)
        error = error_set(why, ERR_INVALID, "min is greater than max; expected min <= max");
    return error;
}

int request_body_read_scale(const struct json_t *body, struct command *list, size_t *count,
                            struct why *why)
{
    const struct json_t *spec;
    struct command set;
    bool paused;
    int error = members_object(body, "spec", &spec, why);

    *count = 0;
    if (!error)
        error = read_set(spec, &set, why);
    if (error)
        return error;
    if (set.min_workers != COMMAND_UNCHANGED || set.max_workers != COMMAND_UNCHANGED ||
        set.replicas != COMMAND_UNCHANGED)
        list[(*count)++] = set;
    if (members_kind(spec, "paused") != MEMBERS_ABSENT) {
        error = members_bool(spec, "paused", &paused, why);
        if (error)
            return error;
        list[(*count)++] = (struct command){.verb = paused ? COMMAND_PAUSE : COMMAND_RESUME};
    }
    return *count ? 0
                  : error_set(why, ERR_INVALID,
                              "\"spec\" says nothing; expected min, max, replicas or paused");
}

/* ---- events ---- */

/* A property's text; *text stays NULL when it is absent. */
static int read_property(const struct json_t *body, const char *name, const char **text,
                         struct why *why)
{
    size_t length;

    *text = NULL;
    if (members_kind(body, name) == MEMBERS_ABSENT)
        return 0;
    int error = members_string(body, name, text, &length, why);
    if (!error && (!length || length > PROPERTY_MOST))
        error = error_set(why, ERR_INVALID, "\"%s\": expected 1 to %d bytes", name, PROPERTY_MOST);
    return error;
}

static int read_wait(const struct json_t *body, int64_t *wait_ns, struct why *why)
{
    double wait_s = 0;
    int error = members_kind(body, "wait_s") == MEMBERS_ABSENT
                    ? 0
                    : members_real(body, "wait_s", &wait_s, why);

    if (!error && !(wait_s >= 0 && wait_s <= WAIT_MOST_S))
        error = error_set(why, ERR_INVALID, "\"wait_s\": expected 0 to %d", WAIT_MOST_S);
    if (!error)
        *wait_ns = (int64_t)(wait_s * (double)CLOCK_NS_PER_S);
    return error;
}

static int read_text(const struct json_t *body, struct post *post, struct why *why)
{
    const char *text;
    int error = members_string(body, "text", &text, &post->length, why);

    if (error)
        return error;
    post->content_type = TEXT_TYPE;
    post->body = malloc(post->length + 1);
    if (!post->body)
        return error_set(why, ERR_MEMORY, "out of memory");
    memcpy(post->body, text, post->length + 1);
    return 0;
}

static int read_json(const struct json_t *body, struct post *post, struct why *why)
{
    const struct json_t *object;
    int error = members_object(body, "json", &object, why);

    if (error)
        return error;
    post->content_type = JSON_TYPE;
    post->body = members_write(object);
    if (!post->body)
        return error_set(why, ERR_MEMORY, "out of memory");
    post->length = strlen(post->body);
    return 0;
}

int request_body_read_event(const struct json_t *body, struct post *post, struct why *why)
{
    bool has_text = members_kind(body, "text") != MEMBERS_ABSENT;
    bool has_json = members_kind(body, "json") != MEMBERS_ABSENT;

    *post = (struct post){0};
    if (has_text == has_json)
        return error_set(why, ERR_INVALID, "expected either \"text\" or \"json\"");
    int error = read_property(body, "type", &post->type, why);
    if (!error)
        error = read_property(body, "message_id", &post->message_id, why);
    if (!error)
        error = read_wait(body, &post->wait_ns, why);
    if (!error)
        error = has_text ? read_text(body, post, why) : read_json(body, post, why);
    return error;
}
