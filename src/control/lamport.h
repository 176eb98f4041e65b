/* lamport.h - a logical clock, one a process, that puts the logs of several hosts in an order in
 * which every cause stands before its effect. It also counts the milliseconds of a process's life,
 * so that those who cannot hear each other for a while go on alike. Nothing is ever decided by it.
 * Pure.
 *
 * Source: L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978. */
#ifndef WINNOW_LAMPORT_H
#define WINNOW_LAMPORT_H

#include <stdatomic.h>
#include <stdint.h>

/* No clock goes beyond this, the greatest integer that every reader of JSON keeps exact. */
#define LAMPORT_MAX INT64_C(9007199254740991)

/* A message that is ahead by more than this, which a clock reaches in thirty years by the passing
 * of time, is not believed. So one wrong number does not use up the clocks of all who hear of
 * it. */
#define LAMPORT_MAX_STEP (INT64_C(1) << 40)

/* Nor is a word that says more: whoever believed it could not count on for long. From what messages
 * are believed to say, every clock can count for those thirty years before its word is not. */
#define LAMPORT_MAX_WORD    (LAMPORT_MAX / 2)
#define LAMPORT_MAX_MESSAGE (LAMPORT_MAX_WORD - LAMPORT_MAX_STEP)

/* Words in shared memory that a clock may keep to at one time. */
#define LAMPORT_WORDS 4

/* All zero is a clock at its beginning. Every thread may use it. */
struct lamport {
    _Atomic int64_t time; /* of the last thing sent or received; 0: none */
    _Atomic(_Atomic int64_t *) words[LAMPORT_WORDS]; /* NULL: a free place */
};

/* The time of a message or log line that is about to go out. */
int64_t lamport_send(struct lamport *clock);

/* A message with that time came in. One that is not believed counts for nothing. */
void lamport_receive(struct lamport *clock, int64_t time);

/* So many milliseconds have passed since this was last called, or since the beginning. */
void lamport_pass(struct lamport *clock, int64_t ms);

/* Keeps to a word that other processes' clocks keep to as well: from now on what one of them sends
 * is later than all that any of them sent before. The clock never goes back, whatever stands in the
 * word, and a word that says what is not believed is put right. With LAMPORT_WORDS shared already,
 * nothing happens.
 *
 * word  borrowed until lamport_unshare; 0 in memory that is new */
void lamport_share(struct lamport *clock, _Atomic int64_t *word);

/* Lets go of the word, if the clock keeps to it. A call in another thread may still be at it. */
void lamport_unshare(struct lamport *clock, const _Atomic int64_t *word);

#endif
