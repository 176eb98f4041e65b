#include "tally.h"

#include <stdlib.h>
#include <string.h>

#define MOST (2 * EVENT_RECORDS_MOST)

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_event(const void *a, const void *b)
{
    return compare(((const struct event_record *)a)->event,
                   ((const struct event_record *)b)->event);
}

static int record_by_event(const void *a, const void *b)
{
    return compare(((const struct tally_record *)a)->event,
                   ((const struct tally_record *)b)->event);
}

static struct tally_record *find(struct tally *tally, uint64_t event)
{
    const struct tally_record key = {.event = event};

    return bsearch(&key, tally->records, tally->count, sizeof key, record_by_event);
}

/* ---- what is forgiven here ---- */

/* Less is held against it than others have told. */
static bool is_answered(const struct tally_record *record, const struct scoreboard *scoreboard)
{
    struct scoreboard_record now = scoreboard_look_up(scoreboard, scoreboard_event(record->event));

    return now.attempts < record->told.attempts || (record->told.suspect && !now.suspect);
}

static void forgive(struct tally *tally, const struct scoreboard *scoreboard, int64_t now_ns)
{
    size_t kept = 0;

    for (size_t i = 0; i < tally->count; i++) {
        struct tally_record record = tally->records[i];
        if (!record.forgiven_until_ns && is_answered(&record, scoreboard))
            record = (struct tally_record){.event = record.event,
                                           .forgiven_until_ns = now_ns + TALLY_FORGIVEN_NS};
        if (!record.forgiven_until_ns || now_ns < record.forgiven_until_ns)
            tally->records[kept++] = record;
    }
    tally->count = kept;
}

/* ---- telling ---- */

struct counted {
    struct event_record record;
    int64_t counted_ns;
};

static int latest_first(const void *a, const void *b)
{
    const struct counted *first = a, *second = b;

    return first->counted_ns > second->counted_ns ? -1 : first->counted_ns < second->counted_ns;
}

/* What of the entry was counted here. */
static struct event_record own_of(struct tally *tally, const struct scoreboard_entry *entry)
{
    const struct tally_record *record = find(tally, entry->event);
    struct scoreboard_record told = record ? record->told : (struct scoreboard_record){0};
    uint32_t all = entry->record.attempts;

    return (struct event_record){.event = entry->event,
                                 .attempts = all > told.attempts ? all - told.attempts : 0,
                                 .suspect = entry->record.suspect && !told.suspect};
}

static size_t gather(struct tally *tally, const struct scoreboard *scoreboard,
                     struct counted counted[SCOREBOARD_ATTEMPTS])
{
    struct scoreboard_entry entry;
    size_t count = 0;

    for (size_t index = 0; scoreboard_next_entry(scoreboard, &index, &entry);) {
        struct event_record own = own_of(tally, &entry);
        if (own.attempts || own.suspect)
            counted[count++] = (struct counted){own, entry.counted_ns};
    }
    return count;
}

size_t tally_tell(struct tally *tally, const struct scoreboard *scoreboard, int64_t now_ns,
                  struct event_record records[EVENT_RECORDS_MOST])
{
    static struct counted counted[SCOREBOARD_ATTEMPTS];
    size_t told = 0;

    forgive(tally, scoreboard, now_ns);
    for (size_t i = 0; i < tally->count && told < EVENT_RECORDS_MOST; i++)
        if (tally->records[i].forgiven_until_ns)
            records[told++] =
                (struct event_record){.event = tally->records[i].event, .forgiven = true};
    size_t count = gather(tally, scoreboard, counted);
    if (told + count > EVENT_RECORDS_MOST)
        qsort(counted, count, sizeof *counted, latest_first);
    for (size_t i = 0; i < count && told < EVENT_RECORDS_MOST; i++)
        records[told++] = counted[i].record;
    return told;
}

/* ---- hearing ---- */

static struct scoreboard_record told_by(const struct event_record *record)
{
    return (struct scoreboard_record){.attempts = (uint32_t)record->attempts,
                                      .suspect = record->suspect};
}

/* One that others say was answered: all that is held against it here goes, too. */
static void hear_record(struct tally *tally, struct scoreboard *scoreboard,
                        const struct event_record *record, struct tally_record *kept, size_t *count)
{
    const struct tally_record *before = find(tally, record->event);
    struct scoreboard_record now = told_by(record);

    if (before && before->forgiven_until_ns)
        return;
    if (record->forgiven) {
        scoreboard_forgive(scoreboard, scoreboard_event(record->event));
        return;
    }
    scoreboard_correct(scoreboard, record->event,
                       before ? before->told : (struct scoreboard_record){0}, now);
    kept[(*count)++] = (struct tally_record){.event = record->event, .told = now};
}

void tally_hear(struct tally *tally, struct scoreboard *scoreboard, int64_t now_ns,
                struct event_record *records, size_t count)
{
    struct tally_record kept[MOST];
    size_t kept_count = 0;

    if (!count && !tally->count)
        return;
    forgive(tally, scoreboard, now_ns);
    qsort(records, count, sizeof *records, by_event);
    for (size_t i = 0; i < count; i++)
        if (!i || records[i].event != records[i - 1].event)
            hear_record(tally, scoreboard, &records[i], kept, &kept_count);
    for (size_t i = 0; i < tally->count; i++) {
        const struct tally_record *before = &tally->records[i];
        const struct event_record key = {.event = before->event};
        if (before->forgiven_until_ns && kept_count < MOST)
            kept[kept_count++] = *before;
        else if (!bsearch(&key, records, count, sizeof key, by_event))
            scoreboard_correct(scoreboard, before->event, before->told,
                               (struct scoreboard_record){0});
    }
    qsort(kept, kept_count, sizeof *kept, record_by_event);
    memcpy(tally->records, kept, kept_count * sizeof *kept);
    tally->count = kept_count;
}
