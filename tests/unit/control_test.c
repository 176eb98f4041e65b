#include "control/command.h"
#include "control/members.h"
#include "control/notice.h"
#include "control/status.h"
#include "control/token_message.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct envelope envelope = {
    .farm = "shop",
    .from = "winnow-ctl/host/7",
    .time = "2026-01-31T12:00:00.123Z",
    .clock = 17,
};

/* ---- the envelope ---- */

/* Reads a message and returns the error; its explanation is in why. */
static int read_text(const char *text, struct why *why)
{
    struct envelope read;
    struct json_t *message = NULL;
    int error = envelope_read(text, strlen(text), &read, &message, why);

    if (!error)
        members_release(message);
    return error;
}

#define HEAD "{\"v\":1,\"farm\":\"shop\",\"from\":\"a/b/1\",\"clock\":2,\"time\":\"t\""

static void members_that_nobody_knows_are_ignored(void **state)
{
    struct why why;

    (void)state;
    assert_int_equal(read_text(HEAD ",\"shape\":[1,{}]}", &why), 0);
}

static void a_message_that_is_no_envelope_is_refused_with_what_was_expected(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "not a JSON object"},
        {"{} {}", "not JSON"},
        {"{}", "\"v\" is missing"},
        {"{\"v\":2}", "version 2; this program speaks version 1"},
        {"{\"v\":\"1\"}", "\"v\" is \"1\"; expected a whole number"},
        {"{\"v\":1,\"v\":1}", "duplicate"},
        {"{\"v\":1}", "\"farm\" is missing"},
        {"{\"v\":1,\"farm\":\"a\\u0000b\"}", "not JSON: \\u0000"},
        {"{\"v\":1,\"farm\":\"s\",\"from\":\"x\",\"clock\":-1}", "\"clock\" is -1"},
        {"{\"v\":1,\"farm\":\"s\",\"from\":\"x\",\"clock\":9007199254740992}", "\"clock\" is 900"},
        {"{\"v\":1,\"farm\":\"s\",\"from\":\"x\",\"clock\":1.0}", "\"clock\" is 1.0"},
        {"{\"v\":1,\"farm\":\"s\",\"from\":\"x\",\"clock\":1,\"time\":null}", "\"time\" is null"},
        {"{\"a\":\"\xff\"}", "not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct why why = {0};
        if (read_text(cases[i].text, &why) != -ERR_INVALID || !strstr(why.text, cases[i].said))
            fail_msg("%s: said '%s'", cases[i].text, why.text);
    }
}

static void a_message_that_is_too_deep_or_too_long_is_not_read(void **state)
{
    size_t length = ENVELOPE_MOST_BYTES + 1;
    char *text = malloc(length);
    struct envelope read;
    struct json_t *message;
    struct why why;

    (void)state;
    assert_non_null(text);
    memset(text, '[', length);
    assert_int_equal(envelope_read(text, length, &read, &message, &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, "at most 1048576"));
    assert_int_equal(envelope_read(text, length - 1, &read, &message, &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, "more than 100 deep"));
    /* Brackets within a string are not levels. */
    text[0] = '"';
    text[length - 2] = '"';
    assert_int_equal(envelope_read(text, length - 1, &read, &message, &why), -ERR_INVALID);
    assert_null(strstr(why.text, "deep"));
    free(text);
}

/* ---- commands ---- */

static int read_command(const char *members, struct command *command, struct why *why)
{
    char text[1024];
    struct envelope read;
    struct json_t *message;

    snprintf(text, sizeof text, HEAD ",%s}", members);
    assert_int_equal(envelope_read(text, strlen(text), &read, &message, why), 0);
    int error = command_read(message, command, why);
    members_release(message);
    return error;
}

static void commands_are_read_as_they_were_written(void **state)
{
    static const struct command commands[] = {
        {.verb = COMMAND_STATUS, .min_workers = -1, .max_workers = -1, .replicas = -1},
        {COMMAND_SET, {1, 42}, 2, 8, COMMAND_UNCHANGED, 0, ""},
        {COMMAND_SET, {INT64_MAX, 0}, COMMAND_UNCHANGED, COMMAND_UNCHANGED, COMMAND_NONE, 0, ""},
        {COMMAND_SET, {0, 0}, 0, COMMAND_UNCHANGED, 0, 0, ""},
        {COMMAND_PAUSE, {3, 4}, -1, -1, -1, 0, ""},
        {COMMAND_RESUME, {3, 4}, -1, -1, -1, 0, ""},
        {COMMAND_STOP, {3, 4}, -1, -1, -1, 2999, ""},
        {COMMAND_STOP, {3, 4}, -1, -1, -1, 2, "rack-1"},
        {COMMAND_DRAIN, {3, 4}, -1, -1, -1, 0, "rack-1"},
        {COMMAND_UNDRAIN, {3, 4}, -1, -1, -1, 0, "a.b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char *text;
        size_t length;
        struct envelope read;
        struct json_t *message;
        struct command command;
        struct why why;

        assert_int_equal(command_write(&envelope, &commands[i], &text, &length), 0);
        assert_int_equal(envelope_read(text, length, &read, &message, &why), 0);
        assert_string_equal(read.farm, "shop");
        assert_string_equal(read.from, "winnow-ctl/host/7");
        assert_int_equal(read.clock, 17);
        assert_int_equal(command_read(message, &command, &why), 0);
        assert_int_equal(command.verb, commands[i].verb);
        assert_int_equal(command.seen.epoch, commands[i].seen.epoch);
        assert_int_equal(command.seen.sequence, commands[i].seen.sequence);
        assert_int_equal(command.min_workers, commands[i].min_workers);
        assert_int_equal(command.max_workers, commands[i].max_workers);
        assert_int_equal(command.replicas, commands[i].replicas);
        assert_int_equal(command.slot, commands[i].slot);
        assert_string_equal(command.node, commands[i].node);
        members_release(message);
        free(text);
    }
}

#define SEEN ",\"seen\":{\"epoch\":1,\"sequence\":2}"

static void a_command_that_cannot_be_meant_is_refused_with_what_was_expected(void **state)
{
    static const struct {
        const char *members, *said;
    } cases[] = {
        {"\"x\":1", "expected status, set, pause, resume or stop"},
        {"\"verb\":\"explode\"", "expected status, set, pause"},
        {"\"verb\":7", "expected status, set, pause"},
        {"\"verb\":\"pause\"", "\"seen\" is missing"},
        {"\"verb\":\"pause\",\"seen\":[1,2]", "\"seen\" is [1, 2]; expected an object"},
        {"\"verb\":\"pause\",\"seen\":{\"epoch\":1}", "\"sequence\" is missing"},
        {"\"verb\":\"pause\",\"seen\":{\"epoch\":-1,\"sequence\":1}", "\"epoch\" is -1"},
        {"\"verb\":\"set\"" SEEN, "expected min, max or replicas"},
        {"\"verb\":\"set\",\"min\":\"2\"" SEEN, "\"min\" is \"2\"; expected a whole number"},
        {"\"verb\":\"set\",\"min\":1.5" SEEN, "from 0 to 1000"},
        {"\"verb\":\"set\",\"min\":1001" SEEN, "\"min\" is 1001"},
        {"\"verb\":\"set\",\"max\":-2" SEEN, "\"max\" is -2"},
        {"\"verb\":\"set\",\"max\":null" SEEN, "\"max\" is null"},
        {"\"verb\":\"set\",\"max\":0" SEEN, "\"max\" is 0; expected a whole number from 1 to 1000"},
        {"\"verb\":\"set\",\"min\":3,\"max\":2" SEEN, "expected min <= max"},
        {"\"verb\":\"stop\"" SEEN, "\"slot\" is missing"},
        {"\"verb\":\"stop\",\"slot\":1,\"node\":7" SEEN, "\"node\" is 7"},
        {"\"verb\":\"drain\"" SEEN, "\"node\" is missing"},
        {"\"verb\":\"undrain\",\"node\":\"a b\"" SEEN, "\"node\" is no name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct command command;
        struct why why = {0};
        if (read_command(cases[i].members, &command, &why) != -ERR_INVALID ||
            !strstr(why.text, cases[i].said))
            fail_msg("%s: said '%s'", cases[i].members, why.text);
    }
}

static void answers_are_read_as_they_were_written(void **state)
{
    const struct command_answer answer = {COMMAND_STALE, "that status is 12 s old"};
    struct command_answer read_answer;
    struct envelope read;
    struct json_t *message;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    assert_int_equal(command_write_answer(&envelope, &answer, &text, &length), 0);
    assert_int_equal(envelope_read(text, length, &read, &message, &why), 0);
    assert_int_equal(command_read_answer(message, &read_answer, &why), 0);
    assert_int_equal(read_answer.outcome, COMMAND_STALE);
    assert_string_equal(read_answer.reason, answer.reason);
    members_release(message);
    free(text);
}

/* ---- status and notices ---- */

static void a_status_is_read_as_it_was_written(void **state)
{
    struct status_worker workers[] = {
        {.slot = 0, .pid = 100, .state = "running", .tells = true, .in_flight_msgs = 3},
        {.slot = 7, .pid = 101, .state = "starting", .in_flight_msgs = NAN, .busy_share = NAN},
    };
    struct status status = {
        .epoch = 1,
        .sequence = 42,
        .state = "running",
        .age_s = 3600.25,
        .broker_away_s = NAN,
        .decided_s = 0.5,
        .limits = {.min_workers = 1, .max_workers = 8, .paused = true, .replicas = NAN},
        .counters = {.spawned = 12, .dead_msgs = 3, .given_back_msgs = NAN},
        .handling = {.sum_s = 1.5, .count = {[0] = 4, [TIME_CLASSES - 1] = 1}},
        .measured = {.sum_s = NAN},
        .running = 1,
        .starting = 1,
        .workers = workers,
        .worker_count = 2,
    };
    struct status again;
    struct envelope read;
    struct json_t *message;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    history_format_clear(&status.decision);
    status.decision.reason = "max";
    status.decision.desired_workers = 8;
    assert_int_equal(status_write(&envelope, &status, &text, &length), 0);
    assert_int_equal(envelope_read(text, length, &read, &message, &why), 0);
    assert_int_equal(status_read(message, &again, &why), 0);
    members_release(message);
    assert_int_equal(again.sequence, 42);
    assert_true(again.age_s == 3600.25);
    assert_true(isnan(again.broker_away_s));
    assert_true(again.decided_s == 0.5 && again.limits.paused);
    assert_string_equal(again.decision.reason, "max");
    assert_true(again.decision.desired_workers == 8);
    assert_true(isnan(again.decision.arrival_per_s));
    assert_int_equal(again.counters.spawned, 12);
    assert_true(again.counters.dead_msgs == 3 && again.counters.hung == 0);
    assert_true(isnan(again.counters.given_back_msgs));
    assert_true(again.handling.sum_s == 1.5 && isnan(again.measured.sum_s));
    assert_int_equal(again.handling.count[0], 4);
    assert_int_equal(again.handling.count[TIME_CLASSES - 1], 1);
    assert_int_equal(again.worker_count, 2);
    assert_true(again.workers[0].in_flight_msgs == 3);
    assert_true(isnan(again.workers[1].in_flight_msgs));
    assert_int_equal(again.workers[1].slot, 7);
    status_clear(&again);
    free(text);
}

#define LIMITS                                                                                     \
    "\"limits\":{\"min_workers\":0,\"max_workers\":1,\"paused\":false,\"replicas\":null,\"by\":"   \
    "\"\","                                                                                        \
    "\"at\":\"\",\"changed_s\":null}"
#define COUNTERS                                                                                   \
    "\"arrived_msgs\":0,\"handled_msgs\":0,\"spawned\":0,\"stopped\":0,\"crashed\":0,"             \
    "\"decisions\":0,\"untold_msgs\":0"

/* A status as every autoscaler has told it, with other members in its counters and in itself. */
static int read_status(const char *counters, const char *members, struct status *status,
                       struct why *why)
{
    struct envelope read;
    struct json_t *message;
    char text[2000];

    snprintf(text, sizeof text,
             HEAD ",\"epoch\":1,\"sequence\":2,\"state\":\"running\",\"age_s\":1,"
                  "\"broker_away_s\":null,\"decided_s\":null,\"starting\":0,\"running\":0,"
                  "\"draining\":0," LIMITS ",\"counters\":{" COUNTERS "%s},\"decision\":{},"
                  "\"workers\":[]%s}",
             counters, members);
    assert_int_equal(envelope_read(text, strlen(text), &read, &message, why), 0);
    int error = status_read(message, status, why);
    members_release(message);
    return error;
}

static void what_an_older_autoscaler_does_not_tell_is_unknown(void **state)
{
    struct status status;
    struct why why = {0};

    (void)state;
    assert_int_equal(read_status("", "", &status, &why), 0);
    assert_true(isnan(status.counters.dead_msgs) && isnan(status.counters.given_back_msgs));
    assert_true(isnan(status.counters.hung));
    assert_true(isnan(status.handling.sum_s) && isnan(status.measured.sum_s));
    status_clear(&status);
}

static void counts_that_cannot_be_are_refused_with_their_name(void **state)
{
    static const struct {
        const char *counters, *members, *said;
    } cases[] = {
        {",\"hung\":-1", "", "in \"counters\": \"hung\" is -1; expected a whole number"},
        {",\"hung\":1.5", "", "\"hung\" is 1.5; expected a whole number"},
        {",\"hung\":null", "", "\"hung\" is null; expected a whole number"},
        {",\"dead_msgs\":9007199254740993", "", "\"dead_msgs\" is 9007199254740993"},
        {"", ",\"handling\":7", "\"handling\" is 7; expected an object"},
        {"", ",\"handling\":{\"counts\":[]}", "in \"handling\": \"sum_s\" is missing"},
        {"", ",\"measured\":{\"sum_s\":1}", "in \"measured\": \"counts\" is missing"},
        {"", ",\"measured\":{\"sum_s\":1,\"counts\":[1,2]}", "2 counts; expected 16"},
        {"", ",\"handling\":{\"sum_s\":1,\"counts\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-1]}",
         "count 15 is no count"},
        {"", ",\"handling\":{\"sum_s\":1,\"counts\":[0,0.5,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
         "count 1 is no count"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct status status;
        struct why why = {0};
        if (read_status(cases[i].counters, cases[i].members, &status, &why) != -ERR_INVALID ||
            !strstr(why.text, cases[i].said))
            fail_msg("%s%s: said '%s'", cases[i].counters, cases[i].members, why.text);
    }
}

static void a_notice_carries_whatever_bytes_were_logged(void **state)
{
    const struct notice notice = {"warn", "dead", "reason=\"\xff\xfe\""};
    struct notice again;
    struct envelope read;
    struct json_t *message;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    assert_int_equal(notice_write(&envelope, &notice, &text, &length), 0);
    assert_int_equal(envelope_read(text, length, &read, &message, &why), 0);
    assert_int_equal(notice_read(message, &again, &why), 0);
    assert_string_equal(again.event, "dead");
    assert_string_equal(again.text, "reason=\"\xef\xbf\xbd\xef\xbf\xbd\"");
    members_release(message);
    free(text);
}

static int read_token(const char *members, struct token_message *token, struct why *why)
{
    struct envelope read;
    struct json_t *message;
    char text[512];

    snprintf(text, sizeof text,
             "{\"v\":1,\"farm\":\"shop\",\"from\":\"x\",\"clock\":1,\"time\":\"\",%s}", members);
    assert_int_equal(envelope_read(text, strlen(text), &read, &message, why), 0);
    int error = token_message_read(message, token, why);
    members_release(message);
    return error;
}

static void tokens_are_read_as_they_were_written(void **state)
{
    static const struct token_message tokens[] = {
        {TOKEN_KNOCK, 0, "a"},
        {TOKEN_CLAIM, 1796000000000999, "north \"1\"/123/1796000000000"},
        {TOKEN_CLAIM, 1, "n\xc3\xb6rd"},
    };
    struct token_message again;
    struct envelope read;
    struct json_t *message;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        assert_int_equal(token_message_write(&envelope, &tokens[i], &text, &length), 0);
        assert_int_equal(envelope_read(text, length, &read, &message, &why), 0);
        assert_int_equal(token_message_read(message, &again, &why), 0);
        assert_true(again.kind == tokens[i].kind && again.epoch == tokens[i].epoch);
        assert_string_equal(again.owner, tokens[i].owner);
        members_release(message);
        free(text);
    }
}

static void a_token_that_cannot_be_meant_is_refused_with_what_was_expected(void **state)
{
    static const struct {
        const char *members, *says;
    } cases[] = {
        {"\"epoch\":1,\"owner\":\"a\"", "kind"},
        {"\"kind\":\"Token\",\"epoch\":1,\"owner\":\"a\"", "knock or token"},
        {"\"kind\":1,\"epoch\":1,\"owner\":\"a\"", "knock or token"},
        {"\"kind\":\"token\",\"owner\":\"a\"", "epoch"},
        {"\"kind\":\"token\",\"epoch\":-1,\"owner\":\"a\"", "epoch"},
        {"\"kind\":\"token\",\"epoch\":1.5,\"owner\":\"a\"", "epoch"},
        {"\"kind\":\"token\",\"epoch\":9007199254740992,\"owner\":\"a\"", "epoch"},
        {"\"kind\":\"knock\",\"epoch\":1", "owner"},
        {"\"kind\":\"knock\",\"epoch\":1,\"owner\":\"\"", "owner"},
        {"\"kind\":\"knock\",\"epoch\":1,\"owner\":null", "owner"},
    };
    struct token_message token = {.epoch = 7};
    struct why why;
    char members[TOKEN_OWNER_SIZE + 100];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_token(cases[i].members, &token, &why), -ERR_INVALID);
        assert_non_null(strstr(why.text, cases[i].says));
    }
    snprintf(members, sizeof members, "\"kind\":\"knock\",\"epoch\":1,\"owner\":\"%0*d\"",
             TOKEN_OWNER_SIZE, 0);
    assert_int_equal(read_token(members, &token, &why), -ERR_INVALID);
    assert_int_equal(token.epoch, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_that_nobody_knows_are_ignored),
        cmocka_unit_test(a_message_that_is_no_envelope_is_refused_with_what_was_expected),
        cmocka_unit_test(a_message_that_is_too_deep_or_too_long_is_not_read),
        cmocka_unit_test(commands_are_read_as_they_were_written),
        cmocka_unit_test(a_command_that_cannot_be_meant_is_refused_with_what_was_expected),
        cmocka_unit_test(answers_are_read_as_they_were_written),
        cmocka_unit_test(a_status_is_read_as_it_was_written),
        cmocka_unit_test(what_an_older_autoscaler_does_not_tell_is_unknown),
        cmocka_unit_test(counts_that_cannot_be_are_refused_with_their_name),
        cmocka_unit_test(a_notice_carries_whatever_bytes_were_logged),
        cmocka_unit_test(tokens_are_read_as_they_were_written),
        cmocka_unit_test(a_token_that_cannot_be_meant_is_refused_with_what_was_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
