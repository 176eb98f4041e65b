/* fuzz.h - what the fuzz targets share: claims, and the input as a text or a file.
 *
 * A target is one function that libFuzzer calls with one input after the other. It hands the input
 * to a parser and claims what has to hold of the outcome, whatever the input was. */
#ifndef FUZZ_H
#define FUZZ_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, but checked in every build. */
#define CLAIM(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *claim)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
    abort();
}

/* The input as a NUL-terminated text on the heap, with nothing behind the NUL. */
static inline char *fuzz_text(const void *data, size_t size)
{
    char *text = malloc(size + 1);

    CLAIM(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* The input as a file, for parsers that take a path. Any number may be open at a time. */
struct fuzz_file {
    int fd;
    char path[32];
};

static inline void fuzz_file_append(const struct fuzz_file *file, const void *data, size_t size)
{
    if (size > 0)
        CLAIM(write(file->fd, data, size) == (ssize_t)size);
}

static inline struct fuzz_file fuzz_file_open(const void *data, size_t size)
{
    struct fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

    CLAIM(file.fd >= 0);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    fuzz_file_append(&file, data, size);
    return file;
}

/* What the file holds now, on the heap. */
static inline char *fuzz_file_content(const struct fuzz_file *file, size_t *size)
{
    off_t length = lseek(file->fd, 0, SEEK_END);

    CLAIM(length >= 0);
    char *content = malloc((size_t)length + 1);
    CLAIM(content != NULL && pread(file->fd, content, (size_t)length, 0) == (ssize_t)length);
    *size = (size_t)length;
    return content;
}

static inline void fuzz_file_close(const struct fuzz_file *file)
{
    close(file->fd);
}

/* A parser that refuses its input says why, and names the file if there is one. */
static inline void fuzz_claim_refusal(int error, const struct why *why, const char *file)
{
    CLAIM(error == -ERR_INVALID || error == -ERR_CONFIG);
    CLAIM(why->text[0] != '\0');
    CLAIM(memchr(why->text, '\0', sizeof why->text) != NULL);
    CLAIM(!file || strstr(why->text, file) != NULL);
}

#endif
