#include "docket.h"

#include <stdlib.h>

static int by_event(const void *a, const void *b)
{
    const struct docket_entry *first = a, *second = b;

    return first->record.event < second->record.event ? -1
                                                      : first->record.event > second->record.event;
}

static size_t count_of(const struct roster *roster)
{
    size_t count = 0;

    for (size_t i = 0; i < roster->count; i++)
        if (!roster->nodes[i]->lost)
            count += roster->nodes[i]->report.event_count;
    return count;
}

int docket_gather(struct docket *docket, const struct roster *roster)
{
    size_t count = count_of(roster);

    *docket = (struct docket){0};
    if (!count)
        return 0;
    docket->entries = calloc(count, sizeof *docket->entries);
    if (!docket->entries)
        return -ERR_MEMORY;
    for (size_t i = 0; i < roster->count; i++) {
        const struct report_message *report = &roster->nodes[i]->report;
        for (size_t j = 0; !roster->nodes[i]->lost && j < report->event_count; j++)
            docket->entries[docket->count++] = (struct docket_entry){i, report->events[j]};
    }
    qsort(docket->entries, docket->count, sizeof *docket->entries, by_event);
    return 0;
}

void docket_clear(struct docket *docket)
{
    free(docket->entries);
    *docket = (struct docket){0};
}

static void add(struct event_record *sum, const struct event_record *record)
{
    sum->attempts += record->attempts;
    if (sum->attempts > EVENT_RECORDS_MOST_ATTEMPTS)
        sum->attempts = EVENT_RECORDS_MOST_ATTEMPTS;
    sum->suspect |= record->suspect;
    sum->forgiven |= record->forgiven;
}

size_t docket_for(const struct docket *docket, size_t node,
                  struct event_record records[EVENT_RECORDS_MOST])
{
    size_t count = 0;

    for (size_t i = 0; i < docket->count; i++) {
        const struct docket_entry *entry = &docket->entries[i];
        if (entry->node == node)
            continue;
        if (count && records[count - 1].event == entry->record.event)
            add(&records[count - 1], &entry->record);
        else if (count < EVENT_RECORDS_MOST)
            records[count++] = entry->record;
        else
            break;
    }
    return count;
}
