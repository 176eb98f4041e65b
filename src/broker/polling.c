/* What to wait for on a connection, and how long. */
#include "internal.h"

#include "clock.h"

#include <poll.h>

int broker_fd(const struct broker *broker)
{
    return broker_socket(broker);
}

short broker_poll_events(const struct broker *broker)
{
    return broker_unsent(broker) || broker_backed_up(broker) ? POLLIN | POLLOUT : POLLIN;
}

int64_t broker_heartbeat_due_ns(const struct broker *broker)
{
    /* One is sent when half an interval has passed without traffic, by broker_next alone. */
    return broker->heartbeat_ns ? clock_now_ns() + broker->heartbeat_ns / 4 : CLOCK_NEVER;
}

void broker_wait(struct broker *broker, int wake_fd, int64_t deadline_ns)
{
    struct why why;

    /* When the connection turns out to be lost, broker_next tells it next. */
    if (broker_buffered(broker) || broker_flush(broker, &why))
        return;

    int64_t heartbeat_ns = broker_heartbeat_due_ns(broker);
    struct pollfd fds[] = {{.fd = broker_fd(broker), .events = broker_poll_events(broker)},
                           {.fd = wake_fd, .events = POLLIN}};
    struct timespec left;
    ppoll(fds, 2, clock_left(heartbeat_ns < deadline_ns ? heartbeat_ns : deadline_ns, &left), NULL);
}
