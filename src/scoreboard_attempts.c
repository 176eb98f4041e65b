/* The table of events that failed: who writes it and how stands in the header. */
#include "scoreboard.h"

#include <string.h>

/* Header only: no library to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define COUNT_MASK (SCOREBOARD_SUSPECT - 1)

/* Others may change the word that is to be changed, but not for ever: whoever failed so often lets
 * it be, which costs an attempt at most. */
#define TRIES 1000

static uint64_t tag_of(struct scoreboard_fingerprint event)
{
    return event.low >> SCOREBOARD_TAG_SHIFT << SCOREBOARD_TAG_SHIFT;
}

static bool is_for(uint64_t word, struct scoreboard_fingerprint event)
{
    return word && word >> SCOREBOARD_TAG_SHIFT == event.low >> SCOREBOARD_TAG_SHIFT;
}

static struct scoreboard_attempt *place(const struct scoreboard *scoreboard,
                                        struct scoreboard_fingerprint event, size_t probe)
{
    return &scoreboard_memory(scoreboard)
                ->attempts[(size_t)(event.high + probe) % SCOREBOARD_ATTEMPTS];
}

/* The event's entry and its word; NULL when it has none. */
static struct scoreboard_attempt *find(const struct scoreboard *scoreboard,
                                       struct scoreboard_fingerprint event, uint64_t *word)
{
    for (size_t probe = 0; probe < SCOREBOARD_PROBES; probe++) {
        struct scoreboard_attempt *entry = place(scoreboard, event, probe);
        *word = atomic_load(&entry->word);
        if (is_for(*word, event))
            return entry;
    }
    return NULL;
}

/* A free entry for the event and its word, else that which is missed the least; which of the
 * event's it is. */
static struct scoreboard_attempt *choose(const struct scoreboard *scoreboard,
                                         struct scoreboard_fingerprint event, uint64_t *word,
                                         size_t *probe_chosen)
{
    struct scoreboard_attempt *chosen = NULL;
    int64_t least_ns = INT64_MAX;

    for (size_t probe = 0; probe < SCOREBOARD_PROBES; probe++) {
        struct scoreboard_attempt *entry = place(scoreboard, event, probe);
        uint64_t each = atomic_load(&entry->word);
        int64_t counted_ns = each & COUNT_MASK ? atomic_load(&entry->counted_ns) : 0;
        if (chosen && each && counted_ns >= least_ns)
            continue;
        chosen = entry;
        *probe_chosen = probe;
        least_ns = counted_ns;
        *word = each;
        if (!each)
            break;
    }
    return chosen;
}

/* Gives the event an entry with that word, unless it has got one meanwhile. */
static void insert(struct scoreboard *scoreboard, struct scoreboard_fingerprint event,
                   uint64_t word, int64_t counted_ns)
{
    uint64_t old;
    size_t probe = 0;

    atomic_store(&scoreboard_memory(scoreboard)->attempts_used, 1);
    for (int i = 0; i < TRIES && !find(scoreboard, event, &old); i++) {
        struct scoreboard_attempt *entry = choose(scoreboard, event, &old, &probe);
        uint64_t whole = word | tag_of(event) | (uint64_t)probe << SCOREBOARD_PROBE_SHIFT;
        if (!atomic_compare_exchange_strong(&entry->word, &old, whole))
            continue;
        atomic_store(&entry->counted_ns, counted_ns);
        return;
    }
}

uint32_t scoreboard_count_attempt(struct scoreboard *scoreboard,
                                  struct scoreboard_fingerprint event, int64_t began_ns,
                                  int64_t now_ns)
{
    uint64_t word;
    struct scoreboard_attempt *entry = find(scoreboard, event, &word);

    if (!entry) {
        insert(scoreboard, event, 1, now_ns);
        return 1;
    }
    uint32_t count = (uint32_t)(word & COUNT_MASK);
    int64_t counted_ns = atomic_load(&entry->counted_ns);
    bool counts = !count || counted_ns <= began_ns;
    if (!counts || !atomic_compare_exchange_strong(&entry->counted_ns, &counted_ns, now_ns))
        return count;
    for (int i = 0; i < TRIES && is_for(word, event); i++) {
        count = (uint32_t)(word & COUNT_MASK);
        if (count == COUNT_MASK)
            return count;
        if (atomic_compare_exchange_strong(&entry->word, &word, word + 1))
            return count + 1;
    }
    return count;
}

void scoreboard_suspect(struct scoreboard *scoreboard, struct scoreboard_fingerprint event)
{
    uint64_t word;
    struct scoreboard_attempt *entry = find(scoreboard, event, &word);

    for (int i = 0; entry && i < TRIES && is_for(word, event); i++)
        if (atomic_compare_exchange_strong(&entry->word, &word, word | SCOREBOARD_SUSPECT))
            return;
    if (!entry)
        insert(scoreboard, event, SCOREBOARD_SUSPECT, 0);
}

void scoreboard_forgive(struct scoreboard *scoreboard, struct scoreboard_fingerprint event)
{
    uint64_t word;
    struct scoreboard_attempt *entry;

    if (!atomic_load_explicit(&scoreboard_memory(scoreboard)->attempts_used, memory_order_relaxed))
        return;
    /* Two that inserted it at the same time may have given it two entries. */
    for (int i = 0; i < TRIES && (entry = find(scoreboard, event, &word)); i++)
        atomic_compare_exchange_strong(&entry->word, &word, 0);
}

static struct scoreboard_record record_of(uint64_t word)
{
    return (struct scoreboard_record){.attempts = (uint32_t)(word & COUNT_MASK),
                                      .suspect = word & SCOREBOARD_SUSPECT};
}

struct scoreboard_record scoreboard_look_up(const struct scoreboard *scoreboard,
                                            struct scoreboard_fingerprint event)
{
    uint64_t word;

    if (!atomic_load(&scoreboard_memory(scoreboard)->attempts_used) ||
        !find(scoreboard, event, &word))
        return (struct scoreboard_record){0};
    return record_of(word);
}

uint32_t scoreboard_max_attempts(const struct scoreboard *scoreboard)
{
    return scoreboard_memory(scoreboard)->max_attempts;
}

/* ---- for other hosts ---- */

/* In the highest bits of an event's number stands which of the entries is its first. */
#define TAG_BITS (64 - SCOREBOARD_TAG_SHIFT)
_Static_assert(SCOREBOARD_ATTEMPTS == 1 << (SCOREBOARD_EVENT_BITS - TAG_BITS), "no bit is missing");
_Static_assert(SCOREBOARD_PROBES == 1 << (SCOREBOARD_TAG_SHIFT - SCOREBOARD_PROBE_SHIFT),
               "nor here");

struct scoreboard_fingerprint scoreboard_event(uint64_t event)
{
    return (struct scoreboard_fingerprint){.high = event >> TAG_BITS,
                                           .low = event << SCOREBOARD_TAG_SHIFT | 1};
}

bool scoreboard_next_entry(const struct scoreboard *scoreboard, size_t *index,
                           struct scoreboard_entry *entry)
{
    struct scoreboard_layout *memory = scoreboard_memory(scoreboard);
    uint64_t word = 0;

    if (!atomic_load(&memory->attempts_used))
        return false;
    while (*index < SCOREBOARD_ATTEMPTS && !(word = atomic_load(&memory->attempts[*index].word)))
        ++*index;
    if (!word)
        return false;
    size_t probe = word >> SCOREBOARD_PROBE_SHIFT & (SCOREBOARD_PROBES - 1);
    uint64_t first = (*index + SCOREBOARD_ATTEMPTS - probe) % SCOREBOARD_ATTEMPTS;
    *entry = (struct scoreboard_entry){
        .event = first << TAG_BITS | word >> SCOREBOARD_TAG_SHIFT,
        .record = record_of(word),
        .counted_ns = word & COUNT_MASK ? atomic_load(&memory->attempts[*index].counted_ns) : 0};
    ++*index;
    return true;
}

/* The word with that correction; 0: nothing is held against the event any more. */
static uint64_t corrected(uint64_t word, struct scoreboard_record before,
                          struct scoreboard_record now)
{
    struct scoreboard_record record = record_of(word);
    int64_t count = (int64_t)record.attempts - before.attempts + now.attempts;
    bool suspect = now.suspect || (record.suspect && !before.suspect);

    count = count < 0 ? 0 : count > (int64_t)COUNT_MASK ? (int64_t)COUNT_MASK : count;
    if (!count && !suspect)
        return 0;
    return (word & ~(COUNT_MASK | SCOREBOARD_SUSPECT)) | (uint64_t)count |
           (suspect ? SCOREBOARD_SUSPECT : 0);
}

void scoreboard_correct(struct scoreboard *scoreboard, uint64_t event,
                        struct scoreboard_record before, struct scoreboard_record now)
{
    struct scoreboard_fingerprint fingerprint = scoreboard_event(event);
    uint64_t word = 0;
    struct scoreboard_attempt *entry = find(scoreboard, fingerprint, &word);

    for (int i = 0; entry && i < TRIES && is_for(word, fingerprint); i++)
        if (atomic_compare_exchange_strong(&entry->word, &word, corrected(word, before, now)))
            return;
    if (!entry && (now.attempts || now.suspect))
        insert(scoreboard, fingerprint, corrected(0, before, now), 0);
}

/* ---- reasons ---- */

static struct scoreboard_reason *reason_of(const struct scoreboard *scoreboard,
                                           struct scoreboard_fingerprint event)
{
    return &scoreboard_memory(scoreboard)->reasons[event.high % SCOREBOARD_REASONS];
}

void scoreboard_set_reason(struct scoreboard *scoreboard, struct scoreboard_fingerprint event,
                           const char *text)
{
    struct scoreboard_reason *reason = reason_of(scoreboard, event);
    uint64_t words[SCOREBOARD_REASON_SIZE / 8] = {0};

    memcpy(words, text, strnlen(text, SCOREBOARD_REASON_SIZE - 1));
    for (size_t i = 0; i < SCOREBOARD_REASON_SIZE / 8; i++)
        atomic_store(&reason->text[i], words[i]);
    atomic_store(&reason->check, XXH3_64bits_withSeed(words, sizeof words, event.low));
}

bool scoreboard_get_reason(const struct scoreboard *scoreboard, struct scoreboard_fingerprint event,
                           char text[SCOREBOARD_REASON_SIZE])
{
    const struct scoreboard_reason *reason = reason_of(scoreboard, event);
    uint64_t words[SCOREBOARD_REASON_SIZE / 8];

    for (size_t i = 0; i < SCOREBOARD_REASON_SIZE / 8; i++)
        words[i] = atomic_load(&reason->text[i]);
    memcpy(text, words, sizeof words);
    text[SCOREBOARD_REASON_SIZE - 1] = '\0';
    return atomic_load(&reason->check) == XXH3_64bits_withSeed(words, sizeof words, event.low);
}
