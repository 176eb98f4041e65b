#include "import.h"

#include "filter/list_files.h"

#include <stdint.h>
#include <stdio.h>

static int read_list(const char *path, struct lines *entries, struct why *why)
{
    struct list_files files = {0};
    struct lines_fault fault;
    size_t repeated;
    int error = list_files_read(&path, 1, UINT32_MAX, &files, why);

    if (!error) {
        error = lines_read(entries, files.items[0].bytes, files.items[0].length, &repeated, &fault);
        if (error == -ERR_INVALID)
            error = error_set(why, ERR_CONFIG, "%s:%u: %s", path, fault.line, fault.why.text);
    }
    list_files_clear(&files);
    return error;
}

int import_run(const char *path, struct store *store, struct why *why)
{
    struct store_operation add = {.verb = STORE_ADD};
    struct store_operation *operation = &add;
    int error = read_list(path, &add.entries, why);

    if (!error)
        error = store_apply(store, &operation, 1, why);
    if (!error)
        printf("%s: added %zu, known %zu, version %lld\n", path, add.unknown, add.known,
               (long long)add.version);
    store_clear_operation(&add);
    return error;
}
