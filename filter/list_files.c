#include "list_files.h"

#include "buffer.h"
#include "default_words.h"
#include "input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most lists fit. */
#define FIRST_BYTES 65536

/* Everything from a descriptor, but not more than one byte over the limit; false with errno set. */
static bool read_all(int fd, size_t max_bytes, struct list_file *file)
{
    size_t capacity = 0;
    ssize_t got;

    do {
        if (file->length == capacity &&
            !buffer_reserve(&file->owned, &capacity, capacity ? 2 * capacity : FIRST_BYTES))
            return false;
        got =
            input_read(fd, file->owned + file->length, capacity - file->length, INPUT_PATIENCE_MS);
        if (got > 0)
            file->length += (size_t)got;
    } while (got > 0 && file->length <= max_bytes);
    return got >= 0;
}

static int read_file(const char *path, size_t max_bytes, struct list_file *file, struct why *why)
{
    int fd = input_open(path, INPUT_PATIENCE_MS);
    bool is_whole = fd >= 0 && read_all(fd, max_bytes, file);
    int reason = errno;

    if (fd >= 0)
        close(fd);
    file->name = path;
    file->bytes = file->owned;
    return is_whole ? 0
                    : error_set(why, ERR_CONFIG, "cannot read the word list '%s': %s", path,
                                input_reason(reason));
}

int list_files_read(const char *const *paths, size_t count, size_t max_bytes,
                    struct list_files *files, struct why *why)
{
    size_t left = max_bytes;
    int error = 0;

    *files = (struct list_files){.count = count ? count : default_words_count};
    files->items = calloc(files->count, sizeof *files->items);
    if (!files->items)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < files->count && !error; i++)
        if (count) {
            error = read_file(paths[i], left, &files->items[i], why);
            if (!error && files->items[i].length > left)
                error = error_set(why, ERR_CONFIG,
                                  "with '%s' the word lists have more than %zu bytes; expected "
                                  "less, or a greater --max-words",
                                  paths[i], max_bytes);
            left -= error ? 0 : files->items[i].length;
        } else
            files->items[i] = (struct list_file){.name = default_words[i].name,
                                                 .bytes = default_words[i].bytes,
                                                 .length = default_words[i].length};
    return error;
}

void list_files_clear(struct list_files *files)
{
    for (size_t i = 0; files->items && i < files->count; i++)
        free(files->items[i].owned);
    free(files->items);
    *files = (struct list_files){0};
}

static bool is_empty_export(const struct list_file *file)
{
    size_t head = strlen(LIST_FILES_EXPORTED);

    return file->length > head && memcmp(file->bytes, LIST_FILES_EXPORTED, head) == 0 &&
           memchr(file->bytes, '\n', file->length) == file->bytes + file->length - 1;
}

bool list_files_are_empty(const struct list_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (!is_empty_export(&files->items[i]))
            return false;
    return true;
}

const char *list_files_name(const char *const *paths, size_t count, size_t index)
{
    return count ? paths[index] : default_words[index].name;
}
