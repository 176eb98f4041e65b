/* lamport.h - a logical clock, one a process, that puts the logs of several hosts in an order in
 * which every cause stands before its effect. Nothing is ever decided by it. Pure.
 *
 * Source: L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978. */
#ifndef WINNOW_LAMPORT_H
#define WINNOW_LAMPORT_H

#include <stdint.h>

/* Greater times are not believed: whoever heard of one could not count on. It is the greatest
 * integer that every reader of JSON keeps exact. */
#define LAMPORT_MAX INT64_C(9007199254740991)

struct lamport {
    int64_t time; /* of the last thing sent or received; 0: none */
};

/* The time of a message or log line that is about to go out. */
int64_t lamport_send(struct lamport *clock);

/* A message with that time came in. One outside 0..LAMPORT_MAX counts for nothing. */
void lamport_receive(struct lamport *clock, int64_t time);

#endif
