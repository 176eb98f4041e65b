#include "policies.h"

#include "policy_erlang.h"
#include "policy_formula.h"

#include <string.h>

static const struct policy policies[] = {
    {.name = "formula", .rule = "N = ceil((B + λT) / C)", .need = policy_formula, .interval_s = 2},
    {.name = "erlang",
     .need = policy_erlang,
     .needs_arrival = true,
     .needs_ready_msgs = true,
     .spares_starting = true,
     .interval_s = 0.5,
     .own = policy_erlang_params,
     .own_count = ERLANG_PARAMS,
     .usual = {[ERLANG_WAIT_S] = 0.2,
               [ERLANG_EPSILON] = 0.25,
               [ERLANG_THETA] = 1.2,
               [ERLANG_AVERAGE_S] = 12,
               [ERLANG_Z] = 2.5}},
    {.name = "erlang-quiet",
     .need = policy_erlang,
     .needs_arrival = true,
     .needs_ready_msgs = true,
     .spares_starting = true,
     .interval_s = 0.5,
     .scale_down_delay_s = 5,
     .own = policy_erlang_params,
     .own_count = ERLANG_PARAMS,
     .usual = {[ERLANG_WAIT_S] = 0.2,
               [ERLANG_EPSILON] = 0.05,
               [ERLANG_THETA] = 2,
               [ERLANG_AVERAGE_S] = 20,
               [ERLANG_Z] = 3}},
};

const struct policy *policies_at(size_t index)
{
    return index < sizeof policies / sizeof policies[0] ? &policies[index] : NULL;
}

const struct policy *policies_find(const char *name)
{
    for (size_t i = 0; policies_at(i); i++)
        if (strcmp(policies[i].name, name) == 0)
            return &policies[i];
    return NULL;
}

void policies_names(const char *last, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; policies_at(i); i++) {
        const char *between = !i ? "" : policies_at(i + 1) ? ", " : last;
        strncat(text, between, size - strlen(text) - 1);
        strncat(text, policies[i].name, size - strlen(text) - 1);
    }
}
