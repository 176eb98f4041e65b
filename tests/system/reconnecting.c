/* A program that does nothing but keep a connection, for tests. It declares the farm on each new
 * one, looks at SIGHUP whether the farm is still there, says on its standard output what happened,
 * and ends at SIGTERM, in the middle of an attempt if there is one. */
#include "broker/connection.h"

#include "clock.h"
#include "options.h"
#include "signals.h"

#include <stdio.h>

#define PROGRAM "reconnecting"

static const struct argp argp = {0};
static const char *const subjects[] = {[ABOUT_NOTHING] = "",
                                       [ABOUT_QUEUE] = "queue ",
                                       [ABOUT_EXCHANGE] = "exchange ",
                                       [ABOUT_LIMIT] = "limit "};

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    return topology_declare(context, broker, why);
}

/* Takes what comes in; an error ends the connection. */
static void serve(struct connection *connection)
{
    struct broker_event event;
    struct why why = {0};
    int got;

    while ((got = broker_next(connection_broker(connection), &event, &why)) == 1)
        ;
    if (got < 0) {
        printf("lost %s'%s': %s\n", subjects[why.about], why.name, why.text);
        connection_lost(connection, got, &why);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    char name[BROKER_NAME_SIZE];
    struct connection *connection = NULL;
    struct why why = {0};
    int signal_fd, hangup_fd, signal = 0;
    int64_t longest_ns = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    options_parse(&options, PROGRAM, &argp, argc, argv, NULL);
    broker_client_name(options.topology.farm, PROGRAM, name);
    struct connection_settings settings = {.broker = options_broker(&options, name),
                                           .set_up = set_up,
                                           .context = &options.topology,
                                           .context_bytes = sizeof options.topology};
    int error = signals_open(&signal_fd, &why);
    if (!error)
        error = signals_open_hangup(&hangup_fd, &why);
    if (!error)
        error = connection_open(&settings, &connection, &why);
    while (!error && !signal) {
        int64_t now_ns = clock_now_ns();
        enum connection_news news = connection_step(connection, now_ns);
        int64_t took_ns = clock_now_ns() - now_ns;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        if (news == CONNECTION_OPENED)
            printf("opened\n");
        if (news == CONNECTION_FAILED) {
            int failure = connection_error(connection, &why);
            printf("failed %s: %s\n", error_text(failure), why.text);
        }
        if (connection_broker(connection))
            serve(connection);
        struct pollfd fds[3] = {
            [1] = {.fd = signal_fd, .events = POLLIN}, [2] = {.fd = hangup_fd, .events = POLLIN}};
        struct timespec left;
        connection_poll(connection, &fds[0]);
        ppoll(fds, 3, clock_left(connection_due_ns(connection), &left), NULL);
        signal = signals_next(signal_fd);
        if (signals_next(hangup_fd) && connection_broker(connection))
            error = topology_check(&options.topology, connection_broker(connection), &why);
    }
    printf("longest step %lld ms\n", (long long)(longest_ns / CLOCK_NS_PER_MS));
    connection_close(connection);
    return error ? options_fail(PROGRAM, error, &why) : 0;
}
