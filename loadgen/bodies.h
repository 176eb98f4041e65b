/* bodies.h - the texts that events are sent with. */
#ifndef LOADGEN_BODIES_H
#define LOADGEN_BODIES_H

#include "broker/properties.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODIES_FORM "FILE.txt, one event a line, or FILE.csv:COLUMN, one event a row"

/* Of a larger file the texts at its beginning are taken, so much of it. */
#define BODIES_MAX_MIB 64

/* How long bodies are, when not as long as the texts. */
struct bodies_size {
    enum { BODIES_AS_IS, BODIES_UNIFORM, BODIES_EXPONENTIAL } kind;
    size_t from_bytes, to_bytes; /* uniform: 1 <= from <= to <= BODIES_MAX_BYTES */
    size_t mean_bytes;           /* exponential, from 1 byte on: 1 .. BODIES_MAX_MEAN_BYTES */
};

#define BODIES_MAX_BYTES      ((size_t)16 << 20)
#define BODIES_MAX_MEAN_BYTES (BODIES_MAX_BYTES / 40)
#define BODIES_SIZE_FORM      "BYTES, FROM..TO or exp:MEAN, as 100, 100..2000, exp:4KiB"

/* A text of BODIES_SIZE_FORM -> size, written only on success; 0 or -ERR_INVALID with the reason. */
int bodies_parse_size(const char *text, struct bodies_size *size, struct why *why);

struct bodies;

/* Reads the texts from a source of BODIES_FORM, in the file's order; empty and blank lines and
 * fields are skipped. NULL: a small built-in set of plain sentences, some with an insult in them.
 *
 * size   NULL: each event is one text, all in turn. Else each has the bytes drawn for it, of texts put
 *        one behind the other
 * seed   makes what is drawn
 *
 * Returns 0 and *bodies (release with bodies_close), -ERR_MEMORY, or -ERR_CONFIG: unreadable, not a
 * table, no such column, binary (a NUL byte), or no text in it. */
int bodies_open(const char *source, const struct bodies_size *size, uint64_t seed,
                struct bodies **bodies, struct why *why);
/* Takes NULL. */
void bodies_close(struct bodies *bodies);

/* How many texts there are, at least 1; and whether the file has more than were taken. */
size_t bodies_count(const struct bodies *bodies);
bool bodies_cut(const struct bodies *bodies);

/* The body of an event: its number is enough to know it, so that nobody has to keep it. Borrowed until
 * the next call. */
struct broker_bytes bodies_of(const struct bodies *bodies, uint64_t sequence);

#endif
