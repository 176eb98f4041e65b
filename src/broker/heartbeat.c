/* What the library is tuned to, and heartbeats, in both directions. Over plain TCP they are ours:
 * the library's would get between the two halves of a frame of which the socket took only the
 * first. Over TLS the library does it. */
#include "internal.h"

#include "clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* The broker passes on a content header whole, however much larger it is than the frames that were
 * agreed on with us: the publisher had other limits, or the broker has added something. The library
 * refuses larger frames than it was tuned to. */
#define INBOUND_FRAME_BYTES (1u << 20)

int broker_tune(struct broker *broker, struct why *why)
{
    int channels = amqp_get_channel_max(broker->amqp);
    size_t frame_max =
        broker->frame_max > INBOUND_FRAME_BYTES ? broker->frame_max : INBOUND_FRAME_BYTES;
    int heartbeat_s = broker->tls ? amqp_get_heartbeat(broker->amqp) : 0;

    /* In the middle of a frame, where nobody should be after a log-in, amqp_tune_connection would
     * end the process. */
    if (!amqp_release_buffers_ok(broker->amqp))
        return broker_fail_status(broker, AMQP_STATUS_BAD_AMQP_DATA, why);
    int status = amqp_tune_connection(broker->amqp, channels, (int)frame_max, heartbeat_s);
    if (status != AMQP_STATUS_OK)
        return broker_fail_status(broker, status, why);
    broker->outgoing.sent_ns = broker->outgoing.checked_ns = clock_now_ns();
    return 0;
}

int broker_beat(struct broker *broker, struct why *why)
{
    static const char heartbeat[BROKER_FRAME_OVERHEAD] = {AMQP_FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0,
                                                          (char)AMQP_FRAME_END};

    if (broker->tls || !broker->heartbeat_ns || broker_unsent(broker) ||
        clock_now_ns() - broker->outgoing.sent_ns < broker->heartbeat_ns / 2)
        return 0;
    int error = broker_append(broker, heartbeat, sizeof heartbeat, why);
    return error ? error : broker_flush(broker, why);
}

int broker_check_alive(struct broker *broker, struct why *why)
{
    struct outgoing *out = &broker->outgoing;
    struct tcp_info info;
    socklen_t size = sizeof info;

    if (broker->tls || !broker->heartbeat_ns)
        return 0;
    int64_t now_ns = clock_now_ns();
    if (now_ns - out->checked_ns < broker->heartbeat_ns / 4)
        return 0;
    /* The library does not tell of the broker's heartbeats, but the kernel knows when anything last
     * came in. */
    out->checked_ns = now_ns;
    if (getsockopt(broker_socket(broker), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_last_data_recv * CLOCK_NS_PER_MS > 2 * broker->heartbeat_ns)
        return broker_fail_status(broker, AMQP_STATUS_HEARTBEAT_TIMEOUT, why);
    return 0;
}
