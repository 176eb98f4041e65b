#include "destroyed_notice.h"

#include "clock.h"
#include "log.h"

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    int error = topology_tell_destroyed(context, broker, why);

    return error ? error : broker_settle(broker, why);
}

/* That it failed is news when it failed otherwise than the attempt before. */
static void log_untold(struct destroyed_notice *notice, int error, const struct why *why)
{
    enum log_level level = notice->error == error ? LOG_DEBUG : LOG_WARN;

    log_event(level, "destroyed_untold", "why=\"%s\"", why->text);
    notice->error = error;
}

void destroyed_notice_begin(struct destroyed_notice *notice)
{
    const struct connection_settings settings = {.broker = *notice->options,
                                                 .set_up = set_up,
                                                 .context = notice->topology,
                                                 .context_bytes = sizeof *notice->topology};
    struct why why = {0};
    int error = notice->connection ? 0 : connection_open(&settings, &notice->connection, &why);

    if (error)
        log_untold(notice, error, &why);
}

void destroyed_notice_clear(struct destroyed_notice *notice)
{
    connection_close(notice->connection);
    notice->connection = NULL;
    notice->error = 0;
}

int64_t destroyed_notice_step(struct destroyed_notice *notice, int64_t now_ns)
{
    struct why why = {0};

    if (!notice->connection)
        return CLOCK_NEVER;
    switch (connection_step(notice->connection, now_ns)) {
    case CONNECTION_OPENED:
        /* The broker has taken the notice. Saying goodbye to it would mean to wait. */
        connection_lost(notice->connection, 0, &why);
        destroyed_notice_clear(notice);
        return CLOCK_NEVER;
    case CONNECTION_FAILED:
        log_untold(notice, connection_error(notice->connection, &why), &why);
        break;
    case CONNECTION_NO_NEWS:
    default:
        break;
    }
    return connection_due_ns(notice->connection);
}

size_t destroyed_notice_poll(const struct destroyed_notice *notice, struct pollfd *fds)
{
    if (!notice->connection)
        return 0;
    connection_poll(notice->connection, fds);
    return fds->fd >= 0;
}
