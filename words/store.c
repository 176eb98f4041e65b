#include "store.h"

#include "store_kind.h"
#include "topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYSTEM_FOLDER "/var/lib"

void store_clear_operation(struct store_operation *operation)
{
    lines_clear(&operation->entries);
    lines_clear(&operation->found);
}

/* A farm's name as a file's: no slash, and no two farms alike. */
static void write_name(const char *farm, char *out)
{
    for (; *farm; farm++)
        if (*farm == '/' || *farm == '%')
            out += sprintf(out, "%%%02X", (unsigned)(unsigned char)*farm);
        else
            *out++ = *farm;
    *out = '\0';
}

/* 0 and *path (release with free), with its folder made where it can be: where it cannot, neither
 * can the file be opened, which tells. */
static int default_path(const char *farm, char **path, struct why *why)
{
    const char *home = getenv("XDG_STATE_HOME");
    const char *folder = home && home[0] == '/' ? home : SYSTEM_FOLDER;
    char name[3 * TOPOLOGY_NAME_SIZE];

    write_name(farm, name);
    if (asprintf(path, "%s/winnow/%s.db", folder, name) < 0)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (char *slash = *path + strlen(folder); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(*path, 0700);
        *slash = '/';
    }
    return 0;
}

int store_open(const struct store_settings *settings, struct store **store, struct why *why)
{
    const char *where = settings->where;
    char *path = NULL;
    int error = 0;

    if (where && strncmp(where, STORE_REDIS_PREFIX, strlen(STORE_REDIS_PREFIX)) == 0)
        return store_redis_open(where, settings->farm, settings->relaxed, store, why);
    if (!where)
        error = default_path(settings->farm, &path, why);
    if (!error)
        error = store_sqlite_open(where ? where : path, settings->farm, store, why);
    free(path);
    return error;
}

void store_close(struct store *store)
{
    if (store)
        store->kind->close(store);
}

int store_apply(struct store *store, struct store_operation *const *operations, size_t count,
                struct why *why)
{
    return store->kind->apply(store, operations, count, why);
}

int store_look(struct store *store, struct store_state *state, struct why *why)
{
    return store->kind->look(store, state, why);
}

int store_swap_turn(struct store *store, const struct store_turn *from, const struct store_turn *to,
                    bool *swapped, struct why *why)
{
    return store->kind->swap_turn(store, from, to, swapped, why);
}

const char *store_name(const struct store *store)
{
    return store->name;
}
