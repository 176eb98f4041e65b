#include "clock.h"

#include <stdio.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

struct timespec *clock_left(int64_t deadline_ns, struct timespec *left)
{
    if (deadline_ns == CLOCK_NEVER)
        return NULL;

    int64_t left_ns = deadline_ns - clock_now_ns();
    if (left_ns < 0)
        left_ns = 0;
    *left =
        (struct timespec){.tv_sec = left_ns / CLOCK_NS_PER_S, .tv_nsec = left_ns % CLOCK_NS_PER_S};
    return left;
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME) / CLOCK_NS_PER_MS;
}

void clock_stamp(char stamp[CLOCK_STAMP_SIZE])
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(stamp, CLOCK_STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + length, CLOCK_STAMP_SIZE - length, ".%03dZ",
             (int)(now.tv_nsec / CLOCK_NS_PER_MS));
}

void clock_time_of_day(char text[CLOCK_TIME_SIZE])
{
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    strftime(text, CLOCK_TIME_SIZE, "%H:%M:%S", &local);
}
