#include "list_files.h"

#include "buffer.h"
#include "default_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most lists fit. */
#define FIRST_BYTES 65536

/* Everything from a descriptor; false with errno set. */
static bool read_all(int fd, struct list_file *file)
{
    size_t capacity = 0;

    for (;;) {
        if (file->length == capacity &&
            !buffer_reserve(&file->owned, &capacity, capacity ? 2 * capacity : FIRST_BYTES))
            return false;
        ssize_t got = read(fd, file->owned + file->length, capacity - file->length);
        if (got == 0)
            return true;
        if (got > 0)
            file->length += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
}

static int read_file(const char *path, struct list_file *file, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_whole = fd >= 0 && read_all(fd, file);
    int reason = errno;

    if (fd >= 0)
        close(fd);
    file->name = path;
    file->bytes = file->owned;
    return is_whole ? 0
                    : error_set(why, ERR_CONFIG, "cannot read the word list '%s': %s", path,
                                strerror(reason));
}

int list_files_read(const char *const *paths, size_t count, struct list_files *files,
                    struct why *why)
{
    int error = 0;

    *files = (struct list_files){.count = count ? count : default_words_count};
    files->items = calloc(files->count, sizeof *files->items);
    if (!files->items)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < files->count && !error; i++)
        if (count)
            error = read_file(paths[i], &files->items[i], why);
        else
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

const char *list_files_name(const char *const *paths, size_t count, size_t index)
{
    return count ? paths[index] : default_words[index].name;
}
