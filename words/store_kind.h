/* store_kind.h - what the kinds of stores have in common, for store.c and for themselves. */
#ifndef WINNOW_STORE_KIND_H
#define WINNOW_STORE_KIND_H

#include "store.h"

/* The functions of store.h, for one kind. */
struct store_kind {
    int (*apply)(struct store *store, struct store_operation *const *operations, size_t count,
                 struct why *why);
    int (*look)(struct store *store, struct store_state *state, struct why *why);
    int (*swap_turn)(struct store *store, const struct store_turn *from,
                     const struct store_turn *to, bool *swapped, struct why *why);
    void (*close)(struct store *store);
};

/* What each kind's own struct begins with. */
struct store {
    const struct store_kind *kind;
    char *name;
};

int store_sqlite_open(const char *path, const char *farm, struct store **store, struct why *why);

#define STORE_REDIS_PREFIX "redis://"
int store_redis_open(const char *url, const char *farm, bool relaxed, struct store **store,
                     struct why *why);

#endif
