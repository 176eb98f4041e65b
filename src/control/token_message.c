#include "token_message.h"

#include "clock.h"
#include "fields.h"
#include "members.h"

#include <jansson.h>
#include <string.h>

static const char *const kinds[] = {[TOKEN_KNOCK] = "knock", [TOKEN_CLAIM] = "token"};
#define KINDS (sizeof kinds / sizeof kinds[0])

int token_message_check_epoch(int64_t epoch, struct why *why)
{
    int64_t wall_ms = clock_wall_ms();

    if (epoch < 0 || epoch > TOKEN_EPOCH_MAX)
        return error_set(why, ERR_INVALID, "\"epoch\" is %lld; expected 0 to %lld",
                         (long long)epoch, (long long)TOKEN_EPOCH_MAX);
    if (epoch / TOKEN_EPOCHS_PER_MS - TOKEN_AHEAD_MOST_MS > wall_ms)
        return error_set(why, ERR_INVALID,
                         "\"epoch\" is %lld, more than 100 years ahead of this host's clock",
                         (long long)epoch);
    return 0;
}

int token_message_write(const struct envelope *envelope, const struct token_message *token,
                        char **text, size_t *length)
{
    json_t *members = json_pack("{s:s, s:I, s:o}", "kind", kinds[token->kind], "epoch",
                                (json_int_t)token->epoch, "owner", fields_text(token->owner));

    return envelope_write(envelope, members, text, length);
}

static int read_kind(const json_t *message, enum token_kind *kind, struct why *why)
{
    char name[16];

    if (!members_text(message, "kind", name, sizeof name, NULL))
        for (size_t i = 0; i < KINDS; i++)
            if (strcmp(name, kinds[i]) == 0) {
                *kind = (enum token_kind)i;
                return 0;
            }
    return error_set(why, ERR_INVALID, "\"kind\" is not known; expected knock or token");
}

int token_message_read(const json_t *message, struct token_message *token, struct why *why)
{
    struct token_message read = {0};
    int error = read_kind(message, &read.kind, why);

    if (!error)
        error = members_integer(message, "epoch", 0, TOKEN_EPOCH_MAX, &read.epoch, why);
    if (!error)
        error = token_message_check_epoch(read.epoch, why);
    if (!error)
        error = members_text(message, "owner", read.owner, sizeof read.owner, why);
    if (!error && !read.owner[0])
        error = error_set(why, ERR_INVALID, "\"owner\" is empty; expected who sent it");
    if (!error)
        *token = read;
    return error;
}
