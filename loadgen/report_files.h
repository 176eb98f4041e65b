/* report_files.h - the files that a run writes: opened before it starts, so that nothing is sent in
 * vain, and written when there is something to write. Until then a file keeps what is in it. */
#ifndef WINNOW_REPORT_FILES_H
#define WINNOW_REPORT_FILES_H

#include "error.h"
#include "report.h"

#include <stdio.h>

/* As given on the command line; NULL: not wanted. */
struct report_files_paths {
    const char *summary, *timeline;
    const char *hdr_prefix; /* of PREFIX.lag.hdr and so on, a file for each of the latencies */
};

#define REPORT_FILES_HDR 3
struct report_files {
    struct report_files_paths paths;
    FILE *timeline; /* for timeline.h; NULL: not wanted */

    /* Its own. */
    FILE *summary, *hdr[REPORT_FILES_HDR];
};

/* paths   borrowed until report_files_close, which is called in any case
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG with the option and the file that cannot be opened. */
int report_files_open(struct report_files *files, const struct report_files_paths *paths,
                      struct why *why);
/* Also takes one that is all zeros. */
void report_files_close(struct report_files *files);

/* After the run: writes the summary and the latencies. 0, or -ERR_SYSTEM with the option and the
 * file. */
int report_files_write(struct report_files *files, const struct report *report, struct why *why);

#endif
