/* bare.c - the least that a client can do, straight on rabbitmq-c. The benchmarks measure the
 * farm's programs against it.
 *
 *   bare publish EXCHANGE COUNT       publishes COUNT events with confirms, a thousand in flight
 *   bare consume QUEUE COUNT          takes and acknowledges COUNT events
 *   bare work QUEUE RESULTS COUNT     publishes each event to RESULTS as it is, and acknowledges it
 *                                     when the broker has confirmed that
 *   bare answer QUEUE RESULTS COUNT   the same, with the properties that a worker adds to a result
 *   bare spawn QUEUE RESULTS COUNT PROGRAM
 *                                     the same as work, with the body that PROGRAM, started for
 *                                     each event, makes of it
 *
 * The library encodes the frames, many are written at once, and one acknowledgement serves many
 * events: the fastest way found. Any error ends the program with 1. It prints the seconds from the
 * first event to the last. The broker is that of $AMQP_URL, without TLS. */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHANNEL       1
#define PREFETCH      1000
#define WINDOW        1000
#define ACK_BATCH     50
#define BATCH_BYTES   16384
#define LARGEST_BYTES 65536
#define PERSISTENT    2
#define WAIT_MS       30000

static struct {
    amqp_connection_state_t amqp;
    int fd;
    char *buffer;
    size_t length;
} wire;

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void want_ok(const char *what)
{
    if (amqp_get_rpc_reply(wire.amqp).reply_type != AMQP_RESPONSE_NORMAL)
        errx(1, "%s failed", what);
}

static void open_wire(void)
{
    struct amqp_connection_info info;
    const char *from = getenv("AMQP_URL");
    char *url = strdup(from ? from : "amqp://guest:guest@127.0.0.1:5672");

    wire.amqp = amqp_new_connection();
    wire.buffer = malloc(2 * LARGEST_BYTES + BATCH_BYTES);
    amqp_default_connection_info(&info);
    if (!url || !wire.amqp || !wire.buffer || amqp_parse_url(url, &info))
        errx(1, "bad $AMQP_URL, or no memory");
    if (amqp_socket_open(amqp_tcp_socket_new(wire.amqp), info.host, info.port))
        errx(1, "no broker answers");
    if (amqp_login(wire.amqp, info.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user,
                   info.password)
            .reply_type != AMQP_RESPONSE_NORMAL)
        errx(1, "cannot log in");
    amqp_channel_open(wire.amqp, CHANNEL);
    want_ok("opening a channel");
    wire.fd = amqp_get_sockfd(wire.amqp);
    free(url);
}

static void flush(void)
{
    size_t sent = 0;

    while (sent < wire.length) {
        ssize_t now = send(wire.fd, wire.buffer + sent, wire.length - sent, MSG_NOSIGNAL);
        if (now > 0)
            sent += (size_t)now;
        else if (poll(&(struct pollfd){.fd = wire.fd, .events = POLLOUT}, 1, WAIT_MS) != 1)
            errx(1, "the broker takes nothing more");
    }
    wire.length = 0;
}

static void put(uint64_t number, int bytes)
{
    while (bytes--)
        wire.buffer[wire.length++] = (char)(number >> 8 * bytes & 0xff);
}

/* Completes a frame whose payload stands seven bytes, the size of a frame's head, behind the end of
 * the buffer: writes the head before it and the end mark after it. */
static void frame(int type, size_t payload)
{
    put((uint64_t)type, 1);
    put(CHANNEL, 2);
    put(payload, 4);
    wire.length += payload;
    put(AMQP_FRAME_END, 1);
}

static amqp_bytes_t payload_room(size_t skipped)
{
    return (amqp_bytes_t){LARGEST_BYTES, wire.buffer + wire.length + 7 + skipped};
}

static void send_method(amqp_method_number_t id, void *method)
{
    int size = amqp_encode_method(id, method, payload_room(4));
    size_t start = wire.length;

    if (size < 0)
        errx(1, "cannot encode %s", amqp_method_name(id));
    wire.length += 7;
    put(id, 4);
    wire.length = start;
    frame(AMQP_FRAME_METHOD, 4 + (size_t)size);
}

/* raw   the properties, encoded */
static void publish(const char *exchange, const char *key, amqp_bytes_t raw, amqp_bytes_t body)
{
    amqp_basic_publish_t method = {.exchange = amqp_cstring_bytes(exchange),
                                   .routing_key = amqp_cstring_bytes(key),
                                   .mandatory = 1};
    size_t start;

    if (raw.len + body.len > LARGEST_BYTES)
        errx(1, "an event that is too large for this");
    send_method(AMQP_BASIC_PUBLISH_METHOD, &method);
    start = wire.length;
    wire.length += 7;
    put(AMQP_BASIC_CLASS, 2);
    put(0, 2);
    put(body.len, 8);
    memcpy(wire.buffer + wire.length, raw.bytes, raw.len);
    wire.length = start;
    frame(AMQP_FRAME_HEADER, 12 + raw.len);
    memcpy(wire.buffer + wire.length + 7, body.bytes, body.len);
    frame(AMQP_FRAME_BODY, body.len);
    if (wire.length >= BATCH_BYTES)
        flush();
}

static void ack(uint64_t tag)
{
    amqp_basic_ack_t method = {.delivery_tag = tag, .multiple = 1};

    send_method(AMQP_BASIC_ACK_METHOD, &method);
}

/* The next frame. Whatever the buffer holds is sent before the program waits. */
static amqp_frame_t next_frame(void)
{
    struct timeval none = {0};
    amqp_frame_t got;

    for (;;) {
        if (!amqp_frames_enqueued(wire.amqp) && !amqp_data_in_buffer(wire.amqp))
            flush();
        int status = amqp_simple_wait_frame_noblock(wire.amqp, &got, &none);
        if (status == AMQP_STATUS_OK)
            return got;
        if (status != AMQP_STATUS_TIMEOUT)
            errx(1, "%s", amqp_error_string2(status));
        if (poll(&(struct pollfd){.fd = wire.fd, .events = POLLIN}, 1, WAIT_MS) != 1)
            errx(1, "nothing came within %d s", WAIT_MS / 1000);
    }
}

static void consume(const char *queue)
{
    amqp_basic_qos(wire.amqp, CHANNEL, 0, PREFETCH, 0);
    want_ok("setting the prefetch");
    amqp_basic_consume(wire.amqp, CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0,
                       amqp_empty_table);
    want_ok("consuming");
}

static uint64_t body_left;

/* True when this frame completes an event. Its properties and body are borrowed until the next
 * frame but one. */
static bool take_event(const amqp_frame_t *got, amqp_bytes_t *raw, amqp_bytes_t *body)
{
    if (got->frame_type == AMQP_FRAME_HEADER) {
        *raw = got->payload.properties.raw;
        body_left = got->payload.properties.body_size;
        return false;
    }
    if (got->frame_type != AMQP_FRAME_BODY)
        return false;
    *body = got->payload.body_fragment;
    if (body->len != body_left)
        errx(1, "an event that is too large for this");
    return true;
}

static void run_consume(const char *queue, uint64_t count)
{
    amqp_bytes_t raw, body;

    consume(queue);
    for (uint64_t taken = 0; taken < count;) {
        amqp_frame_t got = next_frame();
        if (!take_event(&got, &raw, &body))
            continue;
        amqp_maybe_release_buffers(wire.amqp);
        if (++taken % ACK_BATCH == 0 || taken == count)
            ack(taken);
    }
    flush();
}

/* What a worker adds: two headers, and the message_id as the correlation_id. */
static amqp_bytes_t add_headers(amqp_bytes_t raw, char *room, size_t size)
{
    void *decoded;
    static amqp_pool_t pool;

    if (!pool.pagesize)
        init_amqp_pool(&pool, 4096);
    recycle_amqp_pool(&pool);
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool, raw, &decoded) < 0)
        errx(1, "an event with malformed properties");
    amqp_basic_properties_t *properties = decoded;
    amqp_table_entry_t headers[] = {
        {amqp_cstring_bytes("winnow-matches"), {.kind = AMQP_FIELD_KIND_I64, .value.i64 = 1}},
        {amqp_cstring_bytes("winnow-worker"),
         {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("localhost/12345")}}};
    properties->_flags |= AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG;
    properties->headers = (amqp_table_t){2, headers};
    properties->correlation_id = properties->message_id;
    int length = amqp_encode_properties(AMQP_BASIC_CLASS, properties, (amqp_bytes_t){size, room});
    if (length < 0)
        errx(1, "an event that is too large for this");
    return (amqp_bytes_t){(size_t)length, room};
}

/* What the program writes when it reads the body, which fits a pipe. */
static amqp_bytes_t pass_through(const char *program, amqp_bytes_t body)
{
    static char room[LARGEST_BYTES];
    char *argv[] = {(char *)(uintptr_t)program, NULL};
    int in[2], out[2], status;
    size_t length = 0;
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO) ||
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO) ||
        posix_spawnp(&pid, program, &actions, NULL, argv, environ))
        errx(1, "cannot start %s", program);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (write(in[1], body.bytes, body.len) != (ssize_t)body.len)
        errx(1, "%s does not read", program);
    close(in[1]);
    for (ssize_t got; (got = read(out[0], room + length, sizeof room - length)) > 0;)
        length += (size_t)got;
    close(out[0]);
    if (waitpid(pid, &status, 0) != pid || status)
        errx(1, "%s failed", program);
    return (amqp_bytes_t){length, room};
}

/* Result number n is made from the delivery with tag n, so that a confirm's number is also the tag
 * to acknowledge. */
static void run_work(const char *queue, const char *results, uint64_t count, bool answer,
                     const char *program)
{
    char room[1024];
    uint64_t confirmed = 0, acknowledged = 0;
    amqp_bytes_t raw = amqp_empty_bytes, body;

    consume(queue);
    amqp_confirm_select(wire.amqp, CHANNEL);
    want_ok("asking for confirms");
    while (acknowledged < count) {
        amqp_frame_t got = next_frame();
        if (take_event(&got, &raw, &body)) {
            if (program)
                body = pass_through(program, body);
            publish("", results, answer ? add_headers(raw, room, sizeof room) : raw, body);
            amqp_maybe_release_buffers(wire.amqp);
        }
        if (got.frame_type == AMQP_FRAME_METHOD && got.payload.method.id == AMQP_BASIC_ACK_METHOD) {
            const amqp_basic_ack_t *method = got.payload.method.decoded;
            /* The broker may confirm one out of turn; it counts once all before it are
             * confirmed. */
            confirmed = method->multiple || method->delivery_tag == confirmed + 1
                            ? method->delivery_tag
                            : confirmed;
        }
        if (confirmed - acknowledged >= ACK_BATCH || (confirmed == count && acknowledged < count)) {
            ack(confirmed);
            acknowledged = confirmed;
        }
    }
    flush();
}

static void run_publish(const char *exchange, uint64_t count)
{
    char body[] = "You are a foolish fool, and this is an event of the bench.";
    char id[40], encoded[256];
    uint64_t confirmed = 0, published = 0;

    amqp_confirm_select(wire.amqp, CHANNEL);
    want_ok("asking for confirms");
    while (confirmed < count) {
        for (; published < count && published - confirmed < WINDOW; published++) {
            int length = snprintf(id, sizeof id, "%032llx", (unsigned long long)published);
            amqp_basic_properties_t properties = {._flags = AMQP_BASIC_CONTENT_TYPE_FLAG |
                                                            AMQP_BASIC_DELIVERY_MODE_FLAG |
                                                            AMQP_BASIC_MESSAGE_ID_FLAG,
                                                  .content_type = amqp_cstring_bytes("text/plain"),
                                                  .delivery_mode = PERSISTENT,
                                                  .message_id = {(size_t)length, id}};
            int size = amqp_encode_properties(AMQP_BASIC_CLASS, &properties,
                                              (amqp_bytes_t){sizeof encoded, encoded});
            publish(exchange, "", (amqp_bytes_t){(size_t)size, encoded}, amqp_cstring_bytes(body));
        }
        amqp_frame_t got = next_frame();
        if (got.frame_type == AMQP_FRAME_METHOD && got.payload.method.id == AMQP_BASIC_ACK_METHOD) {
            const amqp_basic_ack_t *method = got.payload.method.decoded;
            if (method->delivery_tag > confirmed)
                confirmed = method->delivery_tag;
            amqp_maybe_release_buffers(wire.amqp);
        }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool answer = strcmp(what, "answer") == 0;
    bool spawn = strcmp(what, "spawn") == 0;
    bool work = answer || spawn || strcmp(what, "work") == 0;
    int count_at = work ? 4 : 3;

    if (argc != count_at + 1 + spawn)
        errx(64, "usage: bare publish EXCHANGE COUNT | consume QUEUE COUNT | work|answer QUEUE "
                 "RESULTS COUNT | spawn QUEUE RESULTS COUNT PROGRAM");
    uint64_t count = strtoull(argv[count_at], NULL, 10);
    open_wire();
    double start_s = now_s();
    if (work)
        run_work(argv[2], argv[3], count, answer, spawn ? argv[5] : NULL);
    else if (strcmp(what, "consume") == 0)
        run_consume(argv[2], count);
    else if (strcmp(what, "publish") == 0)
        run_publish(argv[2], count);
    else
        errx(64, "unknown: %s", what);
    printf("%.6f\n", now_s() - start_s);
    amqp_connection_close(wire.amqp, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(wire.amqp);
    free(wire.buffer);
    return 0;
}
