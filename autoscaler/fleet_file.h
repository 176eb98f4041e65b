/* fleet_file.h - the configuration of several farms: a file to the settings of each.
 *
 *     [autoscaler]
 *     total-max = 12              workers of all pools together
 *
 *     [pool mails]                the farm's name, if it has no entry farm
 *     queue = celery              entries are the options of the command line
 *     standby = yes               one without a value takes yes or no
 *     worker = celery -A app worker -c 1
 *
 * What the file does not say is as the command line has it. */
#ifndef WINNOW_FLEET_FILE_H
#define WINNOW_FLEET_FILE_H

#include "autoscaler_options.h"
#include "error.h"
#include "total.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many again may still drain after the file was read anew. */
#define FLEET_FILE_MOST       (TOTAL_MOST_PLACES / 2)
#define FLEET_FILE_MOST_BYTES (1 << 20)

/* One entry as the file has it. */
struct fleet_file_entry {
    char *key, *value;
    size_t line;
};

/* One farm. */
struct fleet_file_farm {
    char *name;
    size_t line; /* of its section */
    struct fleet_file_entry *entries;
    size_t count;
    struct autoscaler_options
        settings; /* the worker is NULL when none is named; keeps pointers ... */
    char **argv;  /* ... into these arguments */
    int argc;
};

struct fleet_file {
    const char *path;       /* borrowed */
    uint32_t total_workers; /* 0: no limit */
    struct fleet_file_farm *farms;
    size_t count;
};

/* The arguments before the worker's and the worker of the command line; both borrowed. */
struct fleet_file_common {
    char *const *arguments; /* the program's name is the first */
    int count;
    char *const *worker; /* NULL: none */
};

/* Reads the file and checks what is in it. 0; -ERR_CONFIG with "FILE:LINE: reason", or without a
 * line when the file cannot be read; -ERR_MEMORY. To be cleared in any case. */
int fleet_file_read(const char *path, const struct fleet_file_common *common,
                    struct fleet_file *file, struct why *why);
void fleet_file_clear(struct fleet_file *file);
void fleet_file_clear_farm(struct fleet_file_farm *farm);

/* Where in a file a farm stands that cannot run. */
int fleet_file_refuse(const struct fleet_file *file, const struct fleet_file_farm *farm, int error,
                      struct why *why);

/* Exchanges the entries alone, by which files are compared. */
void fleet_file_swap_entries(struct fleet_file_farm *a, struct fleet_file_farm *b);

/* What both have of which each needs its own: "queue", "farm" or "history"; NULL: nothing. */
const char *fleet_file_shared(const struct autoscaler_options *a,
                              const struct autoscaler_options *b);

/* What the second is to the first, which runs. */
enum fleet_file_change {
    FLEET_FILE_SAME,
    FLEET_FILE_LIMITS, /* at most limits are others, which a farm that runs can be told */
    FLEET_FILE_OTHER,
};
enum fleet_file_change fleet_file_compare(const struct fleet_file_farm *running,
                                          const struct fleet_file_farm *farm);

#endif
