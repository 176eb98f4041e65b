#include "member.h"

#include "clock.h"

#include <stdlib.h>

/* So long one of several farms may start workers while the others wait. */
#define TURN_NS (3 * CLOCK_NS_PER_MS)

/* What is logged from now on is of this farm; of one farm alone nothing says so. */
static void enter(struct member *member)
{
    log_enter(member->process->several ? &member->scope : NULL);
}

static void leave(void)
{
    log_enter(NULL);
}

/* ---- opening and closing ---- */

static uint32_t allow(void *place, uint32_t least, uint32_t wanted)
{
    return total_allow(place, least, wanted);
}

/* Settings that no option has. */
static void complete(struct member *member)
{
    const struct member_process *process = member->process;
    struct farm_settings *settings = &member->plan.settings.farm;

    if (!settings->node.worker)
        settings->node.worker = process->default_worker;
    settings->leader.worker = settings->node.worker[0];
    settings->node.guardian = process->guardian;
    settings->node.several_hosts = settings->host.name;
    settings->node.environment = (const char *const *)member->environment.variables;
    if (!process->several)
        return;
    member->scope.farm = member->plan.settings.options.topology.farm;
    settings->place = &member->place;
    settings->leader.one_of_several = true;
    settings->node.turn_ns = TURN_NS;
    settings->leader.total = (struct decider_total){.allow = allow, .place = &member->place};
}

int member_new(const struct member_process *process, struct fleet_file_farm *plan,
               struct member **out, struct why *why)
{
    struct member *member = calloc(1, sizeof *member);
    if (!member)
        return error_set(why, ERR_MEMORY, "out of memory");

    member->process = process;
    member->plan = *plan;
    *plan = (struct fleet_file_farm){0};
    const struct autoscaler_options *settings = &member->plan.settings;
    if (worker_environment_make(&member->environment, &settings->options,
                                settings->farm.node.drain_timeout_ns)) {
        member_close(member);
        return error_set(why, ERR_MEMORY, "out of memory");
    }
    complete(member);
    *out = member;
    return 0;
}

void member_close(struct member *member)
{
    if (!member)
        return;
    enter(member);
    farm_close(member->farm);
    leave();
    total_leave(&member->place);
    worker_environment_clear(&member->environment);
    fleet_file_clear_farm(&member->plan);
    free(member);
}

int member_open(struct member *member, struct total *total, struct why *why)
{
    const struct autoscaler_options *settings = &member->plan.settings;

    enter(member);
    int error = farm_open(&settings->farm, &settings->options, &member->farm, why);
    leave();
    if (error || !member->process->several)
        return error;
    /* From now on its least is kept for it. */
    uint32_t least = settings->farm.leader.params.min_workers;
    total_join(total, &member->place);
    total_allow(&member->place, least, least);
    return 0;
}

int member_try(const struct member *member, struct why *why)
{
    const struct autoscaler_options *settings = &member->plan.settings;
    struct farm *farm = NULL;
    int error = farm_open(&settings->farm, &settings->options, &farm, why);

    farm_close(farm);
    return error;
}

/* ---- steps ---- */

size_t member_poll(struct member *member, struct pollfd *fds, size_t first)
{
    member->first_fd = first;
    member->fd_count = member->farm ? farm_poll(member->farm, fds + first) : 0;
    return member->fd_count;
}

static bool was_left_other(struct member *member)
{
    return member->place.total && total_is_due(&member->place);
}

bool member_is_due(struct member *member, const struct pollfd *fds, int64_t now_ns)
{
    for (size_t i = 0; fds && i < member->fd_count; i++)
        if (fds[member->first_fd + i].revents)
            return true;
    return now_ns >= member->due_ns || was_left_other(member);
}

int64_t member_due_ns(struct member *member, int64_t now_ns)
{
    if (member->ended || !member->farm)
        return CLOCK_NEVER;
    return was_left_other(member) ? now_ns : member->due_ns;
}

void member_give_up(struct member *member, int error, const struct why *why)
{
    member->ended = true;
    member->error = error;
    member->why = *why;
    if (!member->process->several)
        return;
    enter(member);
    log_event(LOG_ERROR, "pool_given_up",
              "code=%d why=\"%s\" doing=\"going on with the others; SIGHUP tries it again\"",
              error_exit_code(error), why->text);
    leave();
}

void member_step(struct member *member)
{
    struct why why = {0};

    enter(member);
    member->due_ns = farm_step(member->farm, clock_now_ns());
    leave();
    if (!farm_has_ended(member->farm))
        return;
    int error = farm_outcome(member->farm, &why);
    member->ended = true;
    if (error)
        member_give_up(member, error, &why);
}

/* ---- what it is told ---- */

void member_stop(struct member *member)
{
    member->stopped = true;
    member->due_ns = 0;
    if (!member->farm) {
        member->ended = true;
        return;
    }
    enter(member);
    farm_stop(member->farm);
    leave();
}

void member_renew(struct member *member)
{
    if (!member->farm || member->ended)
        return;
    enter(member);
    farm_renew(member->farm);
    leave();
    member->due_ns = 0;
}

void member_limit(struct member *member, struct fleet_file_farm *plan)
{
    struct policy_params *params = &member->plan.settings.farm.leader.params;
    struct policy_params before = *params;

    *params = plan->settings.farm.leader.params;
    fleet_file_swap_entries(&member->plan, plan);
    if (!member->farm)
        return;
    enter(member);
    farm_limit(member->farm, &before, params);
    leave();
    member->due_ns = 0;
}
