#include "farm_lock.h"

#include "clock.h"
#include "permissions.h"

/* The broker notices within three heartbeats that a connection is dead; a second for the next
 * attempt. */
#define DEAD_CONNECTION_NS ((3 * BROKER_HEARTBEAT_S + 1) * CLOCK_NS_PER_S)

/* What to do about an error of the lock, where the broker's own words do not say it. */
static int explain(const struct topology *topology, int error, struct why *why)
{
    bool is_lock = error_is_about(why, ABOUT_QUEUE, topology->lock);

    switch (error) {
    case -ERR_LOCKED:
        return topology->foreign
                   ? error_set(why, ERR_LOCKED,
                               "another autoscaler runs the queue '%s', or a farm of the name "
                               "'%s' (or ended less than %d s ago); stop it",
                               topology->work, topology->farm, 3 * BROKER_HEARTBEAT_S)
                   : error_set(why, ERR_LOCKED,
                               "another autoscaler runs the farm '%s' (or ended less than %d s "
                               "ago); stop it, or name another farm with --farm",
                               topology->farm, 3 * BROKER_HEARTBEAT_S);
    case -ERR_REFUSED:
        permissions_explain(topology, PERMISSIONS_AUTOSCALER, why);
        return error;
    case -ERR_CONFIG:
        if (topology->foreign && (is_lock || error_is_about(why, ABOUT_QUEUE, topology->count)))
            return error_set(why, ERR_CONFIG,
                             "there is a queue '%s' that is somebody else's, and that name is what "
                             "an autoscaler's %s would have%s",
                             is_lock ? topology->lock : topology->count,
                             is_lock ? "lock" : "count queue",
                             is_lock ? "" : "; name another farm with --farm");
        return error;
    default:
        return error;
    }
}

int farm_lock_take(const struct topology *topology, struct broker *broker, struct why *why)
{
    return explain(topology, topology_declare_count(topology, broker, why), why);
}

void farm_lock_note(struct farm_lock *lock, int error, int64_t now_ns)
{
    if (error != -ERR_LOCKED)
        lock->refused_ns = 0;
    else if (!lock->refused_ns)
        lock->refused_ns = now_ns;
}

bool farm_lock_is_another(const struct farm_lock *lock, int64_t now_ns)
{
    return lock->refused_ns && now_ns - lock->refused_ns > DEAD_CONNECTION_NS;
}
