#include "peer.h"

#include <math.h>

void peer_start(struct peer *peer, const struct peer_kind *kind, const struct peer_params *params)
{
    *peer = (struct peer){.kind = kind, .params = *params};
    for (size_t i = 0; i < 2; i++)
        if (isnan(peer->params.number[i]))
            peer->params.number[i] = kind->numbers[i];
}

uint32_t peer_bound(const struct peer *peer, double workers, uint32_t least)
{
    double low = peer_more(peer->params.min_workers, least);

    return (uint32_t)peer_more(peer_fewer(peer_more(workers, low), peer->params.max_workers), 0);
}

double peer_queue(const struct simulation_view *view)
{
    return (double)view->waiting + view->busy;
}

void peer_remember(struct peer *peer, double value)
{
    peer->seen[peer->seen_count++ % PEER_WINDOW] = value;
}

double peer_mean(const struct peer *peer, size_t count)
{
    double sum = 0;

    if (count > peer->seen_count)
        count = peer->seen_count;
    for (size_t i = 1; i <= count; i++)
        sum += peer->seen[(peer->seen_count - i) % PEER_WINDOW];
    return count ? sum / (double)count : 0;
}

double peer_greatest(const struct peer *peer, size_t count)
{
    double greatest = 0;

    if (count > peer->seen_count)
        count = peer->seen_count;
    for (size_t i = 1; i <= count; i++)
        greatest = peer_more(greatest, peer->seen[(peer->seen_count - i) % PEER_WINDOW]);
    return greatest;
}
