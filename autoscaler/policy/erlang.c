#include "erlang.h"

#include <math.h>

/* Erlang B after one more server. */
static double erlang_b(double before, double servers, double load)
{
    return load * before / (servers + load * before);
}

static double waits_longer(double b, double servers, double load, double service_s, double wait_s)
{
    if (servers <= load)
        return 1;
    double waits = b * servers / (servers - load * (1 - b)); /* Erlang C */
    return waits * exp(-(servers - load) * wait_s / service_s);
}

double erlang_waits_longer(uint32_t servers, double arrival_per_s, double service_s, double wait_s)
{
    double load = arrival_per_s * service_s, b = 1;

    if (servers <= load)
        return load > 0 ? 1 : 0;
    for (uint32_t k = 1; k <= servers; k++)
        b = erlang_b(b, k, load);
    return waits_longer(b, servers, load, service_s, wait_s);
}

double erlang_fewest(double arrival_per_s, double service_s, double wait_s, double epsilon)
{
    double load = arrival_per_s * service_s, b = 1, servers = 0, beyond = 0;

    if (!(load > 0))
        return 0;
    if (load > ERLANG_LARGE) {
        beyond = ceil(load - ERLANG_LARGE);
        load = ERLANG_LARGE;
    }
    do
        b = erlang_b(b, ++servers, load);
    while (waits_longer(b, servers, load, service_s, wait_s) > epsilon);
    return servers + beyond;
}
