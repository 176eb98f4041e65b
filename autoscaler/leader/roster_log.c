#include "roster_log.h"

#include "clock.h"
#include "log.h"

static const char *const losses[] = {
    [ROSTER_SILENT] = "it has reported nothing for 10 s",
    [ROSTER_GONE] = "its orders come back: its connection has ended",
    [ROSTER_SUCCEEDED] = "it led before, and has told its successor nothing",
};

void roster_log_news(enum roster_news news, const struct roster_node *node)
{
    if (news == ROSTER_NO_NEWS)
        return;

    const struct report_message *report = &node->report;
    enum log_level lost = report->leaving ? LOG_INFO : LOG_WARN;

    switch (news) {
    case ROSTER_JOINED:
    case ROSTER_RESTARTED:
        log_event(LOG_INFO, "node_joined", "node=%s capacity=%lld rank=%lld running=%lld",
                  report->node, (long long)report->capacity, (long long)report->rank,
                  (long long)report->running);
        break;
    case ROSTER_BACK:
        log_event(LOG_INFO, "node_back", "node=%s running=%lld", report->node,
                  (long long)report->running);
        break;
    case ROSTER_LEAVES:
        log_event(LOG_INFO, "node_leaving", "node=%s running=%lld", report->node,
                  (long long)report->running);
        break;
    case ROSTER_LOST:
        log_event(lost, "node_lost", "node=%s left=%s why=\"%s\"", report->node,
                  report->leaving ? "true" : "false", losses[node->loss]);
        break;
    case ROSTER_UNABLE:
        log_event(LOG_WARN, "node_unable",
                  "node=%s crashed=%lld why=\"its workers end before one runs\" doing=\"giving its "
                  "share to others, and trying one again in %d s\"",
                  report->node, (long long)report->crashed,
                  (int)(ROSTER_RETRY_NS / CLOCK_NS_PER_S));
        break;
    case ROSTER_TRIES:
        log_event(LOG_INFO, "node_tried", "node=%s", report->node);
        break;
    case ROSTER_ABLE:
        log_event(LOG_INFO, "node_able", "node=%s", report->node);
        break;
    case ROSTER_NO_NEWS:
        break;
    }
}
