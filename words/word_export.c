#include "word_export.h"

#include "clock.h"
#include "filter/list_files.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first line. */
#define HEAD_FORMAT LIST_FILES_EXPORTED "%" PRId64 " farm=%s\n"
#define HEAD_SIZE   256

/* Writing takes at most this part of the time, as requests wait meanwhile. */
#define PART 5

#define LOCKED_TRIES 200
#define OLDER_TRIES  3

/* After a failure, and when another instance is at it. */
#define RETRY_NS  CLOCK_NS_PER_S
#define LOCKED_NS (10 * CLOCK_NS_PER_MS)

/* What may pass by itself: somebody else is writing, or has written a later version. */
enum { LOCKED = 1, OLDER };

static int fail(const struct word_export *export, const char *what, struct why *why)
{
    return error_set(why, ERR_CONFIG, "--export: %s: %s: %s", export->path, what, strerror(errno));
}

/* ---- the file that is there ---- */

/* The version of the file; -1 where there is none, or an empty one. */
static int read_version(const struct word_export *export, int64_t *version, struct why *why)
{
    char head[HEAD_SIZE] = "", expected[HEAD_SIZE];
    int fd = open(export->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *version = -1;
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(export, "cannot be read", why);
    ssize_t length = read(fd, head, sizeof head - 1);
    close(fd);
    if (length < 0)
        return fail(export, "cannot be read", why);
    if (length == 0)
        return 0;
    char *end = strchr(head, '\n');
    if (end)
        end[1] = '\0';
    bool has_version = sscanf(head, LIST_FILES_EXPORTED "%" SCNd64 " ", version) == 1;
    snprintf(expected, sizeof expected, HEAD_FORMAT, *version, export->farm);
    if (!has_version || strcmp(head, expected) != 0)
        return error_set(why, ERR_CONFIG,
                         "--export: %s: no export of the farm '%s'; it is not overwritten",
                         export->path, export->farm);
    return 0;
}

/* ---- writing ---- */

/* Locks the file's folder, so that one instance at a time writes: *fd is to be closed, unless it is
 * -1. 0, LOCKED or an error. */
static int lock_folder(const struct word_export *export, int *fd, struct why *why)
{
    const char *slash = strrchr(export->path, '/');
    char *folder = slash ? strndup(export->path, (size_t)(slash - export->path) + 1) : strdup(".");

    *fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (*fd < 0)
        return fail(export, "its folder cannot be opened", why);
    return flock(*fd, LOCK_EX | LOCK_NB) == 0 ? 0 : LOCKED;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* Under the lock nobody else uses the file's temporary name. */
static int replace(const struct word_export *export, const struct store_operation *list,
                   struct why *why)
{
    char head[HEAD_SIZE];
    char *name = NULL;

    if (asprintf(&name, "%s.new", export->path) < 0)
        return error_set(why, ERR_MEMORY, "out of memory");
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int length = snprintf(head, sizeof head, HEAD_FORMAT, list->version, export->farm);
    bool is_written = fd >= 0 && write_all(fd, head, (size_t)length) &&
                      write_all(fd, list->found.bytes, list->found.length) && fdatasync(fd) == 0;
    if (fd >= 0)
        is_written = close(fd) == 0 && is_written;
    is_written = is_written && rename(name, export->path) == 0;
    int error = is_written ? 0 : fail(export, "cannot be written", why);
    if (!is_written)
        unlink(name);
    free(name);
    return error;
}

/* 0, LOCKED, OLDER or an error. */
static int write_list(struct word_export *export, const struct store_operation *list,
                      struct why *why)
{
    int64_t there;
    int folder;
    int error = lock_folder(export, &folder, why);

    if (!error)
        error = read_version(export, &there, why);
    if (!error && there > list->version) {
        error_set(why, ERR_CONFIG,
                  "--export: %s: has version %" PRId64 ", and the store only %" PRId64,
                  export->path, there, list->version);
        error = OLDER;
    }
    if (!error && there < list->version)
        error = replace(export, list, why);
    if (folder >= 0)
        close(folder);
    return error;
}

/* The same; *from_store tells whether an error is the store's. */
static int write_anew(struct word_export *export, bool *from_store, struct why *why)
{
    struct store_operation list = {.verb = STORE_LIST, .limit = SIZE_MAX, .most_bytes = SIZE_MAX};
    struct store_operation *operation = &list;
    int error = store_apply(export->store, &operation, 1, why);

    *from_store = error != 0;
    if (!error)
        error = write_list(export, &list, why);
    if (!error)
        export->version = list.version;
    store_clear_operation(&list);
    return error;
}

int word_export_open(struct word_export *export, const char *path, const char *farm,
                     struct store *store, struct why *why)
{
    bool from_store;
    int error;

    *export = (struct word_export){.path = path, .farm = farm, .store = store, .version = -1};
    if (!path)
        return 0;
    error = write_anew(export, &from_store, why);
    return error > 0 ? 0 : error;
}

/* Two instances may well meet for a moment; what goes on failing is said once. */
static void note_failure(struct word_export *export, int error, const struct why *why)
{
    int tries = error == LOCKED ? LOCKED_TRIES : error == OLDER ? OLDER_TRIES : 1;

    if (++export->failures == tries)
        log_event(LOG_ERROR, "export_failed", "why=\"%s\" doing=\"trying again\"", why->text);
}

int word_export_step(struct word_export *export, int64_t version, int64_t now_ns, int64_t *wait_ns,
                     struct why *why)
{
    bool from_store;
    int64_t left_ns = export->due_ns - now_ns;

    if (!export->path || version == export->version)
        return 0;
    if (left_ns > 0) {
        if (left_ns < *wait_ns)
            *wait_ns = left_ns;
        return 0;
    }
    error_set(why, ERR_CONFIG, "--export: %s: another instance is writing it", export->path);
    int error = write_anew(export, &from_store, why);
    int64_t end_ns = clock_now_ns();
    export->due_ns = end_ns + (error == LOCKED ? LOCKED_NS
                               : error         ? RETRY_NS
                                               : (PART - 1) * (end_ns - now_ns));
    if (from_store)
        return error;
    if (error)
        note_failure(export, error, why);
    else
        export->failures = 0;
    if (!error)
        log_event(LOG_DEBUG, "exported", "file=\"%s\" version=%" PRId64, export->path,
                  export->version);
    return 0;
}
