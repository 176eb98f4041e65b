#include "scoreboard.h"

#include "control/lamport.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The layout is read from other languages too: what moves a field takes a new SCOREBOARD_MAGIC. */
#define AT(field, offset)                                                                          \
    _Static_assert(offsetof(struct scoreboard_slot, field) == (offset), "the layout has changed")
AT(state, 0);
AT(pid, 4);
AT(handled_msgs, 8);
AT(in_flight_msgs, 16);
AT(given_back_msgs, 24);
AT(busy_ns, 32);
AT(progress_ns, 40);
AT(simulated_service_ns, 48);
AT(takes_hangup, 56);
AT(fingerprint_high, 64);
AT(fingerprint_low, 72);
AT(started_ns, 80);
AT(due_ns, 88);
AT(dead_msgs, 96);
AT(handled_within, 128);
_Static_assert(sizeof(struct scoreboard_slot) == 256, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, hang_timeout_ns) == 16, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, max_attempts) == 24, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, attempts) == 32, "the layout has changed");
_Static_assert(sizeof(struct scoreboard_attempt) == 16, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, reasons) == 131104, "the layout has changed");
_Static_assert(sizeof(struct scoreboard_reason) == 384, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, settle_ns) == 155752, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, used) == 155760, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, clock) == 155768, "the layout has changed");
_Static_assert(offsetof(struct scoreboard_layout, slot) == 155776, "the layout has changed");

struct scoreboard {
    struct scoreboard_layout *layout;
    size_t bytes;
    int fd;
    /* What the autoscaler wrote in the layout, and does not read back: workers can write there. */
    uint32_t max_attempts;
    int64_t hang_timeout_ns, settle_ns;
    size_t used;
    /* A worker's other threads may be logging while it ends, and reach for the clock. */
    bool stays_mapped;
};

static size_t bytes_for(size_t slots)
{
    return sizeof(struct scoreboard_layout) + slots * sizeof(struct scoreboard_slot);
}

static void write_head(struct scoreboard *scoreboard)
{
    scoreboard->layout->magic = SCOREBOARD_MAGIC;
    scoreboard->layout->slots = scoreboard_slots(scoreboard);
    scoreboard->layout->max_attempts = scoreboard->max_attempts;
    scoreboard->layout->hang_timeout_ns = scoreboard->hang_timeout_ns;
    scoreboard->layout->settle_ns = scoreboard->settle_ns;
    atomic_store_explicit(&scoreboard->layout->used, scoreboard->used, memory_order_relaxed);
}

int scoreboard_create(size_t slots, uint32_t max_attempts, int64_t hang_timeout_ns,
                      struct scoreboard **out, struct why *why)
{
    struct scoreboard *scoreboard = calloc(1, sizeof *scoreboard);
    if (!scoreboard)
        return error_set(why, ERR_MEMORY, "out of memory");

    scoreboard->bytes = bytes_for(slots);
    scoreboard->layout = MAP_FAILED;
    scoreboard->fd = memfd_create("winnow-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* A worker that cut it short would end everybody who reads it. */
    if (scoreboard->fd >= 0 && ftruncate(scoreboard->fd, (off_t)scoreboard->bytes) == 0 &&
        fcntl(scoreboard->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        scoreboard->layout =
            mmap(NULL, scoreboard->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, scoreboard->fd, 0);
    if (scoreboard->layout == MAP_FAILED) {
        int error = error_set(why, ERR_SYSTEM, "cannot create the workers' shared memory: %s",
                              strerror(errno));
        scoreboard_close(scoreboard);
        return error;
    }
    scoreboard->max_attempts = max_attempts;
    scoreboard->hang_timeout_ns = hang_timeout_ns;
    write_head(scoreboard);
    lamport_share(log_clock(), &scoreboard->layout->clock);
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

static int create_own(struct scoreboard **out, struct scoreboard_slot **slot, struct why *why)
{
    int error = scoreboard_create(1, SCOREBOARD_OWN_ATTEMPTS, SCOREBOARD_OWN_HANG_NS, out, why);

    if (error)
        return error;
    (*out)->stays_mapped = true;
    *slot = scoreboard_slot(*out, 0);
    return 0;
}

int scoreboard_attach(struct scoreboard **out, struct scoreboard_slot **slot, struct why *why)
{
    const char *fd_text = getenv(SCOREBOARD_FD_VARIABLE);
    const char *slot_text = getenv(SCOREBOARD_SLOT_VARIABLE);
    long fd, index;

    *out = NULL;
    *slot = NULL;
    if (!fd_text || !slot_text)
        return create_own(out, slot, why);
    struct stat status;
    if (!parse_number(fd_text, &fd) || fd > INT32_MAX || !parse_number(slot_text, &index) ||
        fstat((int)fd, &status) || status.st_size < (off_t)sizeof(struct scoreboard_layout))
        return error_set(why, ERR_INVALID,
                         SCOREBOARD_FD_VARIABLE "=%s, " SCOREBOARD_SLOT_VARIABLE
                                                "=%s is no scoreboard; unset both, or let "
                                                "winnow-autoscaler start this worker",
                         fd_text, slot_text);

    struct scoreboard *scoreboard = calloc(1, sizeof *scoreboard);
    if (!scoreboard)
        return error_set(why, ERR_MEMORY, "out of memory");
    scoreboard->fd = (int)fd;
    scoreboard->stays_mapped = true;
    scoreboard->bytes = (size_t)status.st_size;
    scoreboard->layout =
        mmap(NULL, scoreboard->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, scoreboard->fd, 0);
    if (scoreboard->layout == MAP_FAILED || scoreboard->layout->magic != SCOREBOARD_MAGIC ||
        bytes_for(scoreboard->layout->slots) != scoreboard->bytes ||
        (uint64_t)index >= scoreboard->layout->slots) {
        scoreboard->fd = -1; /* not ours to close, whatever it is */
        scoreboard_close(scoreboard);
        return error_set(why, ERR_INVALID,
                         "the scoreboard in " SCOREBOARD_FD_VARIABLE
                         " is of another version, or has no slot %ld",
                         index);
    }
    lamport_share(log_clock(), &scoreboard->layout->clock);
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
    /* Nobody to hear it is no reason to stop: without the byte it counts as running after a
     * second. */
    ssize_t written = write((int)fd, "r", 1);
    (void)written;
    close((int)fd);
    unsetenv(SCOREBOARD_READY_VARIABLE);
}

void scoreboard_close(struct scoreboard *scoreboard)
{
    if (!scoreboard)
        return;
    if (scoreboard->layout != MAP_FAILED) {
        lamport_unshare(log_clock(), &scoreboard->layout->clock);
        if (!scoreboard->stays_mapped)
            munmap(scoreboard->layout, scoreboard->bytes);
    }
    if (scoreboard->fd >= 0)
        close(scoreboard->fd);
    free(scoreboard);
}

int scoreboard_fd(const struct scoreboard *scoreboard)
{
    return scoreboard->fd;
}

struct scoreboard_layout *scoreboard_memory(const struct scoreboard *scoreboard)
{
    return scoreboard->layout;
}

size_t scoreboard_slots(const struct scoreboard *scoreboard)
{
    return (scoreboard->bytes - sizeof(struct scoreboard_layout)) / sizeof(struct scoreboard_slot);
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
    atomic_store(&slot->started_ns, 0);
    atomic_store(&slot->due_ns, 0);
    atomic_store(&slot->dead_msgs, 0);
    for (size_t i = 0; i < TIME_CLASSES; i++)
        atomic_store(&slot->handled_within[i], 0);
    scoreboard_put_down(slot);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* More events than any worker holds, or handles between its start and the end of its host. */
#define MOST_IN_FLIGHT UINT64_C(1000000)
#define MOST_HANDLED   (UINT64_C(1) << 53)

/* A worker may read the clock a moment after whoever looks at its slot. */
#define MOMENT_NS INT64_C(1000000000)
#define DAY_NS    (86400 * MOMENT_NS)

static bool is_past(const _Atomic int64_t *time, int64_t now_ns)
{
    int64_t ns = atomic_load_explicit(time, memory_order_relaxed);

    return ns >= 0 && ns <= now_ns + MOMENT_NS;
}

const char *scoreboard_impossible(const struct scoreboard_slot *slot, int64_t now_ns)
{
    int32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    int64_t simulated_ns = atomic_load_explicit(&slot->simulated_service_ns, memory_order_relaxed);

    if (state < SCOREBOARD_EMPTY || state > SCOREBOARD_DRAINING)
        return "state";
    if (atomic_load_explicit(&slot->in_flight_msgs, memory_order_relaxed) > MOST_IN_FLIGHT)
        return "in_flight_msgs";
    if (atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed) > MOST_HANDLED)
        return "handled_msgs";
    if (atomic_load_explicit(&slot->busy_ns, memory_order_relaxed) < 0)
        return "busy_ns";
    if (simulated_ns < 0 || simulated_ns > DAY_NS)
        return "simulated_service_ns";
    if (!is_past(&slot->progress_ns, now_ns))
        return "progress_ns";
    return is_past(&slot->started_ns, now_ns) ? NULL : "started_ns";
}

static int64_t add(int64_t time_ns, int64_t span_ns)
{
    return time_ns < INT64_MAX - span_ns ? time_ns + span_ns : INT64_MAX;
}

int64_t scoreboard_silent_at_ns(const struct scoreboard_slot *slot, int64_t judge_from_ns,
                                int64_t hang_timeout_ns, int64_t idle_limit_ns)
{
    int32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
    int64_t progress_ns = atomic_load_explicit(&slot->progress_ns, memory_order_relaxed);
    bool handling = scoreboard_handling(slot).low;

    if (state == SCOREBOARD_EMPTY)
        return INT64_MAX;
    return add(later(progress_ns, judge_from_ns),
               handling ? hang_timeout_ns : later(hang_timeout_ns, idle_limit_ns));
}

int64_t scoreboard_hung_at_ns(const struct scoreboard_slot *slot, int64_t judge_from_ns,
                              int64_t hang_timeout_ns, int64_t idle_limit_ns)
{
    int64_t silent_ns =
        scoreboard_silent_at_ns(slot, judge_from_ns, hang_timeout_ns, idle_limit_ns);

    if (!scoreboard_handling(slot).low)
        return silent_ns;
    int64_t due_ns = atomic_load_explicit(&slot->due_ns, memory_order_relaxed);
    return later(silent_ns, add(due_ns, hang_timeout_ns));
}

/* ---- what a worker tells ---- */

void scoreboard_sign_on(struct scoreboard_slot *slot, int64_t simulated_service_ns,
                        bool takes_hangup)
{
    atomic_store_explicit(&slot->simulated_service_ns, simulated_service_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->takes_hangup, takes_hangup, memory_order_relaxed);
    atomic_store_explicit(&slot->pid, (int32_t)getpid(), memory_order_release);
}

void scoreboard_set_state(struct scoreboard_slot *slot, enum scoreboard_state state)
{
    atomic_store_explicit(&slot->state, (int32_t)state, memory_order_release);
}

void scoreboard_set_in_flight(struct scoreboard_slot *slot, size_t events)
{
    atomic_store_explicit(&slot->in_flight_msgs, events, memory_order_relaxed);
}

void scoreboard_progress(struct scoreboard_slot *slot, int64_t now_ns)
{
    atomic_store_explicit(&slot->progress_ns, now_ns, memory_order_relaxed);
}

void scoreboard_set_due(struct scoreboard_slot *slot, int64_t due_ns)
{
    atomic_store_explicit(&slot->due_ns, due_ns, memory_order_relaxed);
}

static void set_handling(struct scoreboard_slot *slot, struct scoreboard_fingerprint event)
{
    atomic_store_explicit(&slot->fingerprint_high, event.high, memory_order_relaxed);
    atomic_store_explicit(&slot->fingerprint_low, event.low, memory_order_release);
}

void scoreboard_take_up(struct scoreboard_slot *slot, struct scoreboard_fingerprint event,
                        int64_t now_ns)
{
    scoreboard_progress(slot, now_ns);
    atomic_store_explicit(&slot->started_ns, now_ns, memory_order_relaxed);
    scoreboard_set_due(slot, 0);
    set_handling(slot, event);
}

void scoreboard_put_down(struct scoreboard_slot *slot)
{
    set_handling(slot, (struct scoreboard_fingerprint){0});
}

void scoreboard_count_handled(struct scoreboard_slot *slot, int64_t busy_ns)
{
    atomic_fetch_add_explicit(&slot->busy_ns, busy_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&slot->handled_within[time_classes_of(busy_ns)], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&slot->handled_msgs, 1, memory_order_relaxed);
}

void scoreboard_count_dead(struct scoreboard_slot *slot)
{
    atomic_fetch_add_explicit(&slot->dead_msgs, 1, memory_order_relaxed);
}

void scoreboard_count_given_back(struct scoreboard_slot *slot, size_t events)
{
    atomic_fetch_add_explicit(&slot->given_back_msgs, events, memory_order_relaxed);
}

struct scoreboard_fingerprint scoreboard_handling(const struct scoreboard_slot *slot)
{
    struct scoreboard_fingerprint event;

    event.low = atomic_load_explicit(&slot->fingerprint_low, memory_order_acquire);
    event.high = atomic_load_explicit(&slot->fingerprint_high, memory_order_relaxed);
    return event;
}

int64_t scoreboard_hang_timeout_ns(const struct scoreboard *scoreboard)
{
    return scoreboard->layout->hang_timeout_ns;
}

int64_t scoreboard_settle_ns(const struct scoreboard *scoreboard)
{
    return scoreboard->layout->settle_ns;
}

void scoreboard_settle(struct scoreboard *scoreboard, int64_t settle_ns)
{
    scoreboard->settle_ns = settle_ns;
}

void scoreboard_prepare(struct scoreboard *scoreboard, size_t index)
{
    if (index >= scoreboard->used)
        scoreboard->used = index + 1;
    write_head(scoreboard);
    scoreboard_clear(scoreboard_slot(scoreboard, index));
}

/* How many slots from the first one on may be a worker's. */
static size_t used_slots(const struct scoreboard *scoreboard)
{
    uint64_t slots = scoreboard->layout->slots;
    uint64_t used = atomic_load_explicit(&scoreboard->layout->used, memory_order_relaxed);

    return used > 0 && used < slots ? used : slots;
}

bool scoreboard_handled_elsewhere(const struct scoreboard *scoreboard,
                                  const struct scoreboard_slot *own,
                                  struct scoreboard_fingerprint event, int64_t since_ns)
{
    size_t used = used_slots(scoreboard);

    for (size_t i = 0; i < used; i++) {
        const struct scoreboard_slot *slot = &scoreboard->layout->slot[i];
        struct scoreboard_fingerprint other = scoreboard_handling(slot);
        if (slot != own && other.low == event.low && other.high == event.high &&
            atomic_load_explicit(&slot->started_ns, memory_order_relaxed) <= since_ns)
            return true;
    }
    return false;
}

size_t scoreboard_running(const struct scoreboard *scoreboard)
{
    size_t used = used_slots(scoreboard), running = 0;

    for (size_t i = 0; i < used; i++)
        running += atomic_load_explicit(&scoreboard->layout->slot[i].pid, memory_order_relaxed) > 0;
    return running;
}
