/* cache.h - keeps what is costly to make in files, which every process that needs it maps, so that
 * it is made once and is in memory once.
 *
 * The files are in a directory that belongs to this process's user and that nobody else may write
 * to; any other is not used. Of the user's processes only one at a time makes what belongs to a
 * key. A file appears whole or not at all, and has a checksum. When there are too many, the one
 * whose last use is the longest ago is removed. */
#ifndef WINNOW_CACHE_H
#define WINNOW_CACHE_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

/* The directory is $WINNOW_CACHE when that is set. Else it is the first that can be used of
 * $CACHE_DIRECTORY (which systemd sets), $XDG_CACHE_HOME/winnow, $HOME/.cache/winnow and
 * /tmp/winnow-UID. */
#define CACHE_VARIABLE "WINNOW_CACHE"

/* At most so many files are kept. */
#define CACHE_FILES 16

/* Tells one content from all others: a hash of all from which it is made. Starts from {0}. */
struct cache_key {
    uint64_t high, low;
};

/* Adds something on which the content depends. The order counts. bytes may be NULL when length
 * is 0. */
void cache_key_add(struct cache_key *key, const void *bytes, size_t length);

/* Read-only bytes, aligned to 64. They stay while they are mapped, even if the file is removed. */
struct cache_image {
    const void *bytes; /* NULL: nothing is mapped */
    size_t length;
    size_t mapped_bytes;
};

struct cache;

/* Finds the directory or makes it. Returns 0; -ERR_SYSTEM when none can be used, with the reason
 * why the last of them cannot; -ERR_MEMORY. */
int cache_open(struct cache **cache, struct why *why);

/* Takes NULL. What is mapped stays. */
void cache_close(struct cache *cache);

/* Maps what was kept under a key. Returns 0; -ERR_MISSING when nothing was, and *why is empty, or
 * when what is there cannot be believed, and *why says why. */
int cache_map(const struct cache *cache, struct cache_key key, struct cache_image *image,
              struct why *why);

void cache_unmap(struct cache_image *image);

/* Waits until no other process makes what belongs to the key. After this cache_map has to be asked
 * again, because another process may have made it. The lock ends with the process at the latest.
 *
 * patience_ns  how long to wait: the other process may stand still
 * lock         written on success, for cache_unlock
 *
 * Returns 0 or -ERR_SYSTEM. */
int cache_lock(const struct cache *cache, struct cache_key key, int64_t patience_ns, int *lock,
               struct why *why);
void cache_unlock(const struct cache *cache, struct cache_key key, int lock);

/* Keeps bytes under a key, in place of what was there. Returns 0 or -ERR_SYSTEM. */
int cache_keep(const struct cache *cache, struct cache_key key, const void *bytes, size_t length,
               struct why *why);

#endif
