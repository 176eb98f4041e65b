/* What RabbitMQ says when it closes a channel or a connection, and what is made of it. */
#include "broker/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int closed(const char *vhost, uint16_t code, const char *text, size_t length,
                  struct why *why)
{
    struct broker broker = {.where = "host:5672"};
    amqp_channel_close_t close = {
        .reply_code = code,
        .reply_text = {.len = length, .bytes = (void *)(uintptr_t)text},
    };

    snprintf(broker.vhost, sizeof broker.vhost, "%s", vhost);
    int error = broker_fail_closed(
        &broker, (amqp_method_t){.id = AMQP_CHANNEL_CLOSE_METHOD, .decoded = &close}, why);
    assert_true(broker.end != BROKER_END_NONE);
    return error;
}

static void expect(const char *vhost, uint16_t code, const char *text, enum error error,
                   enum error_subject about, const char *name)
{
    struct why why;

    if (closed(vhost, code, text, strlen(text), &why) != -(int)error)
        fail_msg("another error for: %s", text);
    assert_int_equal(why.about, about);
    assert_string_equal(why.name, name);
    assert_non_null(strstr(why.text, text));
    assert_non_null(strstr(why.text, "host:5672"));
}

static void a_missing_queue_or_exchange_is_named(void **state)
{
    (void)state;
    expect("/", 404, "NOT_FOUND - no queue 'shop.work' in vhost '/'", ERR_MISSING, ABOUT_QUEUE,
           "shop.work");
    expect("/", 404, "NOT_FOUND - no exchange 'shop.events' in vhost '/'", ERR_MISSING,
           ABOUT_EXCHANGE, "shop.events");
    expect("", 404, "NOT_FOUND - no queue '' in vhost ''", ERR_MISSING, ABOUT_QUEUE, "");
    /* Not quite what RabbitMQ says: then nothing is read from it. */
    expect("/", 404, "NOT_FOUND - no queue 'q' in vhost '/' today", ERR_MISSING, ABOUT_NOTHING, "");
    expect("/", 404, "NOT_FOUND - no queue 'q' in vhost '/", ERR_MISSING, ABOUT_NOTHING, "");
    expect("/", 404, "NOT_FOUND - no binding 'x' between exchange 'x' and queue 'q'", ERR_MISSING,
           ABOUT_NOTHING, "");
}

static void odd_names_are_told_whole(void **state)
{
    static const char *const names[] = {
        "it's", "'", "''", "a' in vhost '/", "caf\xC3\xA9", "no queue 'x' in vhost '/'", "\"*@$\""};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "NOT_FOUND - no queue '%s' in vhost '/'", names[i]);
        expect("/", 404, text, ERR_MISSING, ABOUT_QUEUE, names[i]);
        snprintf(text, sizeof text, "NOT_FOUND - no queue '%s' in vhost 'it's'", names[i]);
        expect("it's", 404, text, ERR_MISSING, ABOUT_QUEUE, names[i]);
    }
}

/* A text of RabbitMQ's is 255 bytes at most; of a longer one it sends 252 and three dots. */
static void expect_cut(uint16_t code, size_t name_bytes, size_t vhost_bytes, bool whole)
{
    char name[256], vhost[256], text[1024];
    struct why why;

    memset(name, 'n', name_bytes);
    memset(vhost, 'v', vhost_bytes);
    name[name_bytes] = vhost[vhost_bytes] = '\0';
    int length =
        code == 404
            ? snprintf(text, sizeof text, "NOT_FOUND - no queue '%s' in vhost '%s'", name, vhost)
            : snprintf(text, sizeof text,
                       "PRECONDITION_FAILED - inequivalent arg 'x' for queue '%s' in "
                       "vhost '%s': received 'a' but current is 'b'",
                       name, vhost);
    assert_true(length > 255);
    memcpy(text + 252, "...", 3);
    assert_int_equal(closed(vhost, code, text, 255, &why),
                     code == 404 ? -ERR_MISSING : -ERR_CONFIG);
    assert_int_equal(why.about, ABOUT_QUEUE);
    assert_string_equal(why.name, whole ? name : "");
}

static void a_long_name_is_told_whole_or_not_at_all(void **state)
{
    (void)state;
    expect_cut(404, 108, 255, true);
    expect_cut(404, 218, 34, true);
    expect_cut(404, 219, 34, false);
    expect_cut(404, 255, 1, false);
    expect_cut(406, 108, 150, true);
    expect_cut(406, 230, 1, false);
}

static void a_queue_that_cannot_be_reached_is_not_missing(void **state)
{
    (void)state;
    expect("/", 404,
           "NOT_FOUND - home node 'rabbit@b' of durable queue 'shop.work' in vhost '/' is down or "
           "inaccessible",
           ERR_UNAVAILABLE, ABOUT_NOTHING, "");
    expect(
        "/", 406,
        "PRECONDITION_FAILED - queue 'queue 'shop.results' in vhost '/'' does not have a running "
        "replica on the local node",
        ERR_UNAVAILABLE, ABOUT_NOTHING, "");
}

static void what_conflicts_is_named(void **state)
{
    struct why why;
    static const char text[] = "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue "
                               "'shop.work' in vhost '/': received 'quorum' but current is "
                               "'classic'";

    (void)state;
    expect("/", 406, text, ERR_CONFIG, ABOUT_QUEUE, "shop.work");
    closed("/", 406, text, strlen(text), &why);
    assert_non_null(strstr(why.text, "the queue 'shop.work' exists with other arguments"));
    expect("/", 406,
           "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'shop.events' in vhost '/': "
           "received 'fanout' but current is 'direct'",
           ERR_CONFIG, ABOUT_EXCHANGE, "shop.events");
    /* No conflict: nothing is to be deleted. */
    static const char late[] = "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed "
                               "out. Timeout value used: 1800000 ms";
    expect("/", 406, late, ERR_CONFIG, ABOUT_NOTHING, "");
    closed("/", 406, late, strlen(late), &why);
    assert_null(strstr(why.text, "delete"));
}

static void a_limit_is_no_conflict(void **state)
{
    static const struct {
        uint16_t code;
        const char *text, *name;
    } cases[] = {
        {406,
         "PRECONDITION_FAILED - cannot declare queue 'shop.work': queue limit in vhost '/' (3) is "
         "reached",
         "queues in the virtual host"},
        {406,
         "PRECONDITION_FAILED - cannot declare queue 'shop.work': queue limit in cluster (3) is "
         "reached",
         "queues in the broker's cluster"},
        {406,
         "PRECONDITION_FAILED - cannot declare exchange 'shop.dead' in vhost '/': exchange limit "
         "of 10 is reached",
         "exchanges in the broker's cluster"},
        {530,
         "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (0) is "
         "reached",
         "connections to the virtual host"},
        {530,
         "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached",
         "connections of the user"},
        {530,
         "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed "
         "user limit of (0)",
         "channels of the user"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct why why;
        expect("/", cases[i].code, cases[i].text, ERR_REFUSED, ABOUT_LIMIT, cases[i].name);
        closed("/", cases[i].code, cases[i].text, strlen(cases[i].text), &why);
        assert_non_null(strstr(why.text, cases[i].name));
        assert_null(strstr(why.text, "delete"));
    }
}

static void other_codes_mean_what_the_specification_says(void **state)
{
    (void)state;
    expect("/", 403, "ACCESS_REFUSED - Login was refused", ERR_REFUSED, ABOUT_NOTHING, "");
    expect("/", 530, "NOT_ALLOWED - vhost x not found", ERR_REFUSED, ABOUT_NOTHING, "");
    expect("/", 405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q'",
           ERR_LOCKED, ABOUT_NOTHING, "");
    expect("/", 540, "NOT_IMPLEMENTED - x", ERR_CONFIG, ABOUT_NOTHING, "");
    expect("/", 320, "CONNECTION_FORCED - shutdown", ERR_UNAVAILABLE, ABOUT_NOTHING, "");
    expect("/", 404, "", ERR_UNAVAILABLE, ABOUT_NOTHING, "");
}

static void an_end_tells_whether_something_that_was_sent_may_be_why(void **state)
{
    static const struct {
        uint16_t code;
        const char *text;
        enum broker_end end;
    } cases[] = {
        {541, "INTERNAL_ERROR", BROKER_END_REFUSED},
        {501, "FRAME_ERROR - cannot decode <<>>", BROKER_END_REFUSED},
        {502, "SYNTAX_ERROR - illegal field", BROKER_END_REFUSED},
        {505, "UNEXPECTED_FRAME - expected content header", BROKER_END_REFUSED},
        {504, "CHANNEL_ERROR - expected 'channel.open'", BROKER_END_REFUSED},
        {506, "RESOURCE_ERROR - x", BROKER_END_REFUSED},
        {530, "NOT_ALLOWED - x", BROKER_END_REFUSED},
        {540, "NOT_IMPLEMENTED - x", BROKER_END_REFUSED},
        {311, "CONTENT_TOO_LARGE - x", BROKER_END_REFUSED},
        {406, "PRECONDITION_FAILED - message size 2 is larger than configured max size 1",
         BROKER_END_REFUSED},
        {406,
         "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value "
         "used: 1000 ms. This timeout value can be configured, see consumers doc guide to learn "
         "more",
         BROKER_END_LATE},
        {406, "PRECONDITION_FAILED - consumer ack timed out on channel 1", BROKER_END_LATE},
        {320, "CONNECTION_FORCED - shutdown", BROKER_END_ELSE},
        {404, "NOT_FOUND - no exchange 'x' in vhost '/'", BROKER_END_ELSE},
        {403, "ACCESS_REFUSED - x", BROKER_END_ELSE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct broker broker = {0};
        struct why why;
        amqp_connection_close_t close = {.reply_code = cases[i].code,
                                         .reply_text = amqp_cstring_bytes(cases[i].text)};
        broker_fail_closed(
            &broker, (amqp_method_t){.id = AMQP_CONNECTION_CLOSE_METHOD, .decoded = &close}, &why);
        assert_int_equal(broker_end(&broker), cases[i].end);
    }
}

static void a_socket_that_ends_is_a_drop_unless_nothing_was_read(void **state)
{
    struct why why;

    (void)state;
    for (int blocked = 0; blocked <= 1; blocked++) {
        struct broker broker = {.blocked = blocked};
        broker_fail_status(&broker, AMQP_STATUS_CONNECTION_CLOSED, &why);
        assert_int_equal(broker_end(&broker), blocked ? BROKER_END_ELSE : BROKER_END_DROPPED);
        broker_fail_status(&broker, AMQP_STATUS_SOCKET_ERROR, &why);
        assert_int_equal(broker_end(&broker), blocked ? BROKER_END_ELSE : BROKER_END_DROPPED);
        broker_fail_status(&broker, AMQP_STATUS_HEARTBEAT_TIMEOUT, &why);
        assert_int_equal(broker_end(&broker), BROKER_END_ELSE);
    }
}

static void an_answer_is_a_failure_unless_it_is_normal(void **state)
{
    static const char text[] = "RESOURCE_LOCKED - cannot obtain exclusive access";
    amqp_channel_close_t channel = {.reply_code = 405,
                                    .reply_text = {strlen(text), (void *)(uintptr_t)text}};
    amqp_connection_close_t connection = {.reply_code = 320};
    const struct {
        amqp_rpc_reply_t reply;
        int error;
    } cases[] = {
        {{.reply_type = AMQP_RESPONSE_NORMAL}, 0},
        {{.reply_type = AMQP_RESPONSE_NONE}, -ERR_UNAVAILABLE},
        {{.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION,
          .library_error = AMQP_STATUS_CONNECTION_CLOSED},
         -ERR_UNAVAILABLE},
        {{.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = AMQP_STATUS_NO_MEMORY},
         -ERR_MEMORY},
        {{.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION,
          .reply = {.id = AMQP_CHANNEL_CLOSE_METHOD, .decoded = &channel}},
         -ERR_LOCKED},
        {{.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION,
          .reply = {.id = AMQP_CONNECTION_CLOSE_METHOD, .decoded = &connection}},
         -ERR_UNAVAILABLE},
        {{.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION, .reply = {.id = AMQP_BASIC_ACK_METHOD}},
         -ERR_UNAVAILABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct broker broker = {.where = "host:5672"};
        struct why why = {0};

        assert_int_equal(broker_fail_reply(&broker, cases[i].reply, &why), cases[i].error);
        assert_int_equal(broker.end != BROKER_END_NONE, cases[i].error != 0);
        if (cases[i].error && cases[i].error != -ERR_MEMORY)
            assert_non_null(strstr(why.text, "host:5672"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_queue_or_exchange_is_named),
        cmocka_unit_test(odd_names_are_told_whole),
        cmocka_unit_test(a_long_name_is_told_whole_or_not_at_all),
        cmocka_unit_test(a_queue_that_cannot_be_reached_is_not_missing),
        cmocka_unit_test(what_conflicts_is_named),
        cmocka_unit_test(a_limit_is_no_conflict),
        cmocka_unit_test(an_answer_is_a_failure_unless_it_is_normal),
        cmocka_unit_test(an_end_tells_whether_something_that_was_sent_may_be_why),
        cmocka_unit_test(a_socket_that_ends_is_a_drop_unless_nothing_was_read),
        cmocka_unit_test(other_codes_mean_what_the_specification_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
