#include "peers.h"

#include "peers_cluster.h"
#include "peers_pool.h"

#include <math.h>
#include <string.h>

static const struct peer_kind kinds[] = {
    {.name = "hpa", .decide = peers_cluster_hpa, .numbers = {20, NAN}, .form = "hpa[:MESSAGES]"},
    {.name = "kpa",
     .decide = peers_cluster_kpa,
     .each_arrival = true,
     .numbers = {1, NAN},
     .form = "kpa[:CONCURRENCY]"},
    {.name = "horizon", .decide = peers_pool_horizon, .numbers = {NAN, NAN}, .form = "horizon"},
    {.name = "celery",
     .decide = peers_pool_celery,
     .each_arrival = true,
     .idle_first = true,
     .numbers = {4, NAN},
     .form = "celery[:PREFETCH]"},
    {.name = "target", .decide = peers_cluster_target, .numbers = {NAN, NAN}, .form = "target"},
    {.name = "phpfpm",
     .decide = peers_pool_phpfpm,
     .idle_first = true,
     .numbers = {1, 3},
     .form = "phpfpm[:MIN:MAX]"},
    {.name = "spring",
     .decide = peers_pool_spring,
     .idle_first = true,
     .numbers = {NAN, NAN},
     .form = "spring"},
    {.name = "fixed", .decide = peers_pool_fixed, .numbers = {1, NAN}, .form = "fixed:N"},
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
