/* winnow-simulate: opens the load and hands it on. simulate_options.c has the command line,
 * comparison.c, recommend.c and explain.c do the work. */
#include "comparison.h"
#include "descriptors.h"
#include "error.h"
#include "evaluation.h"
#include "explain.h"
#include "options.h"
#include "recommend.h"
#include "service_file.h"
#include "simulate_options.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static int open_load(struct simulate_options *options, struct evaluation *evaluation,
                     int64_t **times_ns, struct why *why)
{
    struct policy_params *params = &options->comparison.defaults.params;

    *evaluation =
        (struct evaluation){.startup_ns = options->startup_ns, .late_ns = options->late_ns};
    /* Two streams of random numbers that have nothing in common. */
    int error = service_file_parse(options->service_time, ~options->seed, &evaluation->service,
                                   times_ns, why);
    if (error) {
        error_prefix(why, "--service-time");
        return error;
    }
    if (!options->has_capacity)
        params->capacity_msgs = params->horizon_s * 1e9 / evaluation->service.mean_ns;
    error = workload_open(options->trace, options->run, options->from_s, options->until_s,
                          options->seed, &evaluation->workload, why);
    if (error)
        error_prefix(why, "--trace");
    return error;
}

/* *good: false when the target is met by nothing. */
static int use_load(struct simulate_options *options, bool *good, struct why *why)
{
    struct evaluation evaluation = {0};
    int64_t *times_ns = NULL;
    int error = open_load(options, &evaluation, &times_ns, why);

    if (!error && options->recommend)
        error = recommend(&evaluation,
                          &(struct recommend_settings){.source = options->trace,
                                                       .run = options->run,
                                                       .seed = options->seed,
                                                       .from_s = options->from_s,
                                                       .until_s = options->until_s,
                                                       .defaults = options->comparison.defaults},
                          good, why);
    else if (!error)
        error = comparison_run(&evaluation, &options->comparison, why);
    planner_clear(&evaluation.needed);
    workload_close(evaluation.workload);
    free(times_ns);
    return error;
}

int main(int argc, char **argv)
{
    struct simulate_options options;
    struct why why = {0};
    bool good = true;
    int error;

    descriptors_open(DESCRIPTORS_FAILING);
    simulate_options_parse(&options, argc, argv);
    if (options.replay_path)
        error = explain_replay(options.replay_path, options.run, &good, &why);
    else if (options.explain_path)
        error = explain_history(options.explain_path, options.run, &good, &why);
    else
        error = use_load(&options, &good, &why);
    if (!error && (fflush(stdout) || ferror(stdout)))
        error = error_set(&why, ERR_SYSTEM, "cannot write to standard output");
    if (error)
        return options_fail(SIMULATE_OPTIONS_PROGRAM, error, &why);
    return good ? EX_OK : 1;
}
