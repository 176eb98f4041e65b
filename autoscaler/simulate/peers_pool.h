/* peers_pool.h - the process pools of frameworks: each sees its own workers. Pure. */
#ifndef WINNOW_PEERS_POOL_H
#define WINNOW_PEERS_POOL_H

#include "peer.h"

peer_decide_function peers_pool_horizon, peers_pool_celery, peers_pool_phpfpm, peers_pool_spring;

/* Always the same number. */
peer_decide_function peers_pool_fixed;

#endif
