#include "health.h"

#include "autoscaler/policy/policy.h"
#include "clock.h"
#include "csv/history_format.h"

#include <math.h>
#include <string.h>

#define SILENT_NS (HEALTH_SILENT_S * CLOCK_NS_PER_S)

static const struct description {
    const char *name, *level, *reason;
} descriptions[HEALTH_WORDS] = {
    [HEALTH_AWAY] = {"away", "bad", "This page has no connection to the broker"},
    [HEALTH_UNLED] = {"unled", "bad", "Nobody runs the farm: start winnow-autoscaler"},
    [HEALTH_SILENT] = {"silent", "bad", "The autoscaler does not answer"},
    [HEALTH_UNKNOWN] = {"unknown", "care", "Nothing was heard of the farm yet"},
    [HEALTH_ENDING] = {"ending", "care", "The autoscaler ends, and its workers finish their work"},
    [HEALTH_BLIND] = {"blind", "bad", "The autoscaler has no connection to the broker"},
    [HEALTH_CRASHING] = {"crashing", "bad", "Workers crash, and none of them runs"},
    [HEALTH_FIXED] = {"fixed", "care", "Somebody has fixed the number of workers"},
    [HEALTH_PAUSED] = {"paused", "care", "Somebody has paused the farm"},
    [HEALTH_HELD] = {"held", "care",
                     "The number of workers stays, because what it goes by is not known"},
    [HEALTH_FULL] = {"full", "care", "The load needs more workers than the maximum"},
    [HEALTH_OK] = {"ok", "good", ""},
};

/* Since when the farm owes an answer. */
static int64_t quiet_since_ns(const struct feed *feed, const struct status *status,
                              int64_t received_ns)
{
    return status && feed->state == FEED_HEARD ? received_ns : feed->since_ns;
}

static bool is_bound_by(const struct status *status, enum policy_reason reason)
{
    const char *said = status->decision.reason;

    return said && strcmp(said, policy_reason_text(reason)) == 0;
}

/* What the autoscaler itself says. */
static enum health_word find_in(const struct status *status)
{
    if (strcmp(status->state, "draining") == 0)
        return HEALTH_ENDING;
    if (isfinite(status->broker_away_s))
        return HEALTH_BLIND;
    if (status->running == 0 && status->counters.crashed > 0 &&
        status->decision.desired_workers > 0)
        return HEALTH_CRASHING;
    if (isfinite(status->limits.replicas))
        return HEALTH_FIXED;
    if (status->limits.paused)
        return HEALTH_PAUSED;
    if (history_format_held(&status->decision))
        return HEALTH_HELD;
    return is_bound_by(status, POLICY_MAX) || is_bound_by(status, POLICY_TOTAL) ? HEALTH_FULL
                                                                                : HEALTH_OK;
}

bool health_is_known(const struct status *status)
{
    return isfinite(status->decided_s) && !is_bound_by(status, POLICY_HELD_ARRIVAL) &&
           !is_bound_by(status, POLICY_HELD_BACKLOG) && !is_bound_by(status, POLICY_HELD_BLOCKED);
}

enum health_word health_find(const struct feed *feed, const struct status *status,
                             int64_t received_ns, int64_t now_ns)
{
    if (feed->state == FEED_AWAY)
        return HEALTH_AWAY;
    if (feed->state == FEED_NOBODY)
        return HEALTH_UNLED;
    if (now_ns - quiet_since_ns(feed, status, received_ns) >= SILENT_NS)
        return HEALTH_SILENT;
    return status ? find_in(status) : HEALTH_UNKNOWN;
}

int64_t health_due_ns(const struct feed *feed, const struct status *status, int64_t received_ns)
{
    return feed->state == FEED_AWAY || feed->state == FEED_NOBODY
               ? CLOCK_NEVER
               : quiet_since_ns(feed, status, received_ns) + SILENT_NS;
}

const char *health_name(enum health_word word)
{
    return descriptions[word].name;
}

const char *health_level(enum health_word word)
{
    return descriptions[word].level;
}

const char *health_reason(enum health_word word)
{
    return descriptions[word].reason;
}
