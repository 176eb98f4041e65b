/* filtering.h - what winnow-filter and winnow-censor share: the options that say what is filtered and how, the lists
 * compiled or mapped from the cache, and a text filtered with them. */
#ifndef WINNOW_FILTERING_H
#define WINNOW_FILTERING_H

#include "censor.h"
#include "error.h"
#include "matcher.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTERING_MAX_FILES 256

/* Filled by the options; texts live as long as the process. */
struct filtering_settings {
    const char *files[FILTERING_MAX_FILES];
    size_t file_count; /* 0: the built-in lists */
    bool off;          /* nothing is looked for */
    enum matcher_level level;
    int32_t min_severity;
    struct censor_mask mask;
};

/* The defaults. */
void filtering_settings_init(struct filtering_settings *settings);

/* The options, as a child of a program's own; its input is a struct filtering_settings. A value that cannot be
 * used ends the program with EX_USAGE and a message that names the option. */
extern const struct argp filtering_argp;

/* One more word list; the number of them is checked. */
void filtering_add_file(struct filtering_settings *settings, char *path, struct argp_state *state);

/* Lists as they were when it was opened. Never changes: threads may share it. */
struct filtering;

/* Reads the lists, and maps what was compiled from the same lists before, or compiles them and keeps the result for
 * others. Without a usable cache it compiles for itself. What a list says that is hardly meant is logged by whoever
 * compiles it.
 *
 * Returns 0; -ERR_CONFIG with "FILE:LINE: ..." for a list that cannot be read or is malformed, or when there is no
 * entry at all; -ERR_MEMORY. */
int filtering_open(const struct filtering_settings *settings, struct filtering **filtering,
                   struct why *why);

/* Takes NULL. */
void filtering_close(struct filtering *filtering);

/* How many entries the lists have. */
size_t filtering_entries(const struct filtering *filtering);

/* The entry of a span, and the name of the file it is from. The filter is not off. */
struct matcher_entry filtering_entry(const struct filtering *filtering, uint32_t index,
                                     const char **file);

/* Room for one text after the other; starts from {0}. */
struct filtering_room {
    struct matcher_spans spans;
    struct censor_result result;
};

void filtering_room_clear(struct filtering_room *room);

/* Finds what is in a text: room->spans. 0, -ERR_INVALID (longer than matcher_find takes) or -ERR_MEMORY. */
int filtering_find(const struct filtering *filtering, const char *text, size_t length,
                   struct filtering_room *room);

/* Finds it and writes the text with every match masked to room->result. The same errors. */
int filtering_apply(const struct filtering *filtering, const char *text, size_t length,
                    struct filtering_room *room);

#endif
