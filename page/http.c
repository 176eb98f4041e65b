#include "http.h"

#include "buffer.h"
#include "clock.h"
#include "listen.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_NS (10 * CLOCK_NS_PER_S)
#define ANSWER_NS  (20 * CLOCK_NS_PER_S)
#define IDLE_NS    (30 * CLOCK_NS_PER_S)

/* All headers of a request together, and what goes out at a time. */
#define CONNECTION_BYTES ((size_t)24 << 10)

/* When no more than these are free, somebody has to go. */
#define SPARE_CONNECTIONS 16

enum phase {
    PHASE_NEW,      /* its headers are coming */
    PHASE_BODY,     /* its body is coming */
    PHASE_HANDLED,  /* somebody thinks about the answer */
    PHASE_ANSWERED, /* the answer is there, and goes out */
};

/* What is kept of a connection, in the order of age. */
struct peer {
    struct peer *younger, *older;
    int fd;
    int64_t deadline_ns; /* then it is broken off */
    bool busy;           /* it waits for us, or is a stream: it may stay when connections are few */
};

struct http_request {
    struct http *http;
    struct MHD_Connection *connection;
    struct peer *peer;
    enum phase phase;
    bool suspended;
    char *target;          /* as it came, but cut in two where it is absolute */
    const char *authority; /* of such a one; else NULL */
    struct http_head head;
    char *body;
    size_t length, capacity, most_bytes;
    bool cut; /* the body was longer than it may be */
    struct http_answer answer;
    struct http_stream stream;
    bool streams; /* the answer is a stream */
    struct http_request *next, *previous;
};

struct http {
    struct MHD_Daemon *daemon;
    const struct http_handler *handler;
    void *context; /* of the handler */
    struct peer *youngest, *oldest;
    size_t peers, streams;
    struct http_request *requests;
};

/* ---- connections ---- */

static void link_peer(struct http *http, struct peer *peer)
{
    peer->older = http->youngest;
    if (http->youngest)
        http->youngest->younger = peer;
    else
        http->oldest = peer;
    http->youngest = peer;
    http->peers++;
}

static void unlink_peer(struct http *http, struct peer *peer)
{
    *(peer->older ? &peer->older->younger : &http->oldest) = peer->younger;
    *(peer->younger ? &peer->younger->older : &http->youngest) = peer->older;
    http->peers--;
}

static void break_off(struct peer *peer)
{
    listen_break(peer->fd);
    peer->deadline_ns = CLOCK_NEVER;
    peer->busy = true; /* it is on its way out */
}

/* The one that has waited longest for its client makes room. */
static void make_room(struct http *http)
{
    struct peer *peer = http->oldest;

    while (peer && peer->busy)
        peer = peer->younger;
    if (peer)
        break_off(peer);
}

static int fd_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void notify_connection(void *context, struct MHD_Connection *connection, void **of_socket,
                              enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    struct peer *peer = *of_socket;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (peer)
            unlink_peer(http, peer);
        free(peer);
        *of_socket = NULL;
        return;
    }
    peer = calloc(1, sizeof *peer);
    *of_socket = peer;
    if (!peer)
        return; /* its requests are refused */
    peer->fd = fd_of(connection);
    peer->deadline_ns = clock_now_ns() + REQUEST_NS;
    link_peer(http, peer);
    if (http->peers + SPARE_CONNECTIONS > HTTP_MOST_CONNECTIONS)
        make_room(http);
}

/* ---- a request begins and ends ---- */

static struct peer *peer_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The first line has come: its target before anything in it is decoded. */
static void *begin_request(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http *http = context;
    struct peer *peer = peer_of(connection);
    struct http_request *request = peer ? calloc(1, sizeof *request) : NULL;
    int64_t deadline_ns = clock_now_ns() + REQUEST_NS;

    if (!request)
        return NULL;
    if (peer->deadline_ns > deadline_ns)
        peer->deadline_ns = deadline_ns;
    *request = (struct http_request){.http = http,
                                     .connection = connection,
                                     .peer = peer,
                                     .target = strdup(target),
                                     .next = http->requests};
    if (request->target)
        request->head.path = route_split(request->target, &request->authority);
    if (http->requests)
        http->requests->previous = request;
    http->requests = request;
    return request;
}

static void end_request(void *context, struct MHD_Connection *connection, void **of_request,
                        enum MHD_RequestTerminationCode code)
{
    struct http *http = context;
    struct http_request *request = *of_request;

    (void)connection;
    (void)code;
    if (!request)
        return;
    *of_request = NULL;
    if (request->phase == PHASE_HANDLED)
        http->handler->forget(http->context, request);
    if (request->streams) {
        http->streams--;
        request->stream.close(request->stream.context);
    }
    request->peer->deadline_ns = clock_now_ns() + IDLE_NS;
    request->peer->busy = false;
    *(request->previous ? &request->previous->next : &http->requests) = request->next;
    if (request->next)
        request->next->previous = request->previous;
    shared_text_drop(request->answer.text);
    free(request->target);
    free(request->body);
    free(request);
}

/* ---- headers ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Of two lines of one of these, the library may take the first, and a proxy before it the other. */
static const char *const single_headers[] = {
    MHD_HTTP_HEADER_ORIGIN,         MHD_HTTP_HEADER_AUTHORIZATION,     MHD_HTTP_HEADER_CONTENT_TYPE,
    MHD_HTTP_HEADER_CONTENT_LENGTH, MHD_HTTP_HEADER_TRANSFER_ENCODING,
};
#define SINGLE_HEADERS (sizeof single_headers / sizeof single_headers[0])

struct header_counts {
    size_t host, single[SINGLE_HEADERS];
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct header_counts *counts = context;

    (void)kind;
    (void)value;
    counts->host += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    for (size_t i = 0; i < SINGLE_HEADERS; i++)
        counts->single[i] += strcasecmp(name, single_headers[i]) == 0;
    return MHD_YES;
}

/* The name of one that leaves it open what the request says; NULL: there is none. Where it is not
 * chunked, as the library understands it, the end of the body would be that of the connection. */
static const char *find_unclear(struct MHD_Connection *connection,
                                const struct header_counts *counts)
{
    const char *encoding = header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);

    for (size_t i = 0; i < SINGLE_HEADERS; i++)
        if (counts->single[i] > 1)
            return single_headers[i];
    return encoding && strcasecmp(encoding, "chunked") != 0 ? MHD_HTTP_HEADER_TRANSFER_ENCODING
                                                            : NULL;
}

static void read_head(struct http_request *request, const char *method)
{
    struct MHD_Connection *connection = request->connection;
    struct guard_request *headers = &request->head.headers;
    struct header_counts counts = {0};

    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &counts);
    *headers = (struct guard_request){
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .host_count = counts.host,
        .unclear = find_unclear(connection, &counts),
    };
    /* RFC 9112, 3.2.2: what an absolute target says counts, and not the header. */
    if (headers->host && request->authority)
        headers->host = request->authority;
    request->head.method = method;
}

/* ---- answers ---- */

/* For all answers. Scripts and styles come from here alone, and nothing is sent or shown elsewhere.
 */
static const char *const answer_headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

static void let_go(void *context)
{
    shared_text_drop(context);
}

static ssize_t read_stream(void *context, uint64_t position, char *bytes, size_t most)
{
    struct http_request *request = context;
    size_t got = request->stream.read(request->stream.context, bytes, most);

    (void)position;
    request->peer->deadline_ns = got ? clock_now_ns() + ANSWER_NS : CLOCK_NEVER;
    if (!got && !request->suspended) {
        request->suspended = true;
        MHD_suspend_connection(request->connection);
    }
    return (ssize_t)got;
}

static struct MHD_Response *make_response(struct http_request *request)
{
    struct shared_text *text = request->answer.text;

    if (request->streams)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, read_stream, request,
                                                 NULL);
    if (!text)
        return NULL;
    return MHD_create_response_from_buffer_with_free_callback_cls(text->length, text->bytes, let_go,
                                                                  shared_text_hold(text));
}

static enum MHD_Result queue_answer(struct http_request *request)
{
    const struct http_answer *answer = &request->answer;
    struct MHD_Response *response = make_response(request);

    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < sizeof answer_headers / sizeof answer_headers[0]; i++)
        MHD_add_response_header(response, answer_headers[i][0], answer_headers[i][1]);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    if (answer->allow[0])
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    if (answer->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    /* What follows it may be a part of its body. */
    if (request->head.headers.unclear)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    request->peer->deadline_ns = clock_now_ns() + ANSWER_NS;
    request->peer->busy = request->streams;
    enum MHD_Result queued = MHD_queue_response(request->connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

void http_wake(struct http_request *request)
{
    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->connection);
}

void http_answer(struct http_request *request, const struct http_answer *answer)
{
    request->answer = *answer;
    request->phase = PHASE_ANSWERED;
    http_wake(request);
}

size_t http_stream_count(const struct http *http)
{
    return http->streams;
}

struct http *http_of(const struct http_request *request)
{
    return request->http;
}

void http_begin_stream(struct http_request *request, const char *type,
                       const struct http_stream *stream)
{
    request->stream = *stream;
    request->streams = true;
    request->http->streams++;
    http_answer(request, &(struct http_answer){.status = MHD_HTTP_OK, .type = type});
}

/* ---- the library calls ---- */

static void take_body(struct http_request *request, const char *bytes, size_t length)
{
    size_t room = request->most_bytes - request->length;

    request->cut |= length > room;
    if (length > room)
        length = room;
    if (!buffer_extend(&request->body, &request->capacity, request->length + length))
        request->cut = true;
    else if (length) {
        memcpy(request->body + request->length, bytes, length);
        request->length += length;
    }
}

/* Called for a request's headers, for each piece of its body, at its end, and whenever it was
 * resumed. */
static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *path,
                            const char *method, const char *version, const char *bytes,
                            size_t *length, void **of_request)
{
    struct http *http = context;
    const struct http_handler *handler = http->handler;
    struct http_request *request = *of_request;

    (void)connection;
    (void)path;
    (void)version;
    if (!request || !request->target)
        return MHD_NO;
    if (request->phase == PHASE_NEW) {
        request->phase = PHASE_BODY;
        read_head(request, method);
        request->most_bytes = handler->begin(http->context, request, &request->head);
        return request->phase == PHASE_ANSWERED ? queue_answer(request) : MHD_YES;
    }
    if (request->phase == PHASE_BODY && *length) {
        take_body(request, bytes, *length);
        *length = 0;
        return MHD_YES;
    }
    if (request->phase == PHASE_BODY) {
        request->phase = PHASE_HANDLED;
        request->peer->busy = true;
        request->peer->deadline_ns = CLOCK_NEVER;
        handler->handle(http->context, request, &request->head, request->body ? request->body : "",
                        request->length, !request->cut);
    }
    if (request->phase == PHASE_ANSWERED)
        return queue_answer(request);
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* Paths are decoded by whoever knows their parts. */
static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

int http_open(int listen_fd, const struct http_handler *handler, void *context, struct http **out,
              struct why *why)
{
    struct http *http = calloc(1, sizeof *http);

    if (!http)
        return error_set(why, ERR_MEMORY, "out of memory");
    http->handler = handler;
    http->context = context;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, take, http,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_MOST_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, http,
        MHD_OPTION_URI_LOG_CALLBACK, begin_request, http, MHD_OPTION_NOTIFY_COMPLETED, end_request,
        http, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!http->daemon) {
        free(http);
        return error_set(why, ERR_SYSTEM, "cannot serve HTTP");
    }
    *out = http;
    return 0;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    /* The library ends none that is suspended. */
    for (struct http_request *request = http->requests; request; request = request->next)
        http_wake(request);
    MHD_stop_daemon(http->daemon);
    free(http);
}

int http_fd(const struct http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int64_t http_due_ns(const struct http *http)
{
    MHD_UNSIGNED_LONG_LONG left_ms;
    int64_t due_ns = CLOCK_NEVER;

    if (MHD_get_timeout(http->daemon, &left_ms) == MHD_YES && left_ms < 1000000)
        due_ns = clock_now_ns() + (int64_t)left_ms * CLOCK_NS_PER_MS;
    for (const struct peer *peer = http->oldest; peer; peer = peer->younger)
        if (peer->deadline_ns < due_ns)
            due_ns = peer->deadline_ns;
    return due_ns;
}

void http_step(struct http *http)
{
    int64_t now_ns = clock_now_ns();

    for (struct peer *peer = http->oldest; peer; peer = peer->younger)
        if (peer->deadline_ns <= now_ns)
            break_off(peer);
    MHD_run(http->daemon);
}
