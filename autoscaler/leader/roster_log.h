/* roster_log.h - what the log says of nodes that come, go, and cannot run their workers. */
#ifndef WINNOW_ROSTER_LOG_H
#define WINNOW_ROSTER_LOG_H

#include "roster.h"

/* node is looked at only when there are news. */
void roster_log_news(enum roster_news news, const struct roster_node *node);

/* A leader that follows another hears a node that it has not heard before. */
void roster_log_heard(const struct roster_node *node);

#endif
