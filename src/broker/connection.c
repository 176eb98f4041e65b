#include "connection.h"

#include "clock.h"
#include "deep_stack.h"
#include "internal.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define PAUSE_FIRST_NS       (20 * CLOCK_NS_PER_MS)
#define PAUSE_UNAVAILABLE_NS (500 * CLOCK_NS_PER_MS)
#define PAUSE_USELESS_NS     (5 * CLOCK_NS_PER_S)
#define STANDS_NS            (10 * CLOCK_NS_PER_S)

/* All that the thread of an attempt works with. While it runs nobody else touches any of this but
 * the state. */
struct attempt {
    struct broker_options options; /* its texts are in texts[] */
    int (*set_up)(const void *context, struct broker *broker, struct why *why);
    void *context;
    int done_fd; /* the connection's: written to when the outcome is there */
    enum { ATTEMPT_RUNNING, ATTEMPT_DONE, ATTEMPT_ABANDONED } _Atomic state;

    /* The outcome. */
    struct broker *broker;
    int error;
    struct why why;

    size_t texts_bytes;
    char texts[];
};

struct connection {
    struct attempt *attempt;
    const void *context; /* the user's, of which each attempt gets a copy */
    size_t context_bytes;
    int64_t missing_pause_ns;
    int done_fd;

    struct broker *broker; /* NULL while away */
    bool attempting;
    bool leaving;     /* by an attempt that is the last */
    pthread_t thread; /* of the attempt */
    int error;
    struct why why;
    unsigned failed;  /* attempts in a row */
    unsigned useless; /* connections in a row that opened and were lost before they were useful */
    bool useful;
    int64_t due_ns;   /* the next attempt */
    int64_t since_ns; /* away or open */
};

/* ---- the attempt ---- */

/* Copies a text, which may be NULL, to *end and moves *end behind it. */
static const char *copy_text(char **end, const char *text)
{
    char *copy = *end;

    if (!text)
        return NULL;
    *end = stpcpy(copy, text) + 1;
    return copy;
}

static struct attempt *attempt_new(const struct connection_settings *settings, int done_fd)
{
    const struct broker_options *from = &settings->broker;
    const char *const texts[] = {from->url, from->tls_ca_file, from->tls_cert_file,
                                 from->tls_key_file, from->name};
    size_t bytes = 0;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bytes += texts[i] ? strlen(texts[i]) + 1 : 0;
    struct attempt *attempt = calloc(1, sizeof *attempt + bytes);
    void *context = malloc(settings->context_bytes + 1);
    if (!attempt || !context) {
        free(attempt);
        free(context);
        return NULL;
    }
    attempt->texts_bytes = bytes;
    attempt->set_up = settings->set_up;
    attempt->context = context;
    attempt->done_fd = done_fd;
    char *end = attempt->texts;
    attempt->options = *from;
    attempt->options.url = copy_text(&end, from->url);
    attempt->options.tls_ca_file = copy_text(&end, from->tls_ca_file);
    attempt->options.tls_cert_file = copy_text(&end, from->tls_cert_file);
    attempt->options.tls_key_file = copy_text(&end, from->tls_key_file);
    attempt->options.name = copy_text(&end, from->name);
    return attempt;
}

static void attempt_free(struct attempt *attempt)
{
    broker_close(attempt->broker);
    free(attempt->context);
    explicit_bzero(attempt->texts, attempt->texts_bytes); /* a password is in the URL */
    free(attempt);
}

/* The end of the attempt's thread. */
static void hand_back(struct attempt *attempt)
{
    if (atomic_exchange(&attempt->state, ATTEMPT_DONE) == ATTEMPT_ABANDONED)
        attempt_free(attempt);
    else /* nobody closes the descriptor before this thread has ended */
        eventfd_write(attempt->done_fd, 1);
}

static void *attempt_run(void *argument)
{
    struct attempt *attempt = argument;

    attempt->error = broker_open(&attempt->options, &attempt->broker, &attempt->why);
    if (!attempt->error)
        attempt->options.turn = attempt->broker->turn;
    if (!attempt->error && attempt->set_up)
        attempt->error = attempt->set_up(attempt->context, attempt->broker, &attempt->why);
    if (attempt->error) {
        broker_drop(attempt->broker); /* a goodbye could take longer than the attempt */
        attempt->broker = NULL;
    }
    hand_back(attempt);
    return NULL;
}

/* The last attempt of all, and the only one that begins with a connection. */
static void *leave_run(void *argument)
{
    struct attempt *attempt = argument;

    broker_close(attempt->broker);
    attempt->broker = NULL;
    hand_back(attempt);
    return NULL;
}

/* A thread without signals: they are for those that wait for them. 0 or an errno. */
static int start_thread(struct attempt *attempt, void *(*run)(void *), pthread_t *thread)
{
    pthread_attr_t attributes;
    sigset_t all;

    int failed = pthread_attr_init(&attributes);
    if (failed)
        return failed;
    sigfillset(&all);
    failed = pthread_attr_setsigmask_np(&attributes, &all);
    if (!failed)
        failed = pthread_attr_setstacksize(&attributes, DEEP_STACK_BYTES);
    if (!failed)
        failed = pthread_create(thread, &attributes, run, attempt);
    pthread_attr_destroy(&attributes);
    return failed;
}

/* ---- when ---- */

/* A pause after so many failures in a row: it doubles, up to the longest, and is shortened by up to
 * a half. */
static int64_t pause_after(unsigned failures, int64_t longest_ns)
{
    int64_t pause_ns = PAUSE_FIRST_NS;
    uint32_t random = 0;

    for (; failures > 1 && pause_ns < longest_ns; failures--)
        pause_ns *= 2;
    if (pause_ns > longest_ns)
        pause_ns = longest_ns;
    /* Without randomness yet, soon after the machine has booted, the pause is the shortest. */
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    return pause_ns / 2 + (int64_t)((double)pause_ns / 2 * (double)random / UINT32_MAX);
}

static enum connection_news fail(struct connection *connection, int error, const struct why *why)
{
    connection->error = error;
    connection->why = *why;
    connection->failed++;
    connection->attempt->options.turn++;
    int64_t longest_ns = error == -ERR_MISSING && connection->missing_pause_ns
                             ? connection->missing_pause_ns
                             : PAUSE_UNAVAILABLE_NS;
    connection->due_ns = clock_now_ns() + pause_after(connection->failed, longest_ns);
    return CONNECTION_FAILED;
}

/* ---- the connection ---- */

int connection_open(const struct connection_settings *settings, struct connection **out,
                    struct why *why)
{
    struct connection *connection = calloc(1, sizeof *connection);
    int done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = 0;

    if (done_fd < 0)
        error = error_set(why, ERR_SYSTEM, "cannot make an eventfd: %s", strerror(errno));
    else if (!connection || !(connection->attempt = attempt_new(settings, done_fd)))
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (error) {
        if (done_fd >= 0)
            close(done_fd);
        free(connection);
        return error;
    }
    connection->done_fd = done_fd;
    connection->context = settings->context;
    connection->context_bytes = settings->context_bytes;
    connection->missing_pause_ns = settings->missing_pause_ns;
    connection->since_ns = connection->due_ns = clock_now_ns();
    *out = connection;
    return 0;
}

void connection_close(struct connection *connection)
{
    if (!connection)
        return;
    broker_close(connection->broker);
    if (connection->attempting &&
        atomic_exchange(&connection->attempt->state, ATTEMPT_ABANDONED) == ATTEMPT_RUNNING) {
        pthread_detach(connection->thread);
    } else {
        if (connection->attempting)
            pthread_join(connection->thread, NULL);
        attempt_free(connection->attempt);
    }
    close(connection->done_fd);
    free(connection);
}

void connection_leave(struct connection *connection)
{
    struct attempt *attempt = connection->attempt;

    if (!connection->broker)
        return;
    attempt->broker = connection->broker;
    connection->broker = NULL;
    atomic_store(&attempt->state, ATTEMPT_RUNNING);
    connection->leaving = connection->attempting =
        start_thread(attempt, leave_run, &connection->thread) == 0;
    if (connection->leaving)
        return;
    broker_drop(attempt->broker);
    attempt->broker = NULL;
}

bool connection_has_left(const struct connection *connection)
{
    return !connection->leaving || atomic_load(&connection->attempt->state) == ATTEMPT_DONE;
}

static enum connection_news begin(struct connection *connection)
{
    struct attempt *attempt = connection->attempt;

    if (connection->context_bytes)
        memcpy(attempt->context, connection->context, connection->context_bytes);
    attempt->why = (struct why){0};
    atomic_store(&attempt->state, ATTEMPT_RUNNING);
    int failed = start_thread(attempt, attempt_run, &connection->thread);
    connection->attempting = failed == 0;
    if (!failed)
        return CONNECTION_NO_NEWS;
    struct why why;
    int error = error_set(&why, ERR_UNAVAILABLE, "cannot start a thread that connects: %s",
                          strerror(failed));
    return fail(connection, error, &why);
}

static enum connection_news take_outcome(struct connection *connection)
{
    struct attempt *attempt = connection->attempt;
    eventfd_t count;

    pthread_join(connection->thread, NULL);
    connection->attempting = false;
    (void)eventfd_read(connection->done_fd, &count);
    if (attempt->error)
        return fail(connection, attempt->error, &attempt->why);
    connection->broker = attempt->broker;
    attempt->broker = NULL;
    connection->error = 0;
    connection->failed = 0;
    connection->useful = false;
    connection->since_ns = clock_now_ns();
    return CONNECTION_OPENED;
}

enum connection_news connection_step(struct connection *connection, int64_t now_ns)
{
    if (connection->attempting)
        return atomic_load(&connection->attempt->state) == ATTEMPT_DONE ? take_outcome(connection)
                                                                        : CONNECTION_NO_NEWS;
    if (connection->broker || now_ns < connection->due_ns)
        return CONNECTION_NO_NEWS;
    return begin(connection);
}

int connection_too_late(const struct connection *connection, struct why *why)
{
    const char *urls = connection->attempt->options.url;
    size_t count = broker_url_count(urls);
    struct broker_url url;

    if (connection->error)
        return connection_error(connection, why);
    if (count > 1)
        return error_set(why, ERR_UNAVAILABLE, "none of %zu brokers answered in time", count);
    char where[BROKER_WHERE_SIZE];
    int error = broker_url_parse(urls, 0, &url, why);
    if (!error) {
        broker_url_where(&url, where);
        error = error_set(why, ERR_UNAVAILABLE, "the broker at %s did not answer in time", where);
    }
    broker_url_clear(&url);
    return error;
}

int connection_wait(struct connection *connection, int wake_fd, int64_t deadline_ns,
                    struct why *why)
{
    for (bool logged = false;;) {
        int64_t now_ns = clock_now_ns();
        enum connection_news news = connection_step(connection, now_ns);
        if (connection->broker)
            return 0;
        if (news == CONNECTION_FAILED && connection->error != -ERR_UNAVAILABLE)
            return connection_error(connection, why);
        if (news == CONNECTION_FAILED && !logged) {
            log_event(LOG_WARN, "no_connection", "why=\"%s\" doing=\"trying on\"",
                      connection->why.text);
            logged = true;
        }
        if (now_ns >= deadline_ns)
            return connection_too_late(connection, why);

        int64_t due_ns = connection_due_ns(connection);
        struct pollfd fds[2] = {[1] = {.fd = wake_fd, .events = POLLIN}};
        struct timespec left;
        connection_poll(connection, &fds[0]);
        if (ppoll(fds, 2, clock_left(due_ns < deadline_ns ? due_ns : deadline_ns, &left), NULL) >
                0 &&
            fds[1].revents)
            return error_set(why, ERR_TIMEOUT, "interrupted while connecting to the broker");
    }
}

struct broker *connection_broker(const struct connection *connection)
{
    return connection->broker;
}

int connection_error(const struct connection *connection, struct why *why)
{
    if (connection->error && why)
        *why = connection->why;
    return connection->error;
}

int64_t connection_away_since_ns(const struct connection *connection)
{
    return connection->broker ? CLOCK_NEVER : connection->since_ns;
}

bool connection_has_others(const struct connection *connection)
{
    return broker_url_count(connection->attempt->options.url) > 1;
}

void connection_lost(struct connection *connection, int error, const struct why *why)
{
    if (!connection->broker)
        return;
    broker_drop(connection->broker);
    connection->broker = NULL;
    connection->attempt->options.turn++;
    connection->error = error;
    connection->why = *why;

    int64_t now_ns = clock_now_ns();
    bool useful = connection->useful || now_ns - connection->since_ns >= STANDS_NS;
    connection->useless = useful ? 0 : connection->useless + 1;
    connection->due_ns = now_ns + pause_after(connection->useless, PAUSE_USELESS_NS);
    connection->since_ns = now_ns;
}

void connection_mark_useful(struct connection *connection)
{
    connection->useful = true;
}

void connection_poll(const struct connection *connection, struct pollfd *fd)
{
    const struct broker *broker = connection->broker;

    *fd = (struct pollfd){.fd = broker                   ? broker_fd(broker)
                                : connection->attempting ? connection->done_fd
                                                         : -1,
                          .events = broker ? broker_poll_events(broker) : POLLIN};
}

int64_t connection_due_ns(const struct connection *connection)
{
    if (connection->broker)
        return broker_heartbeat_due_ns(connection->broker);
    return connection->attempting ? CLOCK_NEVER : connection->due_ns;
}
