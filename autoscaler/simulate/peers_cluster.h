/* peers_cluster.h - the autoscalers of clusters: each sees the length of the queue, from afar.
 * Pure. */
#ifndef WINNOW_PEERS_CLUSTER_H
#define WINNOW_PEERS_CLUSTER_H

#include "peer.h"

peer_decide_function peers_cluster_hpa, peers_cluster_kpa, peers_cluster_target;

#endif
