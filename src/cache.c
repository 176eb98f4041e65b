#include "cache.h"

#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Header only: no library to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAGIC UINT64_C(0x316568634e4e4957) /* "WINNche1"; the 1 is the version of the layout */

/* A lock that another process holds is tried for so often. */
#define LOCK_TRY_MS 5

/* What a process left behind that died while it wrote is removed after so long. */
#define LEFTOVER_S 3600

/* The beginning of a file; the content follows. */
struct header {
    _Alignas(64) uint64_t magic;
    struct cache_key key;
    uint64_t length, checksum;
    uint64_t unused[3]; /* fills 64 bytes; 0, so that nothing of the stack gets into the file */
};

struct cache {
    int directory;
};

enum { NAME_SIZE = 64 };

#define IMAGE_SUFFIX ".image"

static void name_file(char name[NAME_SIZE], struct cache_key key, const char *suffix)
{
    snprintf(name, NAME_SIZE, "%016llx%016llx%s", (unsigned long long)key.high,
             (unsigned long long)key.low, suffix);
}

void cache_key_add(struct cache_key *key, const void *bytes, size_t length)
{
    XXH128_hash_t added = XXH3_128bits(length ? bytes : "", length);
    uint64_t both[] = {key->high, key->low, added.high64, added.low64};
    XXH128_hash_t whole = XXH3_128bits(both, sizeof both);

    *key = (struct cache_key){whole.high64, whole.low64};
}

/* ---- the directory ---- */

static int open_directory(const char *path, int *fd, struct why *why)
{
    struct stat status;

    if (mkdir(path, 0700) && errno != EEXIST)
        return error_set(why, ERR_SYSTEM, "cannot make '%s': %s", path, strerror(errno));
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &status))
        error_set(why, ERR_SYSTEM, "cannot use '%s': %s", path, strerror(errno));
    else if (status.st_uid != geteuid())
        error_set(why, ERR_SYSTEM, "'%s' belongs to another user", path);
    else if (status.st_mode & (S_IWGRP | S_IWOTH))
        error_set(why, ERR_SYSTEM, "others may write to '%s'", path);
    else if (faccessat(*fd, ".", W_OK, AT_EACCESS))
        error_set(why, ERR_SYSTEM, "cannot write to '%s': %s", path, strerror(errno));
    else
        return 0;
    if (*fd >= 0)
        close(*fd);
    return -ERR_SYSTEM;
}

/* Opens a directory below the one that an environment variable names by an absolute path. It is
 * made if need be, and so is `above`, the directory between the two. */
static int open_below(const char *variable, const char *above, const char *name, int *fd,
                      struct why *why)
{
    const char *value = getenv(variable);
    char path[PATH_MAX];

    if (!value || value[0] != '/')
        return -ERR_SYSTEM;
    snprintf(path, sizeof path, "%s%s", value, above);
    (void)mkdir(path, 0700);
    int length = snprintf(path, sizeof path, "%s%s%s", value, above, name);
    return length < (int)sizeof path ? open_directory(path, fd, why) : -ERR_SYSTEM;
}

static int find_directory(int *fd, struct why *why)
{
    const char *named = getenv(CACHE_VARIABLE);
    char last[64];

    if (named && named[0])
        return open_directory(named, fd, why);
    if (!open_below("CACHE_DIRECTORY", "", "", fd, why) ||
        !open_below("XDG_CACHE_HOME", "", "/winnow", fd, why) ||
        !open_below("HOME", "/.cache", "/winnow", fd, why))
        return 0;
    snprintf(last, sizeof last, "/tmp/winnow-%u", (unsigned)geteuid());
    return open_directory(last, fd, why);
}

int cache_open(struct cache **out, struct why *why)
{
    struct cache *cache = malloc(sizeof *cache);
    if (!cache)
        return error_set(why, ERR_MEMORY, "out of memory");

    int error = find_directory(&cache->directory, why);
    if (error)
        free(cache);
    else
        *out = cache;
    return error;
}

void cache_close(struct cache *cache)
{
    if (!cache)
        return;
    close(cache->directory);
    free(cache);
}

/* ---- looking up ---- */

/* Why a file is not what was kept under the key, or NULL when it is. */
static const char *disbelieve(const struct header *header, size_t bytes, struct cache_key key)
{
    if (bytes < sizeof *header || header->magic != MAGIC)
        return "it is of another kind";
    if (header->key.high != key.high || header->key.low != key.low)
        return "it is of something else";
    if (header->length != bytes - sizeof *header)
        return "it is not whole";
    if (header->checksum != XXH3_64bits(header + 1, header->length))
        return "its checksum is wrong";
    return NULL;
}

int cache_map(const struct cache *cache, struct cache_key key, struct cache_image *image,
              struct why *why)
{
    const char *disbelief = NULL;
    char name[NAME_SIZE];
    struct stat status = {0};
    void *bytes = MAP_FAILED;

    *image = (struct cache_image){0};
    error_set(why, ERR_MISSING, "%s", "");
    name_file(name, key, IMAGE_SUFFIX);
    int fd = openat(cache->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return -ERR_MISSING;
    if (fd < 0 || fstat(fd, &status))
        disbelief = strerror(errno);
    else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
             status.st_mode & (S_IWGRP | S_IWOTH))
        disbelief = "others may have written it";
    else if (status.st_size < (off_t)sizeof(struct header))
        disbelief = "it is not whole";
    if (!disbelief)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (!disbelief && bytes == MAP_FAILED)
        disbelief = strerror(errno);
    if (!disbelief)
        disbelief = disbelieve(bytes, (size_t)status.st_size, key);
    if (!disbelief) {
        /* Notes the time of the use, by which prune() chooses. A failure does no harm. */
        (void)futimens(fd, NULL);
        *image = (struct cache_image){.bytes = (const struct header *)bytes + 1,
                                      .length = (size_t)status.st_size - sizeof(struct header),
                                      .mapped_bytes = (size_t)status.st_size};
    } else if (bytes != MAP_FAILED) {
        munmap(bytes, (size_t)status.st_size);
    }
    if (fd >= 0)
        close(fd);
    return disbelief ? error_set(why, ERR_MISSING, "%s: %s", name, disbelief) : 0;
}

void cache_unmap(struct cache_image *image)
{
    if (image->bytes)
        munmap((void *)(uintptr_t)((const struct header *)image->bytes - 1), image->mapped_bytes);
    *image = (struct cache_image){0};
}

/* ---- making ---- */

/* Tries until it has the lock or the time is over; 0, or -1 with errno. */
static int lock_within(int fd, int64_t patience_ns)
{
    const int64_t deadline_ns = clock_now_ns() + patience_ns;

    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EINTR && (errno != EWOULDBLOCK || clock_now_ns() >= deadline_ns))
            return -1;
        poll(NULL, 0, LOCK_TRY_MS);
    }
    return 0;
}

int cache_lock(const struct cache *cache, struct cache_key key, int64_t patience_ns, int *lock,
               struct why *why)
{
    char name[NAME_SIZE];

    name_file(name, key, ".lock");
    *lock = openat(cache->directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*lock >= 0 && !lock_within(*lock, patience_ns))
        return 0;
    error_set(why, ERR_SYSTEM, "cannot lock '%s': %s", name,
              errno == EWOULDBLOCK ? "another process has held it for too long" : strerror(errno));
    if (*lock >= 0)
        close(*lock);
    return -ERR_SYSTEM;
}

void cache_unlock(const struct cache *cache, struct cache_key key, int lock)
{
    char name[NAME_SIZE];

    /* A process that waits for the lock finds what was made; a later one makes a new lock. */
    name_file(name, key, ".lock");
    (void)unlinkat(cache->directory, name, 0);
    close(lock);
}

static bool write_all(int fd, const void *bytes, size_t length)
{
    for (const char *at = bytes; length > 0;) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

/* What follows the key in the name of a file of the cache; NULL for any other file. */
static const char *suffix_of(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return digits == 32 && name[digits] == '.' ? name + digits : NULL;
}

/* Removes what dead processes left behind and, while there are too many files, the one whose last
 * use is the longest ago. */
static void prune(const struct cache *cache, time_t now)
{
    for (;;) {
        struct stat oldest_status = {0};
        char oldest[NAME_SIZE] = "";
        size_t files = 0;
        int fd = openat(cache->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);

        if (!directory)
            return;
        for (struct dirent *entry; (entry = readdir(directory));) {
            const char *suffix = suffix_of(entry->d_name);
            struct stat status;
            if (!suffix || strlen(suffix) > NAME_SIZE - 33 ||
                fstatat(cache->directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) ||
                !S_ISREG(status.st_mode))
                continue;
            if (strcmp(suffix, IMAGE_SUFFIX) != 0) {
                if (status.st_mtime + LEFTOVER_S < now)
                    (void)unlinkat(cache->directory, entry->d_name, 0);
                continue;
            }
            if (files++ == 0 || status.st_mtime < oldest_status.st_mtime) {
                oldest_status = status;
                memcpy(oldest, entry->d_name, strlen(entry->d_name) + 1);
            }
        }
        closedir(directory);
        if (files <= CACHE_FILES || unlinkat(cache->directory, oldest, 0))
            return;
    }
}

int cache_keep(const struct cache *cache, struct cache_key key, const void *bytes, size_t length,
               struct why *why)
{
    struct header header = {
        .magic = MAGIC, .key = key, .length = length, .checksum = XXH3_64bits(bytes, length)};
    char name[NAME_SIZE], temporary[NAME_SIZE], suffix[24];
    struct stat status;

    name_file(name, key, IMAGE_SUFFIX);
    snprintf(suffix, sizeof suffix, ".%d.new", (int)getpid());
    name_file(temporary, key, suffix);
    (void)unlinkat(cache->directory, temporary, 0);
    int fd = openat(cache->directory, temporary,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool kept = fd >= 0 && write_all(fd, &header, sizeof header) && write_all(fd, bytes, length) &&
                fstat(fd, &status) == 0 &&
                renameat(cache->directory, temporary, cache->directory, name) == 0;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (!kept) {
        (void)unlinkat(cache->directory, temporary, 0);
        return error_set(why, ERR_SYSTEM, "cannot keep '%s': %s", name, strerror(reason));
    }
    prune(cache, status.st_mtime);
    return 0;
}
