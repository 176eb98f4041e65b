/* bodies.h - the body of each event of a run: a text as it is, or texts put together to a drawn
 * size. */
#ifndef WINNOW_BODIES_H
#define WINNOW_BODIES_H

#include "body_size.h"
#include "broker/properties.h"
#include "error.h"
#include "texts.h"

#include <stdint.h>

struct bodies;

/* texts   borrowed
 * size    BODY_SIZE_OF_TEXT: each event is one text, all of them in turn. Else each has the bytes
 *         drawn for it, filled with texts, one after the other, from one on that is drawn too
 * seed    makes what is drawn
 *
 * Returns 0 and *bodies (release with bodies_close), or -ERR_MEMORY. */
int bodies_open(const struct texts *texts, const struct body_size *size, uint64_t seed,
                struct bodies **bodies, struct why *why);
/* Takes NULL. */
void bodies_close(struct bodies *bodies);

/* The body of the event of that number. The number is enough to make it again, so that nobody has
 * to keep it. Borrowed until the next call. */
struct broker_bytes bodies_get(const struct bodies *bodies, uint64_t sequence);

#endif
