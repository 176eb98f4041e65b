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

#define STARTUP_STREAM UINT64_C(0x5374617274757021)

/* Times that were recorded, to be freed; NULL: there are none. */
struct recorded {
    int64_t *service_ns, *startup_ns;
};

/* Streams of random numbers that have nothing in common, with each other and with the trace's. */
static int read_times(const struct simulate_options *options, struct evaluation *evaluation,
                      struct recorded *recorded, struct why *why)
{
    int error = service_file_parse(options->service_time, 1, ~options->seed, &evaluation->service,
                                   &recorded->service_ns, why);
    if (error) {
        error_prefix(why, "--service-time");
        return error;
    }
    error = service_file_parse(options->startup, 0, ~options->seed ^ STARTUP_STREAM,
                               &evaluation->startup, &recorded->startup_ns, why);
    if (error)
        error_prefix(why, "--startup");
    return error;
}

static int open_load(struct simulate_options *options, struct evaluation *evaluation,
                     struct recorded *recorded, struct why *why)
{
    struct policy_params *params = &options->comparison.defaults.params;

    *evaluation = (struct evaluation){.late_ns = options->late_ns};
    int error = read_times(options, evaluation, recorded, why);
    if (error)
        return error;
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
    struct recorded recorded = {0};
    int error = open_load(options, &evaluation, &recorded, why);

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
    free(recorded.service_ns);
    free(recorded.startup_ns);
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
