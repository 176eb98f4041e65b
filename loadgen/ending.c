#include "ending.h"

static void note_change(struct ending_change *change, uint64_t count, int64_t now_ns)
{
    if (count != change->count)
        *change = (struct ending_change){count, now_ns};
}

void ending_start(struct ending *ending, int64_t now_ns)
{
    ending->happened.at_ns = now_ns;
}

void ending_note(struct ending *ending, const struct ledger_counts *counts, bool held,
                 int64_t now_ns)
{
    note_change(&ending->happened,
                counts->published + counts->confirmed + counts->returned + counts->results +
                    counts->dead,
                now_ns);
    if (held || ending->held)
        ending->happened.at_ns = now_ns;
    ending->held = held;
    note_change(&ending->answers, counts->results + counts->dead + counts->duplicates, now_ns);
}

bool ending_signal(struct ending *ending, int64_t now_ns)
{
    if (ending->stopping) {
        ending->at_once = true;
        return false;
    }
    ending->stopping = true;
    ending->stopped_ns = now_ns;
    return true;
}

bool ending_reached(const struct ending *ending, const struct ledger_counts *counts, bool scheduled,
                    uint64_t unsettled, int64_t now_ns)
{
    if (ending->at_once || (ending->stopping && now_ns >= ending->stopped_ns + ENDING_STOP_NS))
        return true;
    if (scheduled)
        return false;
    if (!ending->held && now_ns - ending->happened.at_ns >= ending->patience_ns)
        return true;
    if (unsettled)
        return false;
    return !ending->verify ||
           (counts->lost == 0 &&
            (!ending->answers.count || now_ns - ending->answers.at_ns >= ENDING_LINGER_NS));
}
