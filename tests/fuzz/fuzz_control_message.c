/* Messages of the control plane: whatever is read is written again with the
 * same meaning, and a refusal says what was expected. */
#include "control/command.h"
#include "control/members.h"
#include "control/notice.h"
#include "control/report_message.h"
#include "control/status.h"
#include "control/target_message.h"
#include "control/token_message.h"
#include "fuzz.h"

/* The two were made from equal values. */
static void claim_same(const char *one, size_t one_length, const char *other, size_t other_length)
{
    CLAIM(one_length == other_length && memcmp(one, other, one_length) == 0);
}

/* Each reads the message if it can, and writes it; *text is NULL if it cannot. */
static void as_command(const struct envelope *envelope, struct json_t *message, char **text,
                       size_t *length)
{
    struct command command;
    struct why why = {0};
    int error = command_read(message, &command, &why);

    if (error)
        fuzz_claim_refusal(error, &why, NULL);
    else
        CLAIM(command_write(envelope, &command, text, length) == 0);
}

static void as_answer(const struct envelope *envelope, struct json_t *message, char **text,
                      size_t *length)
{
    struct command_answer answer;
    struct why why = {0};
    int error = command_read_answer(message, &answer, &why);

    if (error)
        fuzz_claim_refusal(error, &why, NULL);
    else
        CLAIM(command_write_answer(envelope, &answer, text, length) == 0);
}

static void as_status(const struct envelope *envelope, struct json_t *message, char **text,
                      size_t *length)
{
    struct status status;
    struct why why = {0};
    int error = status_read(message, &status, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return;
    }
    CLAIM(status_write(envelope, &status, text, length) == 0);
    status_clear(&status);
}

static void as_notice(const struct envelope *envelope, struct json_t *message, char **text,
                      size_t *length)
{
    struct notice notice;
    struct why why = {0};
    int error = notice_read(message, &notice, &why);

    if (error)
        fuzz_claim_refusal(error, &why, NULL);
    else
        CLAIM(notice_write(envelope, &notice, text, length) == 0);
}

static void as_report(const struct envelope *envelope, struct json_t *message, char **text,
                      size_t *length)
{
    struct report_message report;
    struct why why = {0};
    int error = report_message_read(message, &report, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return;
    }
    CLAIM(report_message_write(envelope, &report, text, length) == 0);
    report_message_clear(&report);
}

static void as_target(const struct envelope *envelope, struct json_t *message, char **text,
                      size_t *length)
{
    struct target_message target;
    struct why why = {0};
    int error = target_message_read(message, &target, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return;
    }
    CLAIM(target_message_write(envelope, &target, text, length) == 0);
    target_message_clear(&target);
}

static void as_token(const struct envelope *envelope, struct json_t *message, char **text,
                     size_t *length)
{
    struct token_message token;
    struct why why = {0};
    int error = token_message_read(message, &token, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return;
    }
    CLAIM(token.owner[0] && token.epoch >= 0 && token.epoch <= TOKEN_EPOCH_MAX);
    CLAIM(token_message_write(envelope, &token, text, length) == 0);
}

typedef void reading(const struct envelope *envelope, struct json_t *message, char **text,
                     size_t *length);

static void check(const struct envelope *envelope, struct json_t *message, reading *read)
{
    char *once = NULL, *twice = NULL;
    size_t once_length, twice_length;
    struct envelope again;
    struct json_t *written;
    struct why why;

    read(envelope, message, &once, &once_length);
    if (!once)
        return;
    CLAIM(envelope_read(once, once_length, &again, &written, &why) == 0);
    CLAIM(strcmp(again.farm, envelope->farm) == 0 && strcmp(again.from, envelope->from) == 0);
    CLAIM(again.clock == envelope->clock && strcmp(again.time, envelope->time) == 0);
    read(&again, written, &twice, &twice_length);
    CLAIM(twice);
    claim_same(once, once_length, twice, twice_length);
    members_release(written);
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static reading *const readings[] = {as_command, as_answer, as_status, as_notice,
                                        as_report,  as_target, as_token};
    struct envelope envelope;
    struct json_t *message;
    struct why why = {0};
    int error = envelope_read((const char *)data, size, &envelope, &message, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return 0;
    }
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++)
        check(&envelope, message, readings[i]);
    members_release(message);
    return 0;
}
