#include "words_follow.h"

#include "broker/broker.h"
#include "broker/connection.h"
#include "clock.h"
#include "log.h"
#include "plain_json.h"
#include "printable.h"
#include "signals.h"
#include "topology.h"
#include "verbatim.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* A broadcast is as long as an entry, whatever somebody else may send there. */
#define SHOWN_BYTES 65536

/* All that an attempt to connect works with. */
struct setting {
    const struct topology *topology;
    char queue[TOPOLOGY_NAME_SIZE + 40];
};

struct follower {
    const struct ctl_options *options;
    struct setting setting;
    struct connection *connection;
    struct broker_properties *properties;
    int signal_fd;
    bool connected; /* at least once */
    bool said_away;
    FILE *out;
};

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct setting *setting = context;
    int error = topology_hear_insults(setting->topology, broker, setting->queue, why);

    return error ? error : broker_consume(broker, setting->queue, "insults", 0, true, why);
}

static int open_follower(struct follower *follower, const char *name, struct why *why)
{
    const struct options *options = &follower->options->common;
    const struct connection_settings settings = {
        .broker = options_broker(options, name),
        .set_up = set_up,
        .context = &follower->setting,
        .context_bytes = sizeof follower->setting,
    };
    uint64_t random;

    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_set(why, ERR_SYSTEM, "no random number: %s", strerror(errno));
    follower->setting.topology = &options->topology;
    snprintf(follower->setting.queue, sizeof follower->setting.queue, "%s.follow.%016" PRIx64,
             options->topology.farm, random);
    follower->properties = broker_properties_open();
    return follower->properties ? connection_open(&settings, &follower->connection, why)
                                : error_set(why, ERR_MEMORY, "out of memory");
}

/* Until the exchange is there, which the first service declares. */
static int connect(struct follower *follower, struct why *why)
{
    const struct options *options = &follower->options->common;
    int64_t now_ns = clock_now_ns(), deadline_ns = now_ns + follower->options->wait_ns;
    int error;

    do
        error = connection_wait(follower->connection, follower->signal_fd,
                                now_ns + options->connect_timeout_ns, why);
    while (error == -ERR_MISSING && clock_now_ns() < deadline_ns);
    if (error == -ERR_MISSING)
        return error_set(why, ERR_TIMEOUT,
                         "no word service has been started for the farm '%s'; start winnow-words "
                         "--farm '%s'",
                         options->topology.farm, options->topology.farm);
    return error;
}

/* ---- broadcasts ---- */

static void print_json(const struct follower *follower, struct broker_bytes body)
{
    const struct broker_properties *properties = follower->properties;
    struct broker_bytes id = broker_properties_get(properties, BROKER_MESSAGE_ID);
    struct broker_bytes from = broker_headers_get_text(properties, "winnow-worker");
    struct plain_json text = {0};
    int64_t number;

    plain_json_put(&text, "{\"entry\":");
    plain_json_add_bytes(&text, body.bytes, body.length);
    if (broker_headers_get_int(properties, "winnow-severity", &number)) {
        plain_json_put(&text, ",\"severity\":");
        plain_json_add_int(&text, number);
    }
    if (broker_headers_get_int(properties, "winnow-version", &number)) {
        plain_json_put(&text, ",\"version\":");
        plain_json_add_int(&text, number);
    }
    if (id.bytes) {
        plain_json_put(&text, ",\"message_id\":");
        plain_json_add_bytes(&text, id.bytes, id.length);
    }
    if (from.bytes) {
        plain_json_put(&text, ",\"from\":");
        plain_json_add_bytes(&text, from.bytes, from.length);
    }
    plain_json_put(&text, "}");
    if (!text.failed)
        verbatim_print(text.bytes, text.length, follower->out);
    free(text.bytes);
}

static void print_text(const struct follower *follower, struct broker_bytes body)
{
    static char text[SHOWN_BYTES];

    printable_write(body.bytes, body.length, false, text, sizeof text);
    fprintf(follower->out, "%s\n", text);
}

static void print(struct follower *follower, const struct broker_event *event)
{
    connection_mark_useful(follower->connection);
    /* Properties that cannot be read are empty. */
    (void)broker_properties_decode(follower->properties, event->raw_properties);
    if (follower->options->json)
        print_json(follower, event->body);
    else
        print_text(follower, event->body);
}

/* ---- the loop ---- */

static void say_away(struct follower *follower, const struct why *why)
{
    const char *farm = follower->options->common.topology.farm;

    if (!follower->said_away)
        log_event(LOG_WARN, "farm_silent", "farm=%s why=\"%s\"", farm, why->text);
    follower->said_away = true;
}

static void reconnect(struct follower *follower)
{
    struct why why;

    switch (connection_step(follower->connection, clock_now_ns())) {
    case CONNECTION_OPENED:
        log_event(LOG_INFO, "farm_heard", "farm=%s", follower->options->common.topology.farm);
        follower->said_away = false;
        break;
    case CONNECTION_FAILED:
        (void)connection_error(follower->connection, &why);
        say_away(follower, &why);
        break;
    default:
        break;
    }
}

/* Prints all that has come. */
static void hear(struct follower *follower)
{
    struct broker *broker = connection_broker(follower->connection);
    struct broker_event event;
    struct why why;
    int got;

    if (!broker) {
        reconnect(follower);
        return;
    }
    while ((got = broker_next(broker, &event, &why)) > 0) {
        if (event.type == BROKER_DELIVERY)
            print(follower, &event);
        if (event.type == BROKER_CANCELLED) {
            got = error_set(&why, ERR_UNAVAILABLE, "somebody deleted the queue %s",
                            follower->setting.queue);
            break;
        }
    }
    if (got < 0) {
        connection_lost(follower->connection, got, &why);
        say_away(follower, &why);
    }
}

static void rest(const struct follower *follower)
{
    struct pollfd fds[2] = {{.fd = -1}, {.fd = follower->signal_fd, .events = POLLIN}};
    struct timespec left;

    connection_poll(follower->connection, &fds[0]);
    ppoll(fds, 2, clock_left(connection_due_ns(follower->connection), &left), NULL);
}

int words_follow(const struct ctl_options *options, FILE *out, struct why *why)
{
    struct follower follower = {.options = options, .signal_fd = -1, .out = out};
    char name[BROKER_NAME_SIZE];
    int error = signals_open(&follower.signal_fd, why);

    broker_client_name(options->common.topology.farm, options->common.program, name);
    if (!error)
        error = open_follower(&follower, name, why);
    if (!error)
        error = connect(&follower, why);
    bool ended = error == -ERR_TIMEOUT && signals_next(follower.signal_fd);
    while (!error && !signals_next(follower.signal_fd)) {
        hear(&follower);
        if (fflush(out))
            error =
                error_set(why, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
        else
            rest(&follower);
    }
    connection_close(follower.connection);
    broker_properties_close(follower.properties);
    if (follower.signal_fd >= 0)
        close(follower.signal_fd);
    return ended ? 0 : error;
}
