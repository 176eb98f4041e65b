#include "envelope.h"

#include "lamport.h"
#include "members.h"

#include <jansson.h>
#include <string.h>

int envelope_write(const struct envelope *envelope, json_t *members, char **text, size_t *length)
{
    json_t *message = json_pack("{s:i, s:s, s:s, s:I, s:s}", "v", ENVELOPE_VERSION, "farm",
                                envelope->farm, "from", envelope->from, "clock",
                                (json_int_t)envelope->clock, "time", envelope->time);
    int failed = !message || !members || json_object_update(message, members);

    json_decref(members);
    *text = failed ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (!*text)
        return -ERR_MEMORY;
    *length = strlen(*text);
    return 0;
}

int envelope_write_bare(const struct envelope *envelope, char **text, size_t *length)
{
    return envelope_write(envelope, json_object(), text, length);
}

static int read_head(const json_t *message, struct envelope *envelope, struct why *why)
{
    int64_t version;
    int error = members_integer(message, "v", 0, INT64_MAX, &version, why);

    if (!error && version != ENVELOPE_VERSION)
        error =
            error_set(why, ERR_INVALID, "a message of version %lld; this program speaks version %d",
                      (long long)version, ENVELOPE_VERSION);
    if (!error)
        error = members_text(message, "farm", envelope->farm, sizeof envelope->farm, why);
    if (!error)
        error = members_text(message, "from", envelope->from, sizeof envelope->from, why);
    if (!error)
        error = members_integer(message, "clock", 0, LAMPORT_MAX, &envelope->clock, why);
    if (!error)
        error = members_text(message, "time", envelope->time, sizeof envelope->time, why);
    return error;
}

int envelope_read(const char *bytes, size_t length, struct envelope *envelope, json_t **out,
                  struct why *why)
{
    json_t *message;

    if (length > ENVELOPE_MOST_BYTES)
        return error_set(why, ERR_INVALID, "a message of %zu bytes; at most %zu are read", length,
                         ENVELOPE_MOST_BYTES);
    int error = members_read(bytes, length, &message, why);
    if (error)
        return error;
    error = read_head(message, envelope, why);
    if (error)
        members_release(message);
    else
        *out = message;
    return error;
}
