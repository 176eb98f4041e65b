#include "lamport.h"

int64_t lamport_send(struct lamport *clock)
{
    if (clock->time < LAMPORT_MAX)
        clock->time++;
    return clock->time;
}

void lamport_receive(struct lamport *clock, int64_t time)
{
    if (time < 0 || time > LAMPORT_MAX)
        return;
    if (time > clock->time)
        clock->time = time;
    lamport_send(clock);
}
