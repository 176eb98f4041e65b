/* blame.h - why an event has no result, in words for whoever reads FARM.dead: what its program did,
 * and the last line that it said. Each writes the reason and returns -ERR_INVALID. */
#ifndef WINNOW_BLAME_H
#define WINNOW_BLAME_H

#include "broker/properties.h"
#include "error.h"
#include "offspring.h"
#include "said.h"

#include <stddef.h>
#include <stdint.h>

int blame_end(const struct said *said, const struct offspring_end *end, struct why *why);
int blame_late(const struct said *said, int64_t timeout_ns, struct why *why);
int blame_overlong(size_t most_bytes, struct why *why);

/* In its own words: as text that may be shown, and as much of it as a header takes. */
int blame_words(struct broker_bytes words, struct why *why);

#endif
