#include "fleet.h"

#include "clock.h"
#include "leader/console.h"
#include "log.h"
#include "reconfigure.h"

#include <stdio.h>
#include <stdlib.h>

struct fleet {
    const struct fleet_settings *settings;
    struct members members;
    bool stopping; /* all of them */
};

/* ---- opening and closing ---- */

static int add(struct fleet *fleet, struct fleet_file_farm *plan, struct why *why)
{
    struct members *members = &fleet->members;
    struct member *member = NULL;
    int error = member_new(&fleet->settings->process, plan, &member, why);

    if (error)
        return error;
    members->at[members->count++] = member;
    return member_open(member, &members->total, why);
}

static int add_all(struct fleet *fleet, struct fleet_file *file, struct why *why)
{
    const struct members *members = &fleet->members;
    int error = 0;

    total_set(&fleet->members.total, file->total_workers);
    for (size_t i = 0; i < file->count && !error; i++) {
        error = add(fleet, &file->farms[i], why);
        if (error && members->count > i)
            fleet_file_refuse(file, &members->at[i]->plan, error, why);
    }
    if (!error && !fleet->settings->options->farm.leader.quiet)
        console_head(true);
    return error;
}

int fleet_open(const struct fleet_settings *settings, struct fleet_file *file, struct fleet **out,
               struct why *why)
{
    struct fleet_file_farm only = {.settings = *settings->options};
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (!fleet)
        return error_set(why, ERR_MEMORY, "out of memory");

    fleet->settings = settings;
    int error = file ? add_all(fleet, file, why) : add(fleet, &only, why);
    if (error) {
        fleet_close(fleet);
        return error;
    }
    *out = fleet;
    return 0;
}

void fleet_close(struct fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; i < fleet->members.count; i++)
        member_close(fleet->members.at[i]);
    free(fleet);
}

/* ---- steps ---- */

size_t fleet_fds(const struct fleet *fleet)
{
    return fleet->members.count * FARM_FDS;
}

size_t fleet_poll(struct fleet *fleet, struct pollfd *fds)
{
    size_t count = 0;

    for (size_t i = 0; i < fleet->members.count; i++)
        count += member_poll(fleet->members.at[i], fds, count);
    return count;
}

/* A farm that still drains has what this one needs. */
static bool must_wait(const struct members *members, const struct member *waiting)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct member *other = members->at[i];
        if (other != waiting && other->farm && !other->ended &&
            fleet_file_shared(&other->plan.settings, &waiting->plan.settings))
            return true;
    }
    return false;
}

static void step_waiting(struct fleet *fleet, struct member *member)
{
    struct why why = {0};

    if (must_wait(&fleet->members, member))
        return;
    int error = member_open(member, &fleet->members.total, &why);
    if (error)
        member_give_up(member, error, &why);
}

/* Forgets those that have ended and are in the configuration no more. */
static void forget(struct members *members)
{
    size_t kept = 0;

    for (size_t i = 0; i < members->count; i++)
        if (members->at[i]->removed && members->at[i]->ended)
            member_close(members->at[i]);
        else
            members->at[kept++] = members->at[i];
    members->count = kept;
}

bool fleet_step(struct fleet *fleet, const struct pollfd *fds, bool all, int64_t *wake_ns)
{
    struct members *members = &fleet->members;
    int64_t now_ns = clock_now_ns();
    bool any = false;

    for (size_t i = 0; i < members->count; i++) {
        struct member *member = members->at[i];
        if (!member->ended && member->farm && (all || member_is_due(member, fds, now_ns)))
            member_step(member);
    }
    forget(members);
    *wake_ns = CLOCK_NEVER;
    for (size_t i = 0; i < members->count; i++) {
        struct member *member = members->at[i];
        if (!member->ended && !member->farm)
            step_waiting(fleet, member);
        int64_t due_ns = member_due_ns(member, now_ns);
        *wake_ns = due_ns < *wake_ns ? due_ns : *wake_ns;
        any |= !member->ended;
    }
    return any;
}

/* ---- what it is told ---- */

void fleet_stop(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->members.count; i++) {
        struct member *member = fleet->members.at[i];
        /* To one that drains already the first signal says nothing new. */
        if (!member->ended && (!member->stopped || fleet->stopping))
            member_stop(member);
    }
    fleet->stopping = true;
}

void fleet_renew(struct fleet *fleet)
{
    const struct fleet_settings *settings = fleet->settings;
    const char *path = settings->options->config_path;
    struct why why = {0};

    if (path && !fleet->stopping) {
        if (reconfigure(&fleet->members, &settings->process, path, &settings->common, &why)) {
            log_event(LOG_ERROR, "configuration_refused", "why=\"%s\" doing=\"going on as before\"",
                      why.text);
            return;
        }
        log_event(LOG_INFO, "configuration_read", "file=%s", path);
    }
    for (size_t i = 0; i < fleet->members.count; i++)
        member_renew(fleet->members.at[i]);
}

int fleet_outcome(const struct fleet *fleet, struct why *why)
{
    int error = 0;

    for (size_t i = 0; i < fleet->members.count; i++) {
        const struct member *member = fleet->members.at[i];
        if (!member->error)
            return 0;
        if (error)
            continue;
        error = member->error;
        *why = member->why;
    }
    return error;
}

bool fleet_was_abandoned(const struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->members.count; i++)
        if (fleet->members.at[i]->farm && farm_was_abandoned(fleet->members.at[i]->farm))
            return true;
    return false;
}

/* ---- what would run ---- */

static void print(const struct member *member)
{
    const struct autoscaler_options *settings = &member->plan.settings;
    const struct leader_settings *leader = &settings->farm.leader;

    printf("pool %s: %s, %u to %u workers of %s on the queue %s\n", member->plan.name,
           leader->policy->name, leader->params.min_workers, leader->params.max_workers,
           leader->worker, settings->options.topology.work);
}

static int check(const struct fleet_settings *settings, struct fleet_file *file, size_t i,
                 struct why *why)
{
    struct member *member = NULL;
    int error = member_new(&settings->process, &file->farms[i], &member, why);

    if (!error) {
        error = member_try(member, why);
        if (error)
            fleet_file_refuse(file, &member->plan, error, why);
        else
            print(member);
    }
    member_close(member);
    return error;
}

int fleet_check(const struct fleet_settings *settings, struct fleet_file *file, struct why *why)
{
    int error = 0;

    for (size_t i = 0; i < file->count && !error; i++)
        error = check(settings, file, i, why);
    if (!error && file->total_workers)
        printf("at most %u workers in all\n", file->total_workers);
    return error;
}
