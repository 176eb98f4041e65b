/* store.h - where a farm's words are kept, for as long as disks last: one interface, two stores.
 *
 * A store belongs to one farm. All instances of the word service share it, each over a store of its
 * own that is open: SQLite for those of one host, Redis for several hosts. What was changed is on
 * disk when the call returns. */
#ifndef WINNOW_STORE_H
#define WINNOW_STORE_H

#include "error.h"
#include "lines.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_verb {
    STORE_ADD,
    STORE_REMOVE,
    STORE_LIST,
    STORE_RANDOM,
    STORE_BROADCAST,
};

enum store_switch { STORE_ASK, STORE_START, STORE_STOP };

/* STORE_RANDOM: the limit is at most this. */
#define STORE_RANDOM_MOST 1000

/* What is to be done, and what came of it. */
struct store_operation {
    enum store_verb verb;

    struct lines entries; /* STORE_ADD, STORE_REMOVE: no entry twice */
    /* STORE_LIST: those that begin so, from behind this one on; each may be empty. */
    const char *prefix, *after;
    size_t prefix_length, after_length;
    size_t limit;         /* STORE_LIST, STORE_RANDOM: the most entries */
    size_t most_bytes;    /* STORE_LIST: about so long may the list become */
    enum store_switch to; /* STORE_BROADCAST */

    /* Results. */
    int64_t version;       /* of the list, with all before and with this */
    size_t known, unknown; /* entries of STORE_ADD and STORE_REMOVE that were there, or were not */
    struct lines found;    /* STORE_LIST in the order of their bytes, STORE_RANDOM: none twice */
    bool more;             /* STORE_LIST: there are others behind the last */
    bool on;               /* STORE_BROADCAST: as it is now */
};

/* Releases its entries and results. */
void store_clear_operation(struct store_operation *operation);

/* Whose turn it is to broadcast, and when; see turn.h. Times are of the store's clock. */
#define STORE_HOLDER_SIZE 128
struct store_turn {
    char holder[STORE_HOLDER_SIZE]; /* "": nobody */
    int64_t due_ns, free_ns;
};

/* A store at one moment. */
struct store_state {
    int64_t version;
    bool on; /* broadcasting is */
    struct store_turn turn;
    int64_t now_ns; /* the store's clock, which all instances share; it may be stepped */
};

struct store;

struct store_settings {
    /* A path, or redis://HOST:PORT/DB; NULL: $XDG_STATE_HOME/winnow/FARM.db, else
     * /var/lib/winnow/FARM.db. */
    const char *where;
    const char *farm;
    bool relaxed; /* a Redis that may lose what it has answered will do */
};

/* Opens a store, and makes it where there is none yet.
 *
 * Returns 0 and *store, or
 *   -ERR_CONFIG       it belongs to another farm or program, or to a later version of this one; it
 *                     is damaged; it cannot be opened or made; Redis may lose what it answers
 *   -ERR_LOCKED       another program holds it, and held it for STORE_PATIENCE_NS; or Redis is busy
 *   -ERR_UNAVAILABLE  there is no Redis
 *   -ERR_SYSTEM       the disk is full or fails
 *   -ERR_MEMORY */
#define STORE_PATIENCE_NS INT64_C(2000000000)
int store_open(const struct store_settings *settings, struct store **store, struct why *why);
/* Takes NULL. */
void store_close(struct store *store);

/* Does all of it in this order. An entry that is added and there already keeps the higher of both
 * severities. The version grows by one with each operation that changes an entry.
 *
 * Returns 0, or an error as of store_open. Then SQLite has done nothing of it. Of Redis it is not
 * known which of the operations were done, each whole or not at all; done again, they find their
 * entries as they left them. After -ERR_CONFIG nothing may be done but to try again later: a store
 * that has lost its data, or was changed for another, is not used. */
int store_apply(struct store *store, struct store_operation *const *operations, size_t count,
                struct why *why);

/* The same errors. */
int store_look(struct store *store, struct store_state *state, struct why *why);

/* Puts one turn in place of another, unless somebody else was faster; *swapped says which. */
int store_swap_turn(struct store *store, const struct store_turn *from, const struct store_turn *to,
                    bool *swapped, struct why *why);

/* Where it is, for messages: no password. */
const char *store_name(const struct store *store);

#endif
