/* news.h - what instances of the word service tell each other over FARM.control: the new version
 * after a change. */
#ifndef WINNOW_NEWS_H
#define WINNOW_NEWS_H

#include "broker/broker.h"
#include "error.h"
#include "topology.h"

#include <stdint.h>

/* Tells all who listen. 0, -ERR_MEMORY, or an error of the connection. */
int news_publish(const struct topology *topology, struct broker *broker,
                 struct broker_properties *properties, const char *from, int64_t version,
                 struct why *why);

/* News came: the log's clock learns of its time. What is no news counts for nothing. */
void news_receive(struct broker_bytes body);

#endif
