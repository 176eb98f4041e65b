/* roster_view.h - the nodes of a roster: as one node, for a leader to decide by; who could lead
 * next; and one by one, to be shown. Pure. */
#ifndef WINNOW_ROSTER_VIEW_H
#define WINNOW_ROSTER_VIEW_H

#include "control/status.h"
#include "roster.h"

/* All that are not lost, as one node; borrowed until the next call. What nodes have done that are
 * lost or started anew counts on. 0 or -ERR_MEMORY. */
int roster_view_report(struct roster *roster, int64_t now_ns, struct node_report *report);

/* The node of the highest rank that could lead; NULL: none but that of this name could. */
const struct roster_node *roster_view_successor(const struct roster *roster, const char *leader);

/* Fills in at most ROSTER_MOST_NODES; returns how many. */
size_t roster_view_nodes(const struct roster *roster, int64_t now_ns, struct status_node *nodes);

#endif
