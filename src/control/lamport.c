#include "lamport.h"

#include <stdbool.h>
#include <stddef.h>

/* Other processes may change a word that is to be raised, but not for ever: whoever failed so often
 * lets it be, which costs the order of two lines at most. */
#define TRIES 1000

/* However far ahead: a process that is new keeps to a word that is old. */
static bool is_word_believed(int64_t time)
{
    return time >= 0 && time <= LAMPORT_MAX_WORD;
}

/* The latest of the clock's own time and what the words say. */
static int64_t look(struct lamport *clock)
{
    int64_t latest = atomic_load(&clock->time);

    for (size_t i = 0; i < LAMPORT_WORDS; i++) {
        const _Atomic int64_t *word = atomic_load(&clock->words[i]);
        int64_t time = word ? atomic_load(word) : 0;
        if (time > latest && is_word_believed(time))
            latest = time;
    }
    return latest;
}

static void raise_word(_Atomic int64_t *word, int64_t time)
{
    int64_t there = atomic_load(word);

    for (int i = 0; i < TRIES && (there < time || !is_word_believed(there)); i++)
        if (atomic_compare_exchange_weak(word, &there, time))
            return;
}

/* Makes the clock and the words later than they are, and than after. */
static int64_t advance(struct lamport *clock, int64_t after)
{
    int64_t own = atomic_load(&clock->time), next;

    do {
        next = own > after ? own : after;
        next += next < LAMPORT_MAX;
    } while (!atomic_compare_exchange_weak(&clock->time, &own, next));
    for (size_t i = 0; i < LAMPORT_WORDS; i++) {
        _Atomic int64_t *word = atomic_load(&clock->words[i]);
        if (word)
            raise_word(word, next);
    }
    return next;
}

int64_t lamport_send(struct lamport *clock)
{
    return advance(clock, look(clock));
}

void lamport_receive(struct lamport *clock, int64_t time)
{
    int64_t latest = look(clock);

    if (time >= 0 && time <= LAMPORT_MAX_MESSAGE && time - latest <= LAMPORT_MAX_STEP)
        advance(clock, time > latest ? time : latest);
}

void lamport_pass(struct lamport *clock, int64_t ms)
{
    int64_t latest = look(clock);

    if (ms > 0)
        advance(clock, ms < LAMPORT_MAX - latest ? latest + ms - 1 : LAMPORT_MAX);
}

void lamport_share(struct lamport *clock, _Atomic int64_t *word)
{
    for (size_t i = 0; i < LAMPORT_WORDS; i++) {
        _Atomic int64_t *none = NULL;
        if (atomic_compare_exchange_strong(&clock->words[i], &none, word))
            break;
    }
    lamport_send(clock); /* so that the word is not behind what this clock sent */
}

void lamport_unshare(struct lamport *clock, const _Atomic int64_t *word)
{
    lamport_send(clock); /* so that this clock is not behind what the word said */
    for (size_t i = 0; i < LAMPORT_WORDS; i++)
        if (atomic_load(&clock->words[i]) == word)
            atomic_store(&clock->words[i], NULL);
}
