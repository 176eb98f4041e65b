#include "hang_watch.h"

#include "broker/broker.h"
#include "clock.h"
#include "log.h"

/* A worker without an event shows a sign of life at least every heartbeat. */
#define IDLE_HANG_NS (BROKER_HEARTBEAT_S * CLOCK_NS_PER_S)

/* The autoscaler comes here at least every heartbeat. */
#define STANDSTILL_NS (2 * CLOCK_NS_PER_S)

/* Of workers that wait for the broker, or are on an event that may take long, the process is looked
 * at this often: each time costs system calls. */
#define STOPPED_CHECK_NS (1 * CLOCK_NS_PER_S)

int64_t hang_watch_step(struct hang_watch *watch, struct pool *pool, struct launcher *launcher,
                        struct scoreboard *scoreboard, int64_t now_ns)
{
    int64_t wake_ns = CLOCK_NEVER;

    /* When nobody came here for so long, the whole host may have stood still: judge from now on. */
    if (now_ns - watch->stepped_ns > STANDSTILL_NS)
        watch->judge_from_ns = now_ns;
    watch->stepped_ns = now_ns;
    bool check_stopped = now_ns >= watch->stopped_check_ns;
    if (check_stopped)
        watch->stopped_check_ns = now_ns + STOPPED_CHECK_NS;
    for (size_t i = 0; i < pool->used; i++) {
        const struct scoreboard_slot *slot = scoreboard_slot(scoreboard, i);
        enum worker_state state = pool->slots[i].state;
        int32_t said = atomic_load_explicit(&slot->state, memory_order_acquire);
        /* A draining worker may hang long before its deadline. */
        if ((state != WORKER_RUNNING && state != WORKER_DRAINING) || said == SCOREBOARD_EMPTY)
            continue;
        /* One that has shown no progress yet was started a moment ago. */
        int64_t from_ns = pool->slots[i].started_ns > watch->judge_from_ns
                              ? pool->slots[i].started_ns
                              : watch->judge_from_ns;
        int64_t silent_ns =
            scoreboard_silent_at_ns(slot, from_ns, watch->hang_timeout_ns, IDLE_HANG_NS);
        if (silent_ns > now_ns) {
            wake_ns = silent_ns < wake_ns ? silent_ns : wake_ns;
            continue;
        }
        int64_t hung_ns =
            scoreboard_hung_at_ns(slot, from_ns, watch->hang_timeout_ns, IDLE_HANG_NS);
        bool may_be_silent =
            said == SCOREBOARD_BLOCKED || said == SCOREBOARD_SENDING || hung_ns > now_ns;
        if (may_be_silent && !(check_stopped && launcher_stopped(launcher, i))) {
            if (hung_ns > now_ns && hung_ns < wake_ns)
                wake_ns = hung_ns;
            continue;
        }
        log_event(LOG_WARN, "worker_hung", "worker=%d slot=%zu", launcher_pid(launcher, i), i);
        pool_hung(pool, i);
    }
    return wake_ns;
}
