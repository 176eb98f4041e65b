#include "farm_lock.h"

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
