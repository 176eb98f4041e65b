#include "reconfigure.h"

#include <stdlib.h>
#include <string.h>

/* What becomes of a farm of the file; found out before anything is changed. */
struct change {
    struct member *running; /* of the same name; NULL: none */
    enum fleet_file_change kind;
    struct member *fresh; /* to run in its place, or as a new one; NULL: it goes on */
};

/* The farm of that name that is meant to run; NULL: none. */
static struct member *find(const struct members *members, const char *name)
{
    for (size_t i = 0; i < members->count; i++)
        if (!members->at[i]->removed && strcmp(members->at[i]->plan.name, name) == 0)
            return members->at[i];
    return NULL;
}

static int try_new(const struct member_process *process, const struct fleet_file *file,
                   struct fleet_file_farm *plan, struct member **fresh, struct why *why)
{
    int error = member_new(process, plan, fresh, why);

    if (error)
        return error;
    error = member_try(*fresh, why);
    return error ? fleet_file_refuse(file, &(*fresh)->plan, error, why) : 0;
}

static int prepare(const struct members *members, const struct member_process *process,
                   struct fleet_file *file, struct change *changes, struct why *why)
{
    size_t count = members->count;
    int error = 0;

    for (size_t i = 0; i < file->count && !error; i++) {
        struct change *change = &changes[i];
        change->running = find(members, file->farms[i].name);
        change->kind = change->running && !change->running->ended
                           ? fleet_file_compare(&change->running->plan, &file->farms[i])
                           : FLEET_FILE_OTHER;
        if (change->kind != FLEET_FILE_OTHER)
            continue;
        error = count++ == TOTAL_MOST_PLACES
                    ? error_set(why, ERR_CONFIG,
                                "%s: too many pools still drain; expected some "
                                "that have ended",
                                file->path)
                    : try_new(process, file, &file->farms[i], &change->fresh, why);
    }
    return error;
}

static void remove_member(struct member *member)
{
    member->removed = true;
    if (!member->ended && !member->stopped)
        member_stop(member);
}

/* Those that are in the file no more. */
static void remove_others(struct members *members, size_t count, const struct change *changes)
{
    for (size_t i = 0; i < members->count; i++) {
        bool kept = false;
        for (size_t j = 0; j < count && !kept; j++)
            kept = changes[j].running == members->at[i];
        if (!kept)
            remove_member(members->at[i]);
    }
}

static void add(struct members *members, const struct change *change)
{
    struct member *fresh = change->fresh;

    if (change->running)
        remove_member(change->running);
    if (fresh->process->guardian)
        guardian_wait_longer(fresh->process->guardian,
                             fresh->plan.settings.farm.node.drain_timeout_ns + POOL_DRAIN_GRACE_NS);
    members->at[members->count++] = fresh;
}

static void carry_out(struct members *members, struct fleet_file *file, struct change *changes)
{
    total_set(&members->total, file->total_workers);
    remove_others(members, file->count, changes);
    for (size_t i = 0; i < file->count; i++)
        if (changes[i].kind == FLEET_FILE_LIMITS)
            member_limit(changes[i].running, &file->farms[i]);
        else if (changes[i].kind == FLEET_FILE_OTHER)
            add(members, &changes[i]);
}

int reconfigure(struct members *members, const struct member_process *process, const char *path,
                const struct fleet_file_common *common, struct why *why)
{
    struct change *changes = calloc(FLEET_FILE_MOST, sizeof *changes);
    struct fleet_file file = {0};
    if (!changes)
        return error_set(why, ERR_MEMORY, "out of memory");

    int error = fleet_file_read(path, common, &file, why);
    if (!error)
        error = prepare(members, process, &file, changes, why);
    if (!error)
        carry_out(members, &file, changes);
    for (size_t i = 0; i < FLEET_FILE_MOST && error; i++)
        member_close(changes[i].fresh);
    free(changes);
    fleet_file_clear(&file);
    return error;
}
