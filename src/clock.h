/* clock.h - what time it is; no other module asks. */
#ifndef WINNOW_CLOCK_H
#define WINNOW_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S  INT64_C(1000000000)

/* A deadline that never comes. */
#define CLOCK_NEVER INT64_MAX

/* Nanoseconds of the monotonic clock; unaffected by changes of the wall clock. */
int64_t clock_now_ns(void);

/* Nanoseconds of processor time this process has used. */
int64_t clock_cpu_ns(void);

/* Sets *left to the time from now to an absolute monotonic deadline, at least 0, for ppoll(2).
 * Returns left, or NULL, which means no limit there, for CLOCK_NEVER. */
struct timespec *clock_left(int64_t deadline_ns, struct timespec *left);

/* The wall clock in milliseconds since 1970. */
int64_t clock_wall_ms(void);

/* The wall clock in UTC as ISO 8601 with milliseconds: 2026-01-31T12:00:00.123Z. */
#define CLOCK_STAMP_SIZE 32
void clock_stamp(char stamp[CLOCK_STAMP_SIZE]);

/* The wall clock of the local time zone as HH:MM:SS. */
#define CLOCK_TIME_SIZE 16
void clock_time_of_day(char text[CLOCK_TIME_SIZE]);

#endif
