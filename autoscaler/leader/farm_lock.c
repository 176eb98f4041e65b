#include "farm_lock.h"

#include "clock.h"
#include "permissions.h"

/* The broker notices within three heartbeats that a connection is dead; a second for the next
 * attempt. */
#define DEAD_CONNECTION_NS ((3 * BROKER_HEARTBEAT_S + 1) * CLOCK_NS_PER_S)

/* What was exclusive to a connection of a broker that is cut off is so until the other brokers of
 * its cluster miss it: a net_ticktime and a quarter of it, which is 60 s unless it is set. */
#define DEAD_BROKER_NS (76 * CLOCK_NS_PER_S)

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

int64_t farm_lock_patience_ns(const struct farm_lock *lock)
{
    return lock->clustered ? DEAD_BROKER_NS : DEAD_CONNECTION_NS;
}

bool farm_lock_is_another(const struct farm_lock *lock, int64_t now_ns)
{
    return lock->refused_ns && now_ns - lock->refused_ns > farm_lock_patience_ns(lock);
}
