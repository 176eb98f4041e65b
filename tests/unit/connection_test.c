/* A connection that comes back, against a listener in this process that says what a test wants
 * said. */
#include "broker/connection.h"

#include "clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS         CLOCK_NS_PER_MS
#define PATIENCE_S 20

/* What a broker says to whoever logs in and opens a channel; it need not be asked. */
static const char start[] = "\1\0\0\0\0\0\x1c"
                            "\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\5PLAIN\0\0\0\5en_US\xce";
static const char welcome[] = "\1\0\0\0\0\0\x0c"
                              "\0\x0a\0\x1e\7\xff\0\2\0\0\0\0\xce"
                              "\1\0\0\0\0\0\5"
                              "\0\x0a\0\x29\0\xce"
                              "\1\0\1\0\0\0\x08"
                              "\0\x14\0\x0b\0\0\0\0\xce";
static const char refusal[] = "\1\0\0\0\0\0\x11"
                              "\0\x0a\0\x32\1\x93\6NOBODY\0\0\0\0\xce";

struct scene {
    int listener;
    char url[100];
    struct connection *connection;
};

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    if (!scene)
        return -1;
    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(scene->listener, (struct sockaddr *)&address, size) || listen(scene->listener, 8) ||
        getsockname(scene->listener, (struct sockaddr *)&address, &size))
        return -1;
    snprintf(scene->url, sizeof scene->url, "amqp://me:secret@127.0.0.1:%d",
             ntohs(address.sin_port));
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;

    connection_close(scene->connection);
    close(scene->listener);
    free(scene);
    return 0;
}

static void open_connection(struct scene *scene, struct connection_settings settings)
{
    struct why why;

    settings.broker.url = scene->url;
    assert_int_equal(connection_open(&settings, &scene->connection, &why), 0);
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};

    return poll(&wanted, 1, timeout_ms) == 1;
}

static int accept_one(const struct scene *scene)
{
    assert_true(readable(scene->listener, PATIENCE_S * 1000));
    return accept(scene->listener, NULL, NULL);
}

#define SAY(fd, text) assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1)

/* Steps until there is news, as a program's loop does. */
static enum connection_news await_news(const struct scene *scene)
{
    enum connection_news news;

    while ((news = connection_step(scene->connection, clock_now_ns())) == CONNECTION_NO_NEWS) {
        struct pollfd fd;
        connection_poll(scene->connection, &fd);
        assert_true(fd.fd >= 0);
        assert_int_equal(poll(&fd, 1, PATIENCE_S * 1000), 1);
    }
    return news;
}

/* Begins the attempt for which it would still be too early, and returns the broker's end of it. */
static int begin_attempt(const struct scene *scene)
{
    int64_t due_ns = connection_due_ns(scene->connection);

    assert_int_equal(connection_step(scene->connection, due_ns), CONNECTION_NO_NEWS);
    return accept_one(scene);
}

static int bring_up(const struct scene *scene)
{
    int fd = begin_attempt(scene);

    SAY(fd, start);
    SAY(fd, welcome);
    assert_int_equal(await_news(scene), CONNECTION_OPENED);
    return fd;
}

static void lose(const struct scene *scene)
{
    struct why why;
    int error = error_set(&why, ERR_UNAVAILABLE, "pulled out");

    connection_lost(scene->connection, error, &why);
}

/* The next attempt is due a pause of this length, or down to half of it, after some time since
 * before_ns. */
static void expect_pause(const struct scene *scene, int64_t before_ns, int64_t pause_ns)
{
    int64_t due_ns = connection_due_ns(scene->connection);

    assert_in_range(due_ns, before_ns + pause_ns / 2, clock_now_ns() + pause_ns);
}

static void nothing_is_sent_before_the_first_step(void **state)
{
    struct scene *scene = *state;
    struct pollfd fd;

    open_connection(scene, (struct connection_settings){0});
    assert_false(readable(scene->listener, 0));
    assert_null(connection_broker(scene->connection));
    assert_int_equal(connection_error(scene->connection, NULL), 0);
    assert_true(connection_due_ns(scene->connection) <= clock_now_ns());
    connection_poll(scene->connection, &fd);
    assert_int_equal(fd.fd, -1);
}

static void a_broker_that_says_nothing_makes_nobody_wait(void **state)
{
    struct scene *scene = *state;
    struct why why;

    open_connection(scene, (struct connection_settings){0});
    int fd = begin_attempt(scene);
    /* The attempt goes on, so that none of these has waited for it. */
    assert_int_equal(connection_step(scene->connection, clock_now_ns()), CONNECTION_NO_NEWS);
    assert_int_equal(connection_due_ns(scene->connection), CLOCK_NEVER);
    assert_null(connection_broker(scene->connection));
    assert_int_equal(connection_error(scene->connection, NULL), 0);

    assert_int_equal(await_news(scene), CONNECTION_FAILED);
    assert_int_equal(connection_error(scene->connection, &why), -ERR_UNAVAILABLE);
    assert_non_null(strstr(why.text, "127.0.0.1"));
    assert_null(strstr(why.text, "secret"));
    close(fd);
}

static int check_thread(const void *context, struct broker *broker, struct why *why)
{
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!broker || strcmp(context, "as it was") != 0)
        return error_set(why, ERR_INVALID, "wrong arguments");
    if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGCHLD))
        return error_set(why, ERR_SYSTEM, "signals come to this thread");
    return 0;
}

static void a_broker_that_answers_is_handed_over_set_up(void **state)
{
    static const char context[] = "as it was";
    struct scene *scene = *state;
    struct pollfd fd;

    open_connection(scene, (struct connection_settings){.set_up = check_thread,
                                                        .context = context,
                                                        .context_bytes = sizeof context});
    int64_t before_ns = clock_now_ns();
    assert_true(connection_away_since_ns(scene->connection) <= before_ns);
    int peer = bring_up(scene);
    struct broker *broker = connection_broker(scene->connection);
    assert_non_null(broker);
    assert_int_equal(connection_error(scene->connection, NULL), 0);
    assert_int_equal(connection_away_since_ns(scene->connection), CLOCK_NEVER);
    connection_poll(scene->connection, &fd);
    assert_int_equal(fd.fd, broker_fd(broker));
    assert_int_equal(connection_step(scene->connection, CLOCK_NEVER), CONNECTION_NO_NEWS);

    lose(scene);
    assert_null(connection_broker(scene->connection));
    assert_int_equal(connection_error(scene->connection, NULL), -ERR_UNAVAILABLE);
    assert_in_range(connection_away_since_ns(scene->connection), before_ns, clock_now_ns());
    close(peer);
}

static int fail_as_told(const void *context, struct broker *broker, struct why *why)
{
    const int *error = context;

    (void)broker;
    return *error ? error_set(why, (enum error) * error, "as told") : 0;
}

static void each_attempt_works_with_what_holds_when_it_begins(void **state)
{
    struct scene *scene = *state;
    int error = ERR_LOCKED;
    struct why why;

    open_connection(scene, (struct connection_settings){.set_up = fail_as_told,
                                                        .context = &error,
                                                        .context_bytes = sizeof error});
    int peer = begin_attempt(scene);
    error = ERR_CONFIG;
    SAY(peer, start);
    SAY(peer, welcome);
    assert_int_equal(await_news(scene), CONNECTION_FAILED);
    assert_int_equal(connection_error(scene->connection, &why), -ERR_LOCKED);
    assert_string_equal(why.text, "as told");
    assert_null(connection_broker(scene->connection));
    close(peer);

    error = 0;
    close(bring_up(scene));
}

static void fail_and_expect_pause(const struct scene *scene, int64_t pause_ns)
{
    int64_t before_ns = clock_now_ns();

    close(begin_attempt(scene));
    assert_int_equal(await_news(scene), CONNECTION_FAILED);
    /* A step before that time begins nothing. */
    assert_int_equal(connection_step(scene->connection, before_ns), CONNECTION_NO_NEWS);
    expect_pause(scene, before_ns, pause_ns);
}

static void open_lose_and_expect_pause(const struct scene *scene, bool useful, int64_t pause_ns)
{
    int peer = bring_up(scene);
    int64_t before_ns = clock_now_ns();

    if (useful)
        connection_mark_useful(scene->connection);
    lose(scene);
    expect_pause(scene, before_ns, pause_ns);
    close(peer);
}

static void pauses_double_to_half_a_second_while_attempts_fail(void **state)
{
    static const int64_t pauses_ms[] = {20, 40, 80, 160, 320, 500, 500};
    struct scene *scene = *state;

    open_connection(scene, (struct connection_settings){0});
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++)
        fail_and_expect_pause(scene, pauses_ms[i] * MS);
    open_lose_and_expect_pause(scene, true, 20 * MS);
    fail_and_expect_pause(scene, 20 * MS);
}

static void pauses_double_to_five_seconds_while_connections_are_of_no_use(void **state)
{
    static const int64_t pauses_ms[] = {20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000};
    struct scene *scene = *state;

    open_connection(scene, (struct connection_settings){0});
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++)
        open_lose_and_expect_pause(scene, false, pauses_ms[i] * MS);
    open_lose_and_expect_pause(scene, true, 20 * MS);
    open_lose_and_expect_pause(scene, true, 20 * MS);
    open_lose_and_expect_pause(scene, false, 20 * MS);
    open_lose_and_expect_pause(scene, false, 40 * MS);
}

/* What the thread of an attempt has to go by, when its connection is gone. */
struct patient {
    int begun_fd, go_on_fd, seen_fd;
    char word[16];
};

static int wait_patiently(const void *context, struct broker *broker, struct why *why)
{
    const struct patient *patient = context;
    char go_on;

    (void)broker;
    (void)why;
    (void)!write(patient->begun_fd, "b", 1);
    (void)!read(patient->go_on_fd, &go_on, 1);
    (void)!write(patient->seen_fd, patient->word, sizeof patient->word);
    return 0;
}

/* The goodbye, and the end of the line. */
static void await_goodbye(int peer)
{
    char bytes[1000];
    ssize_t got;

    while ((got = read(peer, bytes, sizeof bytes)) > 0)
        if (memmem(bytes, (size_t)got, "\0\x0a\0\x32", 4))
            shutdown(peer, SHUT_WR);
    assert_int_equal(got, 0);
}

static void closing_leaves_an_attempt_to_itself(void **state)
{
    struct scene *scene = *state;
    int begun[2], go_on[2], seen[2];
    char word[16];

    assert_int_equal(pipe(begun) | pipe(go_on) | pipe(seen), 0);
    struct patient patient = {begun[1], go_on[0], seen[1], "as it was"};
    open_connection(scene, (struct connection_settings){.set_up = wait_patiently,
                                                        .context = &patient,
                                                        .context_bytes = sizeof patient});
    int peer = begin_attempt(scene);
    SAY(peer, start);
    SAY(peer, welcome);
    assert_true(readable(begun[0], PATIENCE_S * 1000));

    connection_close(scene->connection);
    scene->connection = NULL;
    memset(&patient, 0, sizeof patient);
    memset(scene->url, 'x', sizeof scene->url - 1);
    assert_false(readable(seen[0], 0));

    SAY(go_on[1], "g");
    assert_int_equal(read(seen[0], word, sizeof word), sizeof word);
    assert_string_equal(word, "as it was");
    /* Then it closes what it had opened. */
    await_goodbye(peer);
    int *const all[] = {begun, go_on, seen};
    for (size_t i = 0; i < 3; i++) {
        close(all[i][0]);
        close(all[i][1]);
    }
    close(peer);
}

static void an_outcome_that_nobody_took_is_closed_too(void **state)
{
    struct scene *scene = *state;
    struct pollfd fd;

    open_connection(scene, (struct connection_settings){0});
    int peer = begin_attempt(scene);
    SAY(peer, start);
    SAY(peer, welcome);
    connection_poll(scene->connection, &fd);
    assert_int_equal(poll(&fd, 1, PATIENCE_S * 1000), 1);
    close(peer);
    connection_close(scene->connection);
    scene->connection = NULL;
}

static void a_goodbye_makes_nobody_wait(void **state)
{
    struct scene *scene = *state;
    int64_t deadline_ns = clock_now_ns() + PATIENCE_S * CLOCK_NS_PER_S;

    open_connection(scene, (struct connection_settings){0});
    int peer = bring_up(scene);
    connection_leave(scene->connection);
    assert_false(connection_has_left(scene->connection)); /* nobody has answered */
    assert_null(connection_broker(scene->connection));
    await_goodbye(peer);
    while (!connection_has_left(scene->connection)) {
        assert_true(clock_now_ns() < deadline_ns);
        poll(NULL, 0, 1);
    }
    close(peer);
}

static void a_goodbye_that_nobody_waits_for_is_said(void **state)
{
    struct scene *scene = *state;

    open_connection(scene, (struct connection_settings){0});
    int peer = bring_up(scene);
    connection_leave(scene->connection);
    connection_close(scene->connection);
    await_goodbye(peer);
    close(peer);

    open_connection(scene, (struct connection_settings){0});
    connection_leave(scene->connection);
    assert_true(connection_has_left(scene->connection)); /* there is nobody to tell */
}

static void waiting_ends_when_it_is_open(void **state)
{
    struct scene *scene = *state;
    struct why why;

    open_connection(scene, (struct connection_settings){0});
    int peer = begin_attempt(scene);
    SAY(peer, start);
    SAY(peer, welcome);
    assert_int_equal(connection_wait(scene->connection, -1, CLOCK_NEVER, &why), 0);
    assert_non_null(connection_broker(scene->connection));
    close(peer);
}

static void waiting_ends_with_an_error_that_time_does_not_mend(void **state)
{
    struct scene *scene = *state;
    struct why why;

    open_connection(scene, (struct connection_settings){0});
    int peer = begin_attempt(scene);
    SAY(peer, start);
    SAY(peer, refusal);
    assert_int_equal(connection_wait(scene->connection, -1, CLOCK_NEVER, &why), -ERR_REFUSED);
    assert_non_null(strstr(why.text, "NOBODY"));
    close(peer);

    /* Whoever waits all the same gets the next attempt. */
    close(bring_up(scene));
}

static void waiting_ends_when_woken(void **state)
{
    struct scene *scene = *state;
    struct why why;
    int wake[2];

    assert_int_equal(pipe(wake), 0);
    SAY(wake[1], "w");
    open_connection(scene, (struct connection_settings){0});
    assert_int_equal(connection_wait(scene->connection, wake[0], CLOCK_NEVER, &why), -ERR_TIMEOUT);
    close(wake[0]);
    close(wake[1]);
}

static void waiting_ends_at_the_deadline(void **state)
{
    struct scene *scene = *state;
    struct why why;

    open_connection(scene, (struct connection_settings){0});
    int peer = begin_attempt(scene);
    assert_int_equal(connection_wait(scene->connection, -1, clock_now_ns() + MS, &why),
                     -ERR_UNAVAILABLE);
    assert_non_null(strstr(why.text, "127.0.0.1"));
    assert_null(strstr(why.text, "secret"));
    close(peer);

    /* An attempt has failed since: its reason is told. */
    assert_int_equal(connection_wait(scene->connection, -1, clock_now_ns() + 200 * MS, &why),
                     -ERR_UNAVAILABLE);
    assert_non_null(strstr(why.text, "log-in"));
}

/* A listener that answers nobody has another before or behind it, whatever this host's name. */
static void of_several_the_next_is_tried_when_one_fails(void **state)
{
    struct scene *scene = *state, *other;
    const char *port = strrchr(scene->url, ':');
    char both[sizeof scene->url];

    assert_int_equal(open_scene((void **)&other), 0);
    int length = snprintf(both, sizeof both, "amqp://127.0.0.1%s,%s", port, other->url);
    assert_in_range(length, 1, sizeof both - 1);
    memcpy(scene->url, both, sizeof both);
    open_connection(scene, (struct connection_settings){0});

    struct scene *from = NULL;
    for (int i = 0; i < 5; i++) {
        int64_t due_ns = connection_due_ns(scene->connection);
        assert_int_equal(connection_step(scene->connection, due_ns), CONNECTION_NO_NEWS);
        struct pollfd wanted[] = {{.fd = scene->listener, .events = POLLIN},
                                  {.fd = other->listener, .events = POLLIN}};
        assert_int_equal(poll(wanted, 2, PATIENCE_S * 1000), 1);
        struct scene *at = wanted[0].revents ? scene : other;
        assert_ptr_not_equal(at, from);
        from = at;
        int fd = accept_one(at);
        if (i == 2) { /* it ends the connection before it has said anything */
            close(fd);
            from = at = at == scene ? other : scene;
            fd = accept_one(at);
        }
        SAY(fd, start);
        SAY(fd, welcome);
        assert_int_equal(await_news(scene), CONNECTION_OPENED);
        lose(scene);
        close(fd);
    }
    close_scene((void **)&other);
}

static void when_none_of_several_answers_all_of_them_are_said_to_be_away(void **state)
{
    struct scene *scene = *state;
    struct why why;

    snprintf(scene->url, sizeof scene->url, "amqp://127.0.0.1:1,amqp://127.0.0.1:2");
    open_connection(scene, (struct connection_settings){0});
    assert_int_equal(connection_wait(scene->connection, -1, clock_now_ns() + 100 * MS, &why),
                     -ERR_UNAVAILABLE);
    assert_non_null(strstr(why.text, "none of 2 brokers"));
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
    const struct CMUnitTest tests[] = {
        IN_SCENE(nothing_is_sent_before_the_first_step),
        IN_SCENE(a_broker_that_says_nothing_makes_nobody_wait),
        IN_SCENE(a_broker_that_answers_is_handed_over_set_up),
        IN_SCENE(each_attempt_works_with_what_holds_when_it_begins),
        IN_SCENE(pauses_double_to_half_a_second_while_attempts_fail),
        IN_SCENE(pauses_double_to_five_seconds_while_connections_are_of_no_use),
        IN_SCENE(closing_leaves_an_attempt_to_itself),
        IN_SCENE(an_outcome_that_nobody_took_is_closed_too),
        IN_SCENE(a_goodbye_makes_nobody_wait),
        IN_SCENE(a_goodbye_that_nobody_waits_for_is_said),
        IN_SCENE(waiting_ends_when_it_is_open),
        IN_SCENE(waiting_ends_with_an_error_that_time_does_not_mend),
        IN_SCENE(waiting_ends_when_woken),
        IN_SCENE(waiting_ends_at_the_deadline),
        IN_SCENE(of_several_the_next_is_tried_when_one_fails),
        IN_SCENE(when_none_of_several_answers_all_of_them_are_said_to_be_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
