#include "scoreboard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31574f4e4e4957) /* "WINNOW1", the layout's version with it */

/* What lies in the shared memory. */
struct layout {
    uint64_t magic;
    uint64_t slots;
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

int scoreboard_create(size_t slots, struct scoreboard **out, struct why *why)
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
}
