/* body_size.h - how many bytes the bodies of events have, when they are not as long as the
 * texts. */
#ifndef WINNOW_BODY_SIZE_H
#define WINNOW_BODY_SIZE_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct body_size {
    enum { BODY_SIZE_OF_TEXT, BODY_SIZE_UNIFORM, BODY_SIZE_EXPONENTIAL } kind;
    size_t from_bytes, to_bytes; /* uniform: 1 <= from <= to <= BODY_SIZE_MAX_BYTES */
    size_t mean_bytes;           /* exponential, from 1 byte on: 1 .. BODY_SIZE_MAX_MEAN_BYTES */
};

#define BODY_SIZE_MAX_BYTES      ((size_t)16 << 20)
#define BODY_SIZE_MAX_MEAN_BYTES (BODY_SIZE_MAX_BYTES / 40)
#define BODY_SIZE_FORM           "BYTES, FROM..TO or exp:MEAN, as 100, 100..2000, exp:4KiB"

/* A text of BODY_SIZE_FORM -> size, written only on success; 0 or -ERR_INVALID with the reason. */
int body_size_parse(const char *text, struct body_size *size, struct why *why);

/* A number of bytes, at least 1 and at most body_size_limit. *random is the state of random.h. Not
 * for BODY_SIZE_OF_TEXT. */
size_t body_size_draw(const struct body_size *size, uint64_t *random);
size_t body_size_limit(const struct body_size *size);

#endif
