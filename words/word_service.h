/* word_service.h - one instance of the word service: takes requests from FARM.words, carries them
 * out on the store, answers them, broadcasts when it has the turn. */
#ifndef WINNOW_WORD_SERVICE_H
#define WINNOW_WORD_SERVICE_H

#include "error.h"
#include "options.h"
#include "store.h"

#include <stdint.h>

struct word_service_settings {
    const struct options *options;
    struct store *store;
    const char *export_file; /* NULL: the list is exported nowhere */
    int64_t broadcast_every_ns;
    int64_t drain_timeout_ns; /* longest from SIGTERM to the end */
};

/* Runs until SIGTERM or SIGINT, then drains: takes no more requests, and ends when what it holds is
 * answered, confirmed and acknowledged. Once connected it survives the loss of its connection.
 *
 * Returns 0 (drained), -ERR_TIMEOUT (the drain ended with answers unconfirmed), or the error of
 * broker.h that ended it, with the explanation in *why. */
int word_service_run(const struct word_service_settings *settings, struct why *why);

#endif
