/* token_message.h - what the candidates for the leadership of a farm put into FARM.leader. */
#ifndef WINNOW_TOKEN_MESSAGE_H
#define WINNOW_TOKEN_MESSAGE_H

#include "envelope.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct json_t;

enum token_kind {
    /* Wakes whoever the queue is handed to, and tells the greatest epoch that was heard of. */
    TOKEN_KNOCK,
    /* The token: its owner leads under its epoch once the queue hands it back to him. */
    TOKEN_CLAIM,
};

/* Epochs are so many to the millisecond of the wall clock. */
#define TOKEN_EPOCHS_PER_MS INT64_C(1000)

/* The greatest epoch, and the greatest sequence: it is exact in every reader of JSON. */
#define TOKEN_EPOCH_MAX INT64_C(9007199254740991)

/* An epoch that is further ahead of the reader's clock is not believed: it would use up those that
 * are left, and everybody counts on from what he has heard. Epochs that are counted on grow more
 * slowly than this bound moves on, and no clock is so far off by itself: one that starts in 1970
 * believes what others say until 2070. */
#define TOKEN_AHEAD_MOST_MS (INT64_C(100) * 365 * 86400 * 1000)

#define TOKEN_OWNER_SIZE 128
struct token_message {
    enum token_kind kind;
    int64_t epoch;                /* as token_message_check_epoch */
    char owner[TOKEN_OWNER_SIZE]; /* the process that sent it; not empty */
};

/* Whether an epoch in a message can be one of a farm's, by the wall clock as it is now. 0, or
 * -ERR_INVALID with what was expected. */
int token_message_check_epoch(int64_t epoch, struct why *why);

/* As envelope_write; and as members of the message: {"kind":"knock","epoch":17,"owner":"..."}. */
int token_message_write(const struct envelope *envelope, const struct token_message *token,
                        char **text, size_t *length);

/* From a message that envelope_read has read. 0, or -ERR_INVALID with the member, and what was
 * expected; then nothing is written. */
int token_message_read(const struct json_t *message, struct token_message *token, struct why *why);

#endif
