#include "list_watch.h"

#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_NS (20 * CLOCK_NS_PER_MS)
#define MOST_NS  CLOCK_NS_PER_S

/* As many as the kernel follows. */
#define MOST_LINKS 40

/* Whoever replaces a file takes a link from it, which is told as IN_ATTRIB even while somebody has
 * it open. A folder would tell the same of all that is in it. */
#define ITSELF  (IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW | IN_MASK_ADD)
#define CONTENT (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)
#define ARRIVAL (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD)

struct list_watch {
    const char *const *paths;
    size_t path_count;
    int fd;
    int *watches; /* what inotify gave; one may be there twice */
    size_t count, capacity;
};

/* ---- what is on the way to a file ---- */

/* A path that is walked: `done` of it has no link any more. */
struct way {
    char done[PATH_MAX], rest[PATH_MAX];
    int links;
};

/* 0, or what is wrong as a negative errno. What this user may not watch is left out. */
static int add(struct list_watch *watch, const char *path, uint32_t mask)
{
    if (watch->count == watch->capacity) {
        size_t capacity = watch->capacity ? 2 * watch->capacity : 16;
        int *grown = reallocarray(watch->watches, capacity, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        watch->watches = grown;
        watch->capacity = capacity;
    }
    int added = inotify_add_watch(watch->fd, path, mask);
    if (added < 0)
        return errno == EACCES ? 0 : -errno;
    watch->watches[watch->count++] = added;
    return 0;
}

/* Watches one thing, and says what it is. If another takes its place between the two calls, that is
 * told by what was watched before it, or is seen in the file that is read afterwards. */
static int add_itself(struct list_watch *watch, const char *path, mode_t *mode)
{
    struct stat status;

    if (lstat(path, &status))
        return -errno;
    *mode = status.st_mode;
    return S_ISDIR(*mode) ? add(watch, path, ITSELF | IN_ONLYDIR)
                          : add(watch, path, ITSELF | CONTENT);
}

/* Moves the next part of the rest to what is done; `before` is how much was done. False: the path
 * is too long to be one. */
static bool next_part(struct way *way, size_t *before)
{
    size_t length = strcspn(way->rest, "/"), done = *before = strlen(way->done);
    size_t rest = length + strspn(way->rest + length, "/");

    if (done + 1 + length >= sizeof way->done)
        return false;
    if (done && way->done[done - 1] != '/')
        way->done[done++] = '/';
    memcpy(way->done + done, way->rest, length);
    way->done[done + length] = '\0';
    memmove(way->rest, way->rest + rest, strlen(way->rest + rest) + 1);
    return true;
}

/* An absolute path begins with its root. */
static void begin(struct way *way)
{
    size_t slashes = strspn(way->rest, "/");

    if (slashes)
        strcpy(way->done, "/");
    memmove(way->rest, way->rest + slashes, strlen(way->rest + slashes) + 1);
}

/* Puts what the link says in its place. */
static bool follow(struct way *way, size_t before)
{
    char target[PATH_MAX];
    ssize_t length = readlink(way->done, target, sizeof target - 1);
    size_t rest = strlen(way->rest);

    if (length <= 0 || ++way->links > MOST_LINKS || (size_t)length + 1 + rest >= sizeof way->rest)
        return false;
    memmove(way->rest + length + 1, way->rest, rest + 1);
    memcpy(way->rest, target, (size_t)length);
    way->rest[length] = rest ? '/' : '\0';
    way->done[before] = '\0';
    begin(way);
    return true;
}

/* Watches the folder in which the last part of the way is missing. */
static int add_folder(struct list_watch *watch, const struct way *way, size_t before)
{
    char folder[PATH_MAX] = ".";

    if (before) {
        memcpy(folder, way->done, before);
        folder[before] = '\0';
    }
    return add(watch, folder, ARRIVAL);
}

static int add_part(struct list_watch *watch, const struct way *way, size_t before, mode_t *mode)
{
    int error = add_itself(watch, way->done, mode);

    if (error != -ENOENT)
        return error;
    error = add_folder(watch, way, before);
    /* It may have come before its folder was watched. */
    return error ? error : add_itself(watch, way->done, mode);
}

/* 0, -ENOSPC or -ENOMEM. A way that leads nowhere is watched as far as it goes. */
static int add_way(struct list_watch *watch, const char *path)
{
    struct way way = {0};
    int error = 0;

    if (snprintf(way.rest, sizeof way.rest, "%s", path) >= (int)sizeof way.rest)
        return 0;
    begin(&way);
    while (!error && way.rest[0]) {
        mode_t mode = 0;
        size_t before;
        if (!next_part(&way, &before))
            return 0;
        error = add_part(watch, &way, before, &mode);
        if (!error && S_ISLNK(mode) && !follow(&way, before))
            return 0;
    }
    return error == -ENOSPC || error == -ENOMEM ? error : 0;
}

/* ---- watching ---- */

static int watch_all(struct list_watch *watch, struct why *why)
{
    int error = 0;

    for (size_t i = 0; !error && i < watch->path_count; i++)
        error = add_way(watch, watch->paths[i]);
    if (error == -ENOSPC)
        return error_set(why, ERR_SYSTEM,
                         "cannot watch the word lists: fs.inotify.max_user_watches is reached");
    return error ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}

static int open_inotify(struct list_watch *watch, struct why *why)
{
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd >= 0)
        return 0;
    return error_set(why, ERR_SYSTEM, "cannot watch the word lists: %s%s", strerror(errno),
                     errno == EMFILE ? "; is fs.inotify.max_user_instances reached?" : "");
}

int list_watch_open(const char *const *paths, size_t count, struct list_watch **out,
                    struct why *why)
{
    struct list_watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return error_set(why, ERR_MEMORY, "out of memory");
    *watch = (struct list_watch){.paths = paths, .path_count = count};
    int error = open_inotify(watch, why);
    if (!error)
        error = watch_all(watch, why);
    if (error)
        list_watch_close(watch);
    else
        *out = watch;
    return error;
}

void list_watch_close(struct list_watch *watch)
{
    if (!watch)
        return;
    if (watch->fd >= 0)
        close(watch->fd);
    free(watch->watches);
    free(watch);
}

int list_watch_fd(const struct list_watch *watch)
{
    return watch->fd;
}

/* Takes what has been told. *writing: whether somebody was last seen to write into a file that he
 * has not closed. False: nothing had been told. */
static bool take_events(struct list_watch *watch, bool *writing)
{
    union {
        struct inotify_event event;
        char bytes[4096];
    } buffer;
    bool any = false;
    ssize_t length;

    while ((length = read(watch->fd, &buffer, sizeof buffer)) > 0) {
        const struct inotify_event *event;
        for (ssize_t at = 0; at < length; at += (ssize_t)(sizeof *event + event->len)) {
            event = (const struct inotify_event *)(const void *)(buffer.bytes + at);
            if (event->mask & IN_MODIFY)
                *writing = true;
            else if (event->mask & (IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF))
                *writing = false;
        }
        any = true;
    }
    return any;
}

static void await_quiet(struct list_watch *watch)
{
    int64_t end_ns = clock_now_ns() + MOST_NS, now_ns;
    struct pollfd told = {.fd = watch->fd, .events = POLLIN};
    struct timespec left;
    bool writing = false;

    while (take_events(watch, &writing) && (now_ns = clock_now_ns()) < end_ns) {
        int64_t until_ns = writing || now_ns + QUIET_NS > end_ns ? end_ns : now_ns + QUIET_NS;
        (void)ppoll(&told, 1, clock_left(until_ns, &left), NULL);
    }
}

int list_watch_settle(struct list_watch *watch, struct why *why)
{
    bool writing;

    await_quiet(watch);
    for (size_t i = 0; i < watch->count; i++)
        (void)inotify_rm_watch(watch->fd, watch->watches[i]);
    watch->count = 0;
    (void)take_events(watch, &writing);
    return watch_all(watch, why);
}
