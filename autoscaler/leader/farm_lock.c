#include "farm_lock.h"

#include "clock.h"
#include "permissions.h"

/* The broker notices within three heartbeats that a connection is dead; a second for the next
 * attempt. */
#define DEAD_CONNECTION_NS ((3 * BROKER_HEARTBEAT_S + 1) * CLOCK_NS_PER_S)

/* What to do about an error of the lock, where the broker's own words do not say it. */
static int explain(const struct topology *topology, int error, struct why *why)
{
    const int dead_s = 3 * BROKER_HEARTBEAT_S;

    if (error == -ERR_REFUSED)
        permissions_explain(topology, PERMISSIONS_AUTOSCALER, why);
    if (error != -ERR_LOCKED)
        return error;
    /* The broker says the same of a queue that is nobody's alone. */
    if (topology->foreign)
        return error_set(why, ERR_LOCKED,
                         "another autoscaler runs the queue '%s' or a farm called '%s' (or ended "
                         "less than %d s ago); stop it. Or a queue called '%s' or '%s' is somebody "
                         "else's; with --farm the latter has another name",
                         topology->work, topology->farm, dead_s, topology->lock, topology->count);
    return error_set(why, ERR_LOCKED,
                     "another autoscaler runs the farm '%s' (or ended less than %d s ago); stop "
                     "it, or name another farm with --farm",
                     topology->farm, dead_s);
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
