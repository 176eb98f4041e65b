#include "farm_lock.h"

#include "clock.h"

/* The broker notices within three heartbeats that a connection is dead; a second for the next
 * attempt. */
#define DEAD_CONNECTION_NS ((3 * BROKER_HEARTBEAT_S + 1) * CLOCK_NS_PER_S)

int farm_lock_take(const struct topology *topology, struct broker *broker, struct why *why)
{
    int error = topology_declare_count(topology, broker, why);

    if (error == -ERR_LOCKED)
        return error_set(
            why, ERR_LOCKED,
            "another autoscaler runs the farm '%s' (or ended less than %d s ago); stop it, "
            "or name another farm with --farm",
            topology->farm, 3 * BROKER_HEARTBEAT_S);
    return error;
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
