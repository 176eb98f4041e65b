#include "connection.h"

#include "clock.h"
#include "log.h"

#define FIRST_PAUSE_NS (20 * CLOCK_NS_PER_MS)
#define LAST_PAUSE_NS  (500 * CLOCK_NS_PER_MS)

void loadgen_connection_init(struct connection *connection, const struct options *options,
                             const char *name)
{
    *connection = (struct connection){.options = options, .name = name};
}

void loadgen_connection_clear(struct connection *connection)
{
    broker_close(connection->broker);
    loadgen_connection_init(connection, connection->options, connection->name);
}

int loadgen_connection_open(struct connection *connection, int wake_fd, int64_t deadline_ns,
                            struct why *why)
{
    struct broker_options options = options_broker(connection->options, connection->name);

    return broker_open_retry(&options, wake_fd, deadline_ns, &connection->broker, why);
}

void loadgen_connection_lose(struct connection *connection, int error, const struct why *why)
{
    int64_t now_ns = clock_now_ns();

    if (connection->broker) {
        broker_close(connection->broker);
        connection->broker = NULL;
        connection->lost_ns = now_ns;
        log_event(LOG_WARN, "connection_lost", "why=\"%s\"", why->text);
    }
    connection->lost_error = error;
    connection->lost_why = *why;
    connection->reopen_ns = now_ns + connection->pause_ns;
    connection->pause_ns = connection->pause_ns == 0 ? FIRST_PAUSE_NS : 2 * connection->pause_ns;
    if (connection->pause_ns > LAST_PAUSE_NS)
        connection->pause_ns = LAST_PAUSE_NS;
}

void loadgen_connection_prove(struct connection *connection)
{
    connection->pause_ns = 0;
}

int loadgen_connection_reopen(struct connection *connection, int64_t now_ns, struct why *why)
{
    if (connection->broker || now_ns < connection->reopen_ns)
        return 0;

    struct broker_options options = options_broker(connection->options, connection->name);
    struct why reason = {0};
    int error = broker_open(&options, &connection->broker, &reason);
    if (!error) {
        log_event(LOG_INFO, "connection_back", "after_ms=%lld",
                  (long long)((clock_now_ns() - connection->lost_ns) / CLOCK_NS_PER_MS));
        return 1;
    }
    loadgen_connection_lose(connection, error, &reason);
    if (clock_now_ns() - connection->lost_ns < connection->options->connect_timeout_ns)
        return 0;
    *why = connection->lost_why;
    return connection->lost_error;
}

int64_t loadgen_connection_due_ns(const struct connection *connection)
{
    return connection->broker ? broker_heartbeat_due_ns(connection->broker) : connection->reopen_ns;
}
