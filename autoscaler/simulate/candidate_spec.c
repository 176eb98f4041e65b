#include "candidate_spec.h"

#include "autoscaler/policy/policies.h"
#include "csv/number.h"
#include "oracle.h"
#include "peers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1e9

#define WORK        "work"
#define ORACLE      "oracle"
#define ORACLE_FORM ORACLE ":SECONDS"

void candidate_spec_names(char names[CANDIDATE_SPEC_NAMES_SIZE])
{
    const size_t size = CANDIDATE_SPEC_NAMES_SIZE;
    const struct peer_kind *peer;

    policies_names(", ", names, size);
    size_t length = strlen(names);
    for (size_t i = 0; (peer = peers_at(i)); i++)
        length += (size_t)snprintf(names + length, size - length, ", %s", peer->form);
    snprintf(names + length, size - length, ", " WORK ", " ORACLE_FORM);
}

static int find_kind(struct candidate_spec *spec, const char *name, struct why *why)
{
    char names[CANDIDATE_SPEC_NAMES_SIZE];

    spec->policy = policies_find(name);
    spec->peer = peers_find(name);
    if (spec->policy)
        spec->kind = CANDIDATE_POLICY;
    else if (spec->peer)
        spec->kind = CANDIDATE_PEER;
    else if (strcmp(name, WORK) == 0)
        spec->kind = CANDIDATE_WORK;
    else if (strcmp(name, ORACLE) == 0)
        spec->kind = CANDIDATE_ORACLE;
    else {
        candidate_spec_names(names);
        return error_set(why, ERR_INVALID, "'%s' is not a policy; expected one of %s", name, names);
    }
    return 0;
}

/* ---- a policy's parameters ---- */

static void take_defaults(struct candidate_spec *spec, const struct candidate_defaults *defaults)
{
    const struct policy_param *wait = policy_param_find(spec->policy, POLICY_WAIT);

    policy_tune(spec->policy, &spec->params);
    if (wait)
        policy_params_set(wait, &spec->params, defaults->wait_s);
    spec->interval_ns = defaults->interval_ns
                            ? defaults->interval_ns
                            : (int64_t)(spec->policy->interval_s * NS_PER_S + 0.5);
}

static int set_interval(struct candidate_spec *spec, double interval_s, struct why *why)
{
    if (!(interval_s >= 0.01 && interval_s <= 3600))
        return error_set(why, ERR_INVALID, "%s: interval_s is not in range; expected 0.01 to 3600",
                         spec->name);
    spec->interval_ns = (int64_t)(interval_s * NS_PER_S + 0.5);
    return 0;
}

/* NAME=VALUE. */
static int set_parameter(struct candidate_spec *spec, char *text, struct why *why)
{
    char *value_text = text, *name = strsep(&value_text, "=");
    double value;

    if (!value_text || number_parse(value_text, &value))
        return error_set(why, ERR_INVALID,
                         "%s: '%s' is not a parameter; expected one like epsilon=0.1", spec->name,
                         name);
    if (strcmp(name, "interval_s") == 0)
        return set_interval(spec, value, why);
    const struct policy_param *param = policy_param_find(spec->policy, name);
    if (!param)
        return error_set(why, ERR_INVALID, "%s: '%s' is not a parameter of %s", spec->name, name,
                         spec->policy->name);
    if (!policy_params_allow(param, value))
        return error_set(why, ERR_INVALID, "%s: %s cannot be %g; it is %s", spec->name, name, value,
                         param->meaning);
    policy_params_set(param, &spec->params, value);
    return 0;
}

/* ---- the numbers of others ---- */

static int set_number(struct candidate_spec *spec, size_t place, const char *text, struct why *why)
{
    double value;

    if (number_parse(text, &value) || !(value >= 0 && value <= 1e6))
        return error_set(why, ERR_INVALID, "%s: '%s' is not a number from 0 to 1000000", spec->name,
                         text);
    if (spec->kind == CANDIDATE_ORACLE && place == 0 && value >= 0.1) {
        spec->window_ns = (int64_t)(value * NS_PER_S + 0.5);
        return 0;
    }
    if (spec->kind == CANDIDATE_PEER && place < 2 && !isnan(spec->peer->numbers[place])) {
        spec->number[place] = value;
        return 0;
    }
    return error_set(why, ERR_INVALID, "'%s': expected %s", spec->name,
                     spec->kind == CANDIDATE_PEER ? spec->peer->form : ORACLE_FORM ", from 0.1");
}

int candidate_spec_parse(const char *text, const struct candidate_defaults *defaults,
                         struct candidate_spec *spec, struct why *why)
{
    char parts[sizeof spec->name], *rest = parts, *part;

    *spec = (struct candidate_spec){
        .params = defaults->params, .number = {NAN, NAN}, .window_ns = ORACLE_WINDOW_NS};
    if (strlen(text) >= sizeof spec->name)
        return error_set(why, ERR_INVALID, "'%.40s...' is too long for a policy", text);
    snprintf(spec->name, sizeof spec->name, "%s", text);
    snprintf(parts, sizeof parts, "%s", text);
    int error = find_kind(spec, strsep(&rest, ":"), why);
    if (!error && spec->policy)
        take_defaults(spec, defaults);
    for (size_t place = 0; !error && (part = strsep(&rest, ":")); place++)
        error = spec->policy ? set_parameter(spec, part, why) : set_number(spec, place, part, why);
    if (!error && spec->policy && policy_check(spec->policy, &spec->params))
        error = error_set(why, ERR_INVALID, "'%s': a parameter of the policy is out of its range",
                          text);
    return error;
}
