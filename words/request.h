/* request.h - what a message to FARM.words asks for, as an operation on the store. */
#ifndef WINNOW_REQUEST_H
#define WINNOW_REQUEST_H

#include "broker/properties.h"
#include "lines.h"
#include "store.h"

#include <stddef.h>

/* A request that was read. */
struct request {
    struct store_operation operation;
    size_t repeated;          /* further entries in it that said what another one says */
    struct lines_fault fault; /* with -ERR_INVALID: what is wrong */
    struct json_t *members;   /* holds texts of the operation */
};

/* Reads a request: its type, and its body, borrowed until request_clear.
 *
 * Returns 0, -ERR_MEMORY, or -ERR_INVALID for one that cannot be carried out, with the fault. The
 * request is to be cleared in any case. */
int request_read(struct request *request, struct broker_bytes type, struct broker_bytes body);
void request_clear(struct request *request);

#endif
