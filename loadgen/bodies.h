/* bodies.h - the texts that events are sent with. */
#ifndef LOADGEN_BODIES_H
#define LOADGEN_BODIES_H

#include "broker/properties.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

#define BODIES_FORM "FILE.txt, one event a line, or FILE.csv:COLUMN, one event a row"

struct bodies;

/* Reads the texts from a source of BODIES_FORM, in the file's order; empty and blank lines and
 * fields are skipped. NULL: a small built-in set of plain sentences, some with an insult in them.
 *
 * Returns 0 and *bodies (release with bodies_close), -ERR_MEMORY, or -ERR_CONFIG: unreadable, not a
 * table, no such column, or no text in it. */
int bodies_open(const char *source, struct bodies **bodies, struct why *why);
/* Takes NULL. */
void bodies_close(struct bodies *bodies);

/* How many texts there are, at least 1. */
size_t bodies_count(const struct bodies *bodies);

/* The text of an event: all of them in turn, so that its number is enough to know it. Borrowed. */
struct broker_bytes bodies_of(const struct bodies *bodies, uint64_t sequence);

#endif
