/* command.h - what a farm's leader is told to do, and what it answers. */
#ifndef WINNOW_COMMAND_H
#define WINNOW_COMMAND_H

#include "envelope.h"
#include "error.h"
#include "node_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command_verb {
    COMMAND_STATUS,  /* send the status from now on, as long as somebody is bound to it */
    COMMAND_SET,     /* other limits, or a fixed number of workers */
    COMMAND_PAUSE,   /* the number of workers stays as it is */
    COMMAND_RESUME,  /* it is decided again */
    COMMAND_STOP,    /* one worker drains, and another takes its place if the number asks for it */
    COMMAND_DRAIN,   /* a node is to run nothing: its share goes to others */
    COMMAND_UNDRAIN, /* it gets its share again */
};

/* As "set" may say of each of its numbers. These are 0 to COMMAND_MOST_WORKERS; max is at least 1.
 */
#define COMMAND_UNCHANGED (-1) /* the member is absent */
#define COMMAND_NONE      (-2) /* null: replicas are no longer fixed */

#define COMMAND_MOST_WORKERS 1000

/* The last status that the sender has seen: a leader refuses what is said to an old one. */
struct command_seen {
    int64_t epoch, sequence;
};

struct command {
    enum command_verb verb;
    struct command_seen seen;                   /* all verbs but COMMAND_STATUS */
    int64_t min_workers, max_workers, replicas; /* COMMAND_SET */
    int64_t slot;                               /* COMMAND_STOP */
    /* COMMAND_DRAIN and COMMAND_UNDRAIN; of COMMAND_STOP where the slot is, empty of a farm on one
     * host. */
    char node[NODE_NAME_SIZE];
};

const char *command_verb_name(enum command_verb verb);

/* As envelope_write; and as members of the message: {"verb":"set","min":2,"replicas":null,
 * "seen":{"epoch":1,"sequence":42}}. */
int command_write(const struct envelope *envelope, const struct command *command, char **text,
                  size_t *length);

/* Reads a command from a message that envelope_read has read. 0, or -ERR_INVALID with the member,
 * and what was expected. Whether the farm can do it is not looked at, but that min is at most
 * max. */
struct json_t;
int command_read(const struct json_t *message, struct command *command, struct why *why);

/* The answer. */
enum command_outcome {
    COMMAND_DONE,
    COMMAND_MALFORMED, /* no command that is known */
    COMMAND_STALE,     /* said to a status that is too old, or of another leader */
    COMMAND_REFUSED,   /* out of this farm's range, or not possible as it is now */
};

const char *command_outcome_name(enum command_outcome outcome);

struct command_answer {
    enum command_outcome outcome;
    char reason[256]; /* for people; empty when done */
};

/* {"outcome":"refused","reason":"..."} */
int command_write_answer(const struct envelope *envelope, const struct command_answer *answer,
                         char **text, size_t *length);
int command_read_answer(const struct json_t *message, struct command_answer *answer,
                        struct why *why);

#endif
