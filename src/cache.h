/* cache.h - what is costly to make is kept in files and mapped by every process that needs it, so that it is made
 * once and is in memory once.
 *
 * The files lie in a directory that belongs to this process's user and that nobody else may write to; what is in
 * any other is not believed. Making is serialised over the user's processes; a file appears whole or not at all,
 * carries a checksum, and those that nobody asked for the longest are removed when there are many. */
#ifndef WINNOW_CACHE_H
#define WINNOW_CACHE_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

/* Where the files are. The first that can be used of $WINNOW_CACHE (when set, this one alone), $CACHE_DIRECTORY (from
 * systemd), $XDG_CACHE_HOME/winnow, $HOME/.cache/winnow and /tmp/winnow-UID. */
#define CACHE_VARIABLE "WINNOW_CACHE"

/* So many files are kept. */
#define CACHE_FILES 16

/* Tells one content from all others: a hash of everything that it was made from. Starts from {0}. */
struct cache_key {
    uint64_t high, low;
};

/* Adds something that the content depends on; order counts. bytes may be NULL when length is 0. */
void cache_key_add(struct cache_key *key, const void *bytes, size_t length);

/* Read-only bytes, aligned to 64; they stay while they are mapped, even when the file is removed. */
struct cache_image {
    const void *bytes; /* NULL: nothing is mapped */
    size_t length;
    size_t mapped_bytes;
};

struct cache;

/* Finds the directory, or makes it. 0; -ERR_SYSTEM when none can be used, with the reason why the last could not;
 * -ERR_MEMORY. */
int cache_open(struct cache **cache, struct why *why);

/* Takes NULL. What is mapped stays. */
void cache_close(struct cache *cache);

/* Maps what was kept under a key. 0; or -ERR_MISSING: there is none, or what there is cannot be believed (*why then
 * says so, and is empty otherwise). */
int cache_map(const struct cache *cache, struct cache_key key, struct cache_image *image,
              struct why *why);

void cache_unmap(struct cache_image *image);

/* Waits until no other process makes what belongs to the key. *lock is for cache_unlock. After this cache_map
 * has to be asked again: the other may have made it. 0 or -ERR_SYSTEM. The kernel unlocks when a process ends. */
int cache_lock(const struct cache *cache, struct cache_key key, int *lock, struct why *why);
void cache_unlock(const struct cache *cache, struct cache_key key, int lock);

/* Keeps bytes under a key, in place of what was there. 0 or -ERR_SYSTEM. */
int cache_keep(const struct cache *cache, struct cache_key key, const void *bytes, size_t length,
               struct why *why);

#endif
