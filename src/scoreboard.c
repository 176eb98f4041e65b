#include "scoreboard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Header only: no library to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAGIC UINT64_C(0x34574f4e4e4957) /* "WINNOW4", the layout's version with it */

/* Events whose workers died: a hash table whose chains are at most PROBES long, so that a look-up is short
 * and the oldest of a full chain gives way. The autoscaler alone writes. */
#define ATTEMPTS 4096
#define PROBES   16

struct attempt {
    _Atomic uint64_t high, low;
    _Atomic uint32_t count; /* 0: free */
    uint32_t stamp;         /* greater means counted later */
};

/* What lies in the shared memory. */
struct layout {
    uint64_t magic;
    uint64_t slots;
    int64_t hang_timeout_ns;
    uint32_t max_attempts;
    uint32_t next_stamp;
    struct attempt attempts[ATTEMPTS];
    struct scoreboard_slot slot[];
};

struct scoreboard {
    struct layout *layout;
    size_t bytes;
    int fd;
};

static size_t bytes_for(size_t slots)
{
    return sizeof(struct layout) + slots * sizeof(struct scoreboard_slot);
}

int scoreboard_create(size_t slots, uint32_t max_attempts, int64_t hang_timeout_ns,
                      struct scoreboard **out, struct why *why)
{
    struct scoreboard *scoreboard = calloc(1, sizeof *scoreboard);
    if (!scoreboard)
        return error_set(why, ERR_MEMORY, "out of memory");

    scoreboard->bytes = bytes_for(slots);
    scoreboard->layout = MAP_FAILED;
    scoreboard->fd = memfd_create("winnow-scoreboard", MFD_CLOEXEC);
    if (scoreboard->fd >= 0 && ftruncate(scoreboard->fd, (off_t)scoreboard->bytes) == 0)
        scoreboard->layout =
            mmap(NULL, scoreboard->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, scoreboard->fd, 0);
    if (scoreboard->layout == MAP_FAILED) {
        int error = error_set(why, ERR_SYSTEM, "cannot create the workers' shared memory: %s",
                              strerror(errno));
        scoreboard_close(scoreboard);
        return error;
    }
    scoreboard->layout->magic = MAGIC;
    scoreboard->layout->slots = slots;
    scoreboard->layout->max_attempts = max_attempts;
    scoreboard->layout->hang_timeout_ns = hang_timeout_ns;
    *out = scoreboard;
    return 0;
}

static bool parse_number(const char *text, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= 0;
}

int scoreboard_attach(struct scoreboard **out, struct scoreboard_slot **slot, struct why *why)
{
    const char *fd_text = getenv(SCOREBOARD_FD_VARIABLE);
    const char *slot_text = getenv(SCOREBOARD_SLOT_VARIABLE);
    long fd, index;

    *out = NULL;
    *slot = NULL;
    if (!fd_text || !slot_text)
        return 0;
    struct stat status;
    if (!parse_number(fd_text, &fd) || fd > INT32_MAX || !parse_number(slot_text, &index) ||
        fstat((int)fd, &status) || status.st_size < (off_t)sizeof(struct layout))
        return error_set(why, ERR_INVALID,
                         SCOREBOARD_FD_VARIABLE "=%s, " SCOREBOARD_SLOT_VARIABLE
                                                "=%s is no scoreboard; unset both, or let "
                                                "winnow-autoscaler start this worker",
                         fd_text, slot_text);

    struct scoreboard *scoreboard = calloc(1, sizeof *scoreboard);
    if (!scoreboard)
        return error_set(why, ERR_MEMORY, "out of memory");
    scoreboard->fd = (int)fd;
    scoreboard->bytes = (size_t)status.st_size;
    scoreboard->layout =
        mmap(NULL, scoreboard->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, scoreboard->fd, 0);
    if (scoreboard->layout == MAP_FAILED || scoreboard->layout->magic != MAGIC ||
        bytes_for(scoreboard->layout->slots) != scoreboard->bytes ||
        (uint64_t)index >= scoreboard->layout->slots) {
        scoreboard->fd = -1; /* not ours to close, whatever it is */
        scoreboard_close(scoreboard);
        return error_set(why, ERR_INVALID,
                         "the scoreboard in " SCOREBOARD_FD_VARIABLE
                         " is of another version, or has no slot %ld",
                         index);
    }
    *out = scoreboard;
    *slot = scoreboard_slot(scoreboard, (size_t)index);
    return 0;
}

void scoreboard_tell_ready(void)
{
    const char *text = getenv(SCOREBOARD_READY_VARIABLE);
    long fd;

    if (!text || !parse_number(text, &fd) || fd > INT32_MAX)
        return;
    /* Nobody to hear it is no reason to stop: without the byte it counts as running after a second. */
    ssize_t told = write((int)fd, "r", 1);
    (void)told;
    close((int)fd);
    unsetenv(SCOREBOARD_READY_VARIABLE);
}

void scoreboard_close(struct scoreboard *scoreboard)
{
    if (!scoreboard)
        return;
    if (scoreboard->layout != MAP_FAILED)
        munmap(scoreboard->layout, scoreboard->bytes);
    if (scoreboard->fd >= 0)
        close(scoreboard->fd);
    free(scoreboard);
}

int scoreboard_fd(const struct scoreboard *scoreboard)
{
    return scoreboard->fd;
}

size_t scoreboard_slots(const struct scoreboard *scoreboard)
{
    return scoreboard->layout->slots;
}

struct scoreboard_slot *scoreboard_slot(struct scoreboard *scoreboard, size_t index)
{
    return &scoreboard->layout->slot[index];
}

void scoreboard_clear(struct scoreboard_slot *slot)
{
    atomic_store(&slot->state, SCOREBOARD_EMPTY);
    atomic_store(&slot->pid, 0);
    atomic_store(&slot->handled_msgs, 0);
    atomic_store(&slot->in_flight_msgs, 0);
    atomic_store(&slot->given_back_msgs, 0);
    atomic_store(&slot->busy_ns, 0);
    atomic_store(&slot->progress_ns, 0);
    atomic_store(&slot->simulated_service_ns, 0);
    atomic_store(&slot->takes_hangup, 0);
    scoreboard_set_handling(slot, (struct scoreboard_fingerprint){0});
}

struct scoreboard_fingerprint scoreboard_fingerprint(const void *message_id, size_t id_length,
                                                     const void *properties,
                                                     size_t properties_length, const void *body,
                                                     size_t body_length)
{
    XXH128_hash_t hash;

    if (id_length) {
        hash = XXH3_128bits(message_id, id_length);
    } else {
        hash = XXH3_128bits(properties, properties_length);
        XXH128_hash_t rest = XXH3_128bits_withSeed(body, body_length, hash.low64);
        hash.high64 ^= rest.high64;
        hash.low64 ^= rest.low64;
    }
    return (struct scoreboard_fingerprint){hash.high64, hash.low64 | 1};
}

void scoreboard_set_handling(struct scoreboard_slot *slot, struct scoreboard_fingerprint event)
{
    atomic_store_explicit(&slot->fingerprint_high, event.high, memory_order_relaxed);
    atomic_store_explicit(&slot->fingerprint_low, event.low, memory_order_release);
}

struct scoreboard_fingerprint scoreboard_handling(const struct scoreboard_slot *slot)
{
    struct scoreboard_fingerprint event;

    event.low = atomic_load_explicit(&slot->fingerprint_low, memory_order_acquire);
    event.high = atomic_load_explicit(&slot->fingerprint_high, memory_order_relaxed);
    return event;
}

static bool is_for(const struct attempt *attempt, struct scoreboard_fingerprint event)
{
    return atomic_load(&attempt->low) == event.low && atomic_load(&attempt->high) == event.high;
}

static size_t chain(struct scoreboard_fingerprint event, size_t probe)
{
    return (size_t)(event.high + probe) % ATTEMPTS;
}

uint32_t scoreboard_count_attempt(struct scoreboard *scoreboard,
                                  struct scoreboard_fingerprint event)
{
    struct layout *layout = scoreboard->layout;
    struct attempt *chosen = NULL;

    for (size_t probe = 0; probe < PROBES; probe++) {
        struct attempt *attempt = &layout->attempts[chain(event, probe)];
        if (atomic_load(&attempt->count) && is_for(attempt, event)) {
            chosen = attempt;
            break;
        }
        if (!chosen || attempt->stamp < chosen->stamp)
            chosen = attempt;
    }
    if (!is_for(chosen, event)) {
        atomic_store(&chosen->count, 0);
        atomic_store(&chosen->high, event.high);
        atomic_store(&chosen->low, event.low);
    }
    chosen->stamp = ++layout->next_stamp;
    return atomic_fetch_add(&chosen->count, 1) + 1;
}

bool scoreboard_is_poison(const struct scoreboard *scoreboard, struct scoreboard_fingerprint event)
{
    const struct layout *layout = scoreboard->layout;

    for (size_t probe = 0; probe < PROBES; probe++) {
        const struct attempt *attempt = &layout->attempts[chain(event, probe)];
        uint32_t count = atomic_load(&attempt->count);
        if (count >= layout->max_attempts && is_for(attempt, event))
            return true;
    }
    return false;
}

int64_t scoreboard_hang_timeout_ns(const struct scoreboard *scoreboard)
{
    return scoreboard->layout->hang_timeout_ns;
}

bool scoreboard_handled_elsewhere(const struct scoreboard *scoreboard,
                                  const struct scoreboard_slot *own,
                                  struct scoreboard_fingerprint event, int64_t since_ns)
{
    for (size_t i = 0; i < scoreboard->layout->slots; i++) {
        const struct scoreboard_slot *slot = &scoreboard->layout->slot[i];
        struct scoreboard_fingerprint other = scoreboard_handling(slot);
        if (slot != own && other.low == event.low && other.high == event.high &&
            atomic_load(&slot->progress_ns) <= since_ns)
            return true;
    }
    return false;
}
