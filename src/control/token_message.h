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

/* The greatest epoch that is read. It leaves room to count on, and is exact in every reader of
 * JSON. */
#define TOKEN_EPOCH_MAX INT64_C(9007199254740991)

#define TOKEN_OWNER_SIZE 128
struct token_message {
    enum token_kind kind;
    int64_t epoch;                /* 0..TOKEN_EPOCH_MAX */
    char owner[TOKEN_OWNER_SIZE]; /* the process that sent it; not empty */
};

/* As envelope_write; and as members of the message: {"kind":"knock","epoch":17,"owner":"..."}. */
int token_message_write(const struct envelope *envelope, const struct token_message *token,
                        char **text, size_t *length);

/* From a message that envelope_read has read. 0, or -ERR_INVALID with the member, and what was
 * expected; then nothing is written. */
int token_message_read(const struct json_t *message, struct token_message *token, struct why *why);

#endif
