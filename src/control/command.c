#include "command.h"

#include "fields.h"
#include "members.h"

#include <jansson.h>
#include <string.h>

static const char *const verbs[] = {
    [COMMAND_STATUS] = "status",   [COMMAND_SET] = "set",   [COMMAND_PAUSE] = "pause",
    [COMMAND_RESUME] = "resume",   [COMMAND_STOP] = "stop", [COMMAND_DRAIN] = "drain",
    [COMMAND_UNDRAIN] = "undrain",
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static const char *const outcomes[] = {
    [COMMAND_DONE] = "done",
    [COMMAND_MALFORMED] = "malformed",
    [COMMAND_STALE] = "stale",
    [COMMAND_REFUSED] = "refused",
};
#define OUTCOMES (sizeof outcomes / sizeof outcomes[0])

#define VERB_FORM    "status, set, pause, resume or stop, or of a node drain or undrain"
#define OUTCOME_FORM "done, malformed, stale or refused"

/* Which of some words a member is. */
static int read_word(const json_t *message, const char *name, const char *const *words,
                     size_t count, const char *form, size_t *index, struct why *why)
{
    char word[16];

    if (!members_text(message, name, word, sizeof word, NULL))
        for (*index = 0; *index < count; (*index)++)
            if (strcmp(word, words[*index]) == 0)
                return 0;
    return error_set(why, ERR_INVALID, "\"%s\" is not known; expected %s", name, form);
}

const char *command_verb_name(enum command_verb verb)
{
    return verbs[verb];
}

const char *command_outcome_name(enum command_outcome outcome)
{
    return outcomes[outcome];
}

/* ---- commands ---- */

static json_t *seen_of(const struct command_seen *seen)
{
    return json_pack("{s:I, s:I}", "epoch", (json_int_t)seen->epoch, "sequence",
                     (json_int_t)seen->sequence);
}

/* What "set" says of one of its numbers: the member, or nothing. Returns whether that worked. */
static bool put_number(json_t *members, const char *name, int64_t value)
{
    if (value == COMMAND_UNCHANGED)
        return true;
    return json_object_set_new(members, name,
                               value == COMMAND_NONE ? json_null() : json_integer(value)) == 0;
}

int command_write(const struct envelope *envelope, const struct command *command, char **text,
                  size_t *length)
{
    json_t *members = json_pack("{s:s}", "verb", verbs[command->verb]);
    bool made = members;

    if (command->verb != COMMAND_STATUS)
        made = made && json_object_set_new(members, "seen", seen_of(&command->seen)) == 0;
    if (command->verb == COMMAND_SET)
        made = made && put_number(members, "min", command->min_workers) &&
               put_number(members, "max", command->max_workers) &&
               put_number(members, "replicas", command->replicas);
    if (command->verb == COMMAND_STOP)
        made = made && json_object_set_new(members, "slot", json_integer(command->slot)) == 0;
    if (command->node[0])
        made = made && json_object_set_new(members, "node", fields_text(command->node)) == 0;
    if (!made) {
        json_decref(members);
        members = NULL;
    }
    return envelope_write(envelope, members, text, length);
}

static int read_number(const json_t *message, const char *name, int64_t least, bool may_be_null,
                       int64_t *value, struct why *why)
{
    enum members_kind kind = members_kind(message, name);

    *value = kind == MEMBERS_ABSENT ? COMMAND_UNCHANGED : COMMAND_NONE;
    if (kind == MEMBERS_ABSENT || (kind == MEMBERS_NULL && may_be_null))
        return 0;
    return members_integer(message, name, least, COMMAND_MOST_WORKERS, value, why);
}

static int read_set(const json_t *message, struct command *command, struct why *why)
{
    int error = read_number(message, "min", 0, false, &command->min_workers, why);

    if (!error)
        error = read_number(message, "max", 1, false, &command->max_workers, why);
    if (!error)
        error = read_number(message, "replicas", 0, true, &command->replicas, why);
    if (!error && command->min_workers == COMMAND_UNCHANGED &&
        command->max_workers == COMMAND_UNCHANGED && command->replicas == COMMAND_UNCHANGED)
        error = error_set(why, ERR_INVALID, "set without a number; expected min, max or replicas");
    if (!error && command->min_workers >= 0 && command->max_workers >= 0 &&
        command->min_workers > command->max_workers)
        error = error_set(why, ERR_INVALID, "min is greater than max; expected min <= max");
    return error;
}

static int read_seen(const json_t *message, struct command_seen *seen, struct why *why)
{
    const json_t *member;
    int error = members_object(message, "seen", &member, why);

    if (!error)
        error = members_integer(member, "epoch", 0, INT64_MAX, &seen->epoch, why);
    if (!error)
        error = members_integer(member, "sequence", 0, INT64_MAX, &seen->sequence, why);
    return error;
}

/* The node that the command is about, or that the slot is on. */
static int read_node(const json_t *message, struct command *command, struct why *why)
{
    bool must_be = command->verb != COMMAND_STOP;

    if (!must_be && members_kind(message, "node") == MEMBERS_ABSENT)
        return 0;
    int error = members_text(message, "node", command->node, sizeof command->node, why);
    if (error || node_name_is_valid(command->node))
        return error;
    return error_set(why, ERR_INVALID, "\"node\" is no name; expected " NODE_NAME_FORM);
}

int command_read(const json_t *message, struct command *command, struct why *why)
{
    size_t verb;
    int error = read_word(message, "verb", verbs, VERBS, VERB_FORM, &verb, why);

    if (error)
        return error;
    *command = (struct command){.verb = (enum command_verb)verb,
                                .min_workers = COMMAND_UNCHANGED,
                                .max_workers = COMMAND_UNCHANGED,
                                .replicas = COMMAND_UNCHANGED};
    if (verb != COMMAND_STATUS)
        error = read_seen(message, &command->seen, why);
    if (!error && verb == COMMAND_SET)
        error = read_set(message, command, why);
    if (!error && verb == COMMAND_STOP)
        error = members_integer(message, "slot", 0, INT32_MAX, &command->slot, why);
    if (!error && verb >= COMMAND_STOP)
        error = read_node(message, command, why);
    return error;
}

/* ---- answers ---- */

int command_write_answer(const struct envelope *envelope, const struct command_answer *answer,
                         char **text, size_t *length)
{
    return envelope_write(envelope,
                          json_pack("{s:s, s:o}", "outcome", outcomes[answer->outcome], "reason",
                                    fields_text(answer->reason)),
                          text, length);
}

int command_read_answer(const json_t *message, struct command_answer *answer, struct why *why)
{
    size_t outcome;
    int error = read_word(message, "outcome", outcomes, OUTCOMES, OUTCOME_FORM, &outcome, why);

    if (!error)
        error = members_text(message, "reason", answer->reason, sizeof answer->reason, why);
    if (!error)
        answer->outcome = (enum command_outcome)outcome;
    return error;
}
