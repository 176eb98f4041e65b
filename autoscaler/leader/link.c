#include "link.h"

#include "clock.h"
#include "log.h"

int link_open(struct link *link, const struct connection_settings *settings, const char *purpose,
              struct why *why)
{
    *link = (struct link){.purpose = purpose, .waits = settings->missing_pause_ns > 0};
    return connection_open(settings, &link->connection, why);
}

void link_close(struct link *link)
{
    connection_close(link->connection);
    link->connection = NULL;
}

void link_leave(struct link *link)
{
    if (link->connection)
        connection_leave(link->connection);
}

bool link_has_left(const struct link *link)
{
    return !link->connection || connection_has_left(link->connection);
}

/* The loss itself is news; an attempt to come back that failed is, when it failed otherwise than
 * the one before. */
static void log_failure(struct link *link, int error, const struct why *why)
{
    enum log_level level = link->error == error ? LOG_DEBUG : LOG_WARN;

    if (error == -ERR_MISSING && link->waits)
        log_event(level, "entity_missing", "why=\"%s\" doing=\"waiting for it\"", why->text);
    else if (link->was_open)
        log_event(level, "connection_lost", "for=%s why=\"%s\"", link->purpose, why->text);
    else if (error == -ERR_UNAVAILABLE)
        log_event(level, "no_connection", "for=%s why=\"%s\" doing=\"trying on\"", link->purpose,
                  why->text);
    link->error = error;
}

static bool is_over(const struct link *link)
{
    return link->retired && !connection_broker(link->connection);
}

bool link_step(struct link *link, int64_t now_ns)
{
    struct why why = {0};

    link->failed = false;
    if (is_over(link))
        return false;
    switch (connection_step(link->connection, now_ns)) {
    case CONNECTION_OPENED:
        if (link->was_open)
            log_event(LOG_INFO, "connected", "for=%s", link->purpose);
        link->was_open = true;
        link->error = 0;
        return true;
    case CONNECTION_FAILED:
        link->failed = true;
        log_failure(link, connection_error(link->connection, &why), &why);
        return false;
    case CONNECTION_NO_NEWS:
    default:
        return false;
    }
}

void link_retire(struct link *link)
{
    link->retired = true;
}

struct broker *link_broker(const struct link *link)
{
    return connection_broker(link->connection);
}

void link_lost(struct link *link, int error, const struct why *why)
{
    log_failure(link, error, why);
    connection_lost(link->connection, error, why);
}

int64_t link_due_ns(const struct link *link)
{
    return is_over(link) ? CLOCK_NEVER : connection_due_ns(link->connection);
}

size_t link_poll(const struct link *link, struct pollfd *fds)
{
    if (is_over(link))
        return 0;
    connection_poll(link->connection, fds);
    return fds->fd >= 0;
}
