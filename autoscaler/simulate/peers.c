#include "peers.h"

#include "peers_cluster.h"
#include "peers_pool.h"

#include <math.h>
#include <string.h>

static const struct peer_kind kinds[] = {
    {"hpa", peers_cluster_hpa, false, false, {20, NAN}, "hpa[:MESSAGES]"},
    {"kpa", peers_cluster_kpa, true, false, {1, NAN}, "kpa[:CONCURRENCY]"},
    {"horizon", peers_pool_horizon, false, false, {NAN, NAN}, "horizon"},
    {"celery", peers_pool_celery, true, true, {4, NAN}, "celery[:PREFETCH]"},
    {"target", peers_cluster_target, false, false, {NAN, NAN}, "target"},
    {"phpfpm", peers_pool_phpfpm, false, true, {1, 3}, "phpfpm[:MIN:MAX]"},
    {"spring", peers_pool_spring, false, true, {NAN, NAN}, "spring"},
    {"fixed", peers_pool_fixed, false, false, {1, NAN}, "fixed:N"},
};

const struct peer_kind *peers_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? &kinds[index] : NULL;
}

const struct peer_kind *peers_find(const char *name)
{
    for (size_t i = 0; peers_at(i); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}
