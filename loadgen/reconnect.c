#include "reconnect.h"

#include "clock.h"
#include "log.h"

void reconnect_lost(struct connection *connection, int error, const struct why *why)
{
    log_event(LOG_WARN, "connection_lost", "why=\"%s\"", why->text);
    connection_lost(connection, error, why);
}

int reconnect_step(struct connection *connection, int64_t patience_ns, struct why *why)
{
    int64_t away_ns = clock_now_ns() - connection_away_since_ns(connection);
    struct why reason = {0};
    int error;

    switch (connection_step(connection, clock_now_ns())) {
    case CONNECTION_OPENED:
        log_event(LOG_INFO, "connection_back", "after_ms=%lld",
                  (long long)(away_ns / CLOCK_NS_PER_MS));
        return 1;
    case CONNECTION_FAILED:
        error = connection_error(connection, &reason);
        /* That the broker cannot be reached is to be expected after the loss, which was logged. */
        if (error != -ERR_UNAVAILABLE)
            log_event(LOG_WARN, "connection_lost", "why=\"%s\"", reason.text);
        if (away_ns < patience_ns)
            return 0;
        *why = reason;
        return error;
    case CONNECTION_NO_NEWS:
    default:
        return 0;
    }
}
