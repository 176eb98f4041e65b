#include "leaderless.h"

#include "clock.h"
#include "log.h"

/* Much longer than the election of a leader takes. */
#define LEADERLESS_NS (5 * CLOCK_NS_PER_S)

bool leaderless_believes(struct leaderless *leaderless, const char *queue,
                         struct broker_queue_state answer, bool consumed, int64_t now_ns)
{
    if (answer.ready_msgs || answer.consumers) {
        if (leaderless->logged)
            log_event(LOG_INFO, "queue_leader_back", "queue=%s", queue);
        *leaderless = (struct leaderless){0};
        return true;
    }
    if (!consumed) {
        leaderless->since_ns = 0;
        return true;
    }
    if (!leaderless->since_ns)
        leaderless->since_ns = now_ns;
    if (!leaderless->logged && now_ns - leaderless->since_ns >= LEADERLESS_NS) {
        leaderless->logged = true;
        log_event(LOG_WARN, "queue_without_leader",
                  "queue=%s why=\"the broker sees none of its consumers: this quorum queue seems "
                  "to have no leader\" doing=\"keeping the number of workers\"",
                  queue);
    }
    return false;
}
