#include "report_files.h"

#include "hdr.h"
#include "summary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* The latencies, by their part of a file's name. */
static const char *const names[REPORT_FILES_HDR] = {"lag", "confirm", "end_to_end"};

static const struct histogram *latency_of(const struct ledger *ledger, size_t number)
{
    return number == 0 ? &ledger->lag : number == 1 ? &ledger->confirm : &ledger->end_to_end;
}

/* Opens a file for writing, without emptying it. */
static int open_file(const char *option, const char *path, FILE **file, struct why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0)
        return error_set(why, ERR_CONFIG, "%s: cannot write '%s': %s", option, path,
                         strerror(errno));
    *file = fdopen(fd, "w");
    if (*file)
        return 0;
    close(fd);
    return error_set(why, ERR_MEMORY, "out of memory");
}

static int open_hdr(struct report_files *files, size_t number, struct why *why)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s.%s.hdr", files->paths.hdr_prefix, names[number]);

    if (length >= (int)sizeof path)
        return error_set(why, ERR_CONFIG, "--hdr: the prefix is too long");
    return open_file("--hdr", path, &files->hdr[number], why);
}

int report_files_open(struct report_files *files, const struct report_files_paths *paths,
                      struct why *why)
{
    int error = 0;

    *files = (struct report_files){.paths = *paths};
    if (paths->summary)
        error = open_file("--summary", paths->summary, &files->summary, why);
    if (!error && paths->timeline)
        error = open_file("--timeline", paths->timeline, &files->timeline, why);
    for (size_t i = 0; !error && paths->hdr_prefix && i < REPORT_FILES_HDR; i++)
        error = open_hdr(files, i, why);
    return error;
}

void report_files_close(struct report_files *files)
{
    FILE *const all[] = {files->summary, files->timeline, files->hdr[0], files->hdr[1],
                         files->hdr[2]};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i])
            fclose(all[i]);
}

static void empty(FILE *file)
{
    (void)!ftruncate(fileno(file), 0); /* a pipe or a device cannot be emptied */
}

/* Whether all that was written to the file is in it; errno when not. */
static bool is_whole(FILE *file)
{
    return fflush(file) == 0 && !ferror(file);
}

int report_files_write(struct report_files *files, const struct report *report, struct why *why)
{
    if (files->summary) {
        empty(files->summary);
        summary_write(files->summary, report);
        if (!is_whole(files->summary))
            return error_set(why, ERR_SYSTEM, "--summary: cannot write '%s': %s",
                             files->paths.summary, strerror(errno));
    }
    for (size_t i = 0; i < REPORT_FILES_HDR && files->hdr[i]; i++) {
        empty(files->hdr[i]);
        hdr_write(files->hdr[i], latency_of(report->ledger, i));
        if (!is_whole(files->hdr[i]))
            return error_set(why, ERR_SYSTEM, "--hdr: cannot write '%s.%s.hdr': %s",
                             files->paths.hdr_prefix, names[i], strerror(errno));
    }
    return 0;
}
