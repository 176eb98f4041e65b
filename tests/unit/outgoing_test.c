/* What is sent over plain TCP, read back frame by frame from the other end of a socket. */
#include "broker/internal.h"

#include "clock.h"

#include <amqp_tcp_socket.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAME_MAX  4096
#define PART_BYTES (FRAME_MAX - BROKER_FRAME_OVERHEAD)

struct line {
    struct broker broker;
    struct broker_properties *properties;
    int peer;
    uint8_t *bytes; /* that have come out at the other end */
    size_t length, capacity, at;
};

static int open_line(void **state)
{
    struct line *line = calloc(1, sizeof *line);
    int ends[2];

    if (!line || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends))
        return -1;
    line->broker.amqp = amqp_new_connection();
    amqp_tcp_socket_set_sockfd(amqp_tcp_socket_new(line->broker.amqp), ends[0]);
    line->broker.frame_max = FRAME_MAX;
    line->properties = broker_properties_open();
    line->peer = ends[1];
    *state = line;
    return 0;
}

static int close_line(void **state)
{
    struct line *line = *state;

    amqp_destroy_connection(line->broker.amqp);
    free(line->broker.outgoing.bytes);
    broker_properties_close(line->properties);
    close(line->peer);
    free(line->bytes);
    free(line);
    return 0;
}

/* Takes what has arrived, and returns how many bytes. */
static size_t receive(struct line *line)
{
    size_t before = line->length;

    for (;;) {
        if (line->capacity - line->length < 65536) {
            line->capacity += 1 << 20;
            line->bytes = realloc(line->bytes, line->capacity);
            assert_non_null(line->bytes);
        }
        ssize_t got = read(line->peer, line->bytes + line->length, line->capacity - line->length);
        if (got <= 0)
            return line->length - before;
        line->length += (size_t)got;
    }
}

static uint64_t number(const uint8_t *bytes, size_t length)
{
    uint64_t value = 0;

    while (length--)
        value = value << 8 | *bytes++;
    return value;
}

/* The payload of the next frame, which must be a whole one of this type. */
static const uint8_t *expect_frame(struct line *line, int type, int channel, size_t *size)
{
    const uint8_t *frame = line->bytes + line->at;

    assert_true(line->length - line->at >= BROKER_FRAME_OVERHEAD);
    assert_int_equal(frame[0], type);
    assert_int_equal(number(frame + 1, 2), channel);
    *size = number(frame + 3, 4);
    assert_true(*size + BROKER_FRAME_OVERHEAD <= FRAME_MAX);
    assert_true(line->length - line->at >= *size + BROKER_FRAME_OVERHEAD);
    assert_int_equal(frame[7 + *size], 0xCE);
    line->at += *size + BROKER_FRAME_OVERHEAD;
    return frame + 7;
}

static const uint8_t *expect_method(struct line *line, amqp_method_number_t id)
{
    size_t size;
    const uint8_t *payload = expect_frame(line, AMQP_FRAME_METHOD, BROKER_CHANNEL, &size);

    assert_int_equal(number(payload, 4), id);
    return payload + 4;
}

static void expect_message(struct line *line, const char *body, size_t length)
{
    size_t size, done = 0;

    expect_method(line, AMQP_BASIC_PUBLISH_METHOD);
    const uint8_t *header = expect_frame(line, AMQP_FRAME_HEADER, BROKER_CHANNEL, &size);
    assert_int_equal(number(header, 2), AMQP_BASIC_CLASS);
    assert_int_equal(number(header + 4, 8), length);
    while (done < length) {
        const uint8_t *part = expect_frame(line, AMQP_FRAME_BODY, BROKER_CHANNEL, &size);
        assert_int_equal(size, length - done < PART_BYTES ? length - done : PART_BYTES);
        assert_memory_equal(part, body + done, size);
        done += size;
    }
}

static void expect_end(const struct line *line)
{
    assert_int_equal(line->at, line->length);
}

static int publish(struct line *line, const char *body, size_t length)
{
    struct why why;

    return broker_publish(&line->broker, "e", broker_text("key"), line->properties,
                          (struct broker_bytes){body, length}, true, NULL, &why);
}

static void what_is_sent_gathers_and_leaves_in_order(void **state)
{
    struct line *line = *state;
    struct why why;

    assert_int_equal(publish(line, "one", 3), 0);
    assert_int_equal(broker_ack(&line->broker, 77, true, &why), 0);
    assert_int_equal(publish(line, "two!", 4), 0);
    assert_int_equal(receive(line), 0);
    assert_int_equal(broker_poll_events(&line->broker), POLLIN | POLLOUT);

    assert_int_equal(broker_flush(&line->broker, &why), 0);
    receive(line);
    expect_message(line, "one", 3);
    const uint8_t *ack = expect_method(line, AMQP_BASIC_ACK_METHOD);
    assert_int_equal(number(ack, 8), 77);
    assert_int_equal(ack[8], 1);
    expect_message(line, "two!", 4);
    expect_end(line);
    assert_int_equal(broker_poll_events(&line->broker), POLLIN);
}

static void messages_are_numbered_as_the_broker_confirms_them(void **state)
{
    struct line *line = *state;
    uint64_t sequence = 0;
    struct why why;

    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(broker_publish(&line->broker, "", broker_text("q"), line->properties,
                                        broker_text("x"), false, &sequence, &why),
                         0);
        assert_int_equal(sequence, i);
    }
}

static void a_body_is_split_where_a_frame_is_full(void **state)
{
    static const size_t lengths[] = {
        0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 100000};
    struct line *line = *state;
    struct why why;
    char *body = malloc(100000);

    assert_non_null(body);
    for (size_t i = 0; i < 100000; i++)
        body[i] = (char)(i * 31 % 251);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(publish(line, body, lengths[i]), 0);
        assert_int_equal(broker_flush(&line->broker, &why), 0);
        receive(line);
        expect_message(line, body, lengths[i]);
        expect_end(line);
    }
    free(body);
}

static void a_batch_that_is_full_leaves_by_itself(void **state)
{
    struct line *line = *state;
    char body[1000] = {0};
    int published = 0;

    while (!receive(line)) {
        assert_int_equal(publish(line, body, sizeof body), 0);
        published++;
    }
    assert_in_range(published, 10, 20);
    assert_false(broker_backed_up(&line->broker));
}

/* Whatever the socket takes of a frame, the rest follows before anything else. */
static void a_full_socket_makes_nobody_wait_and_cuts_no_frame(void **state)
{
    struct line *line = *state;
    struct why why;
    char body[3000];
    int published = 0, taken = 0;

    while (published < 2000) {
        memset(body, published % 256, sizeof body);
        size_t length = (size_t)(published * 7919 % (int)sizeof body);
        assert_int_equal(publish(line, body, length), 0);
        published++;
        /* Now and then the other end takes all there is, mostly nothing. */
        if (published % 500 == 0)
            receive(line);
    }
    assert_true(broker_backed_up(&line->broker));
    while (broker_poll_events(&line->broker) & POLLOUT) {
        assert_int_equal(broker_flush(&line->broker, &why), 0);
        receive(line);
    }
    for (; taken < published; taken++) {
        memset(body, taken % 256, sizeof body);
        expect_message(line, body, (size_t)(taken * 7919 % (int)sizeof body));
    }
    expect_end(line);
}

static void a_message_that_does_not_fit_is_not_begun(void **state)
{
    struct line *line = *state;
    struct why why;
    char *text = malloc(FRAME_MAX), key[256];

    assert_non_null(text);
    memset(text, 'x', FRAME_MAX);
    memset(key, 'k', sizeof key);
    assert_int_equal(
        broker_headers_add_text(line->properties, "big", (struct broker_bytes){text, FRAME_MAX}),
        0);
    assert_int_equal(publish(line, "body", 4), -ERR_INVALID);
    broker_properties_clear(line->properties);
    assert_int_equal(broker_publish(&line->broker, "", (struct broker_bytes){key, sizeof key},
                                    line->properties, broker_text("body"), false, NULL, &why),
                     -ERR_INVALID);
    assert_int_equal(line->broker.published, 0);
    assert_int_equal(line->broker.end, BROKER_END_NONE);

    assert_int_equal(publish(line, "small", 5), 0);
    assert_int_equal(broker_flush(&line->broker, &why), 0);
    receive(line);
    expect_message(line, "small", 5);
    expect_end(line);
    free(text);
}

static void a_heartbeat_goes_out_when_half_its_time_was_silent(void **state)
{
    struct line *line = *state;
    struct broker *broker = &line->broker;
    struct why why;
    size_t size;

    broker->heartbeat_ns = 10 * CLOCK_NS_PER_S;
    broker->outgoing.sent_ns = clock_now_ns();
    assert_int_equal(broker_beat(broker, &why), 0);
    assert_int_equal(receive(line), 0);

    broker->outgoing.sent_ns = clock_now_ns() - 6 * CLOCK_NS_PER_S;
    assert_int_equal(broker_beat(broker, &why), 0);
    receive(line);
    expect_frame(line, AMQP_FRAME_HEARTBEAT, 0, &size);
    assert_int_equal(size, 0);
    expect_end(line);

    /* What waits will tell that this end lives; a heartbeat must not get into it. */
    assert_int_equal(publish(line, "late", 4), 0);
    broker->outgoing.sent_ns = clock_now_ns() - 6 * CLOCK_NS_PER_S;
    assert_int_equal(broker_beat(broker, &why), 0);
    assert_int_equal(receive(line), 0);
}

static void what_is_paced_waits_for_more(void **state)
{
    struct line *line = *state;
    struct broker *broker = &line->broker;
    struct why why;

    assert_int_equal(publish(line, "first", 5), 0);
    broker->outgoing.sent_ns = clock_now_ns();
    assert_int_equal(broker_flush_at_leisure(broker, &why), 0);
    assert_true(receive(line) > 0);

    broker_pace(broker, 3600 * CLOCK_NS_PER_S);
    assert_int_equal(publish(line, "second", 6), 0);
    assert_int_equal(broker_flush_at_leisure(broker, &why), 0);
    assert_int_equal(receive(line), 0);

    /* It is long ago that something was sent. */
    broker->outgoing.sent_ns -= 3600 * CLOCK_NS_PER_S;
    assert_int_equal(broker_flush_at_leisure(broker, &why), 0);
    assert_true(receive(line) > 0);

    /* Who waits for an answer sends first. */
    assert_int_equal(publish(line, "third", 5), 0);
    broker_wait(broker, -1, 0);
    assert_true(receive(line) > 0);
}

static void what_a_lost_connection_does_not_take_is_dropped(void **state)
{
    struct line *line = *state;
    struct why why = {0};

    assert_int_equal(shutdown(line->peer, SHUT_RD), 0);
    assert_int_equal(publish(line, "body", 4), 0);
    /* What the broker said before can still be read, and then the end. */
    assert_int_equal(broker_flush(&line->broker, &why), 0);
    assert_int_equal(broker_unsent(&line->broker), 0);
    assert_int_equal(line->broker.end, BROKER_END_NONE);
}

static void waiting_for_a_socket_has_an_end(void **state)
{
    struct line *line = *state;
    struct why why;
    char body[3000] = {0};

    while (!broker_backed_up(&line->broker))
        assert_int_equal(publish(line, body, sizeof body), 0);
    int64_t start_ns = clock_now_ns();
    assert_int_equal(broker_flush_all(&line->broker, start_ns + 20 * CLOCK_NS_PER_MS, &why),
                     -ERR_UNAVAILABLE);
    assert_true(clock_now_ns() - start_ns >= 20 * CLOCK_NS_PER_MS);
    assert_int_equal(line->broker.end, BROKER_END_ELSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_sent_gathers_and_leaves_in_order, open_line,
                                        close_line),
        cmocka_unit_test_setup_teardown(messages_are_numbered_as_the_broker_confirms_them,
                                        open_line, close_line),
        cmocka_unit_test_setup_teardown(a_body_is_split_where_a_frame_is_full, open_line,
                                        close_line),
        cmocka_unit_test_setup_teardown(a_batch_that_is_full_leaves_by_itself, open_line,
                                        close_line),
        cmocka_unit_test_setup_teardown(a_full_socket_makes_nobody_wait_and_cuts_no_frame,
                                        open_line, close_line),
        cmocka_unit_test_setup_teardown(a_message_that_does_not_fit_is_not_begun, open_line,
                                        close_line),
        cmocka_unit_test_setup_teardown(a_heartbeat_goes_out_when_half_its_time_was_silent,
                                        open_line, close_line),
        cmocka_unit_test_setup_teardown(what_is_paced_waits_for_more, open_line, close_line),
        cmocka_unit_test_setup_teardown(what_a_lost_connection_does_not_take_is_dropped, open_line,
                                        close_line),
        cmocka_unit_test_setup_teardown(waiting_for_a_socket_has_an_end, open_line, close_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
