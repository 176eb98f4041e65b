/* winnow-autoscaler: one farm, or the pools of a configuration, with their workers on this host. */
#include "autoscaler_options.h"
#include "descriptors.h"
#include "fleet.h"
#include "fleet_file.h"
#include "loop.h"
#include "node/guardian.h"
#include "node/pool.h"
#include "worker_environment.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* The guardian of several pools looks after so many times the workers that one may have. */
#define SEVERAL 8

/* A copy, NULL at the end, which lasts as long as the process: parsing wipes passwords from the
 * arguments, and a configuration is read by them again. NULL when out of memory. */
static char **copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);

    for (int i = 0; copy && i < argc; i++)
        copy[i] = strdup(argv[i]);
    return copy;
}

static void free_arguments(char **arguments)
{
    for (char **argument = arguments; argument && *argument; argument++) {
        explicit_bzero(*argument, strlen(*argument));
        free(*argument);
    }
    free(arguments);
}

/* Before there is anything that it should not keep. */
static int open_guardian(const struct autoscaler_options *options, const struct fleet_file *file,
                         struct guardian **guardian, struct why *why)
{
    int64_t longest_ns = options->farm.node.drain_timeout_ns;

    for (size_t i = 0; i < file->count; i++) {
        int64_t drain_ns = file->farms[i].settings.farm.node.drain_timeout_ns;
        longest_ns = drain_ns > longest_ns ? drain_ns : longest_ns;
    }
    return guardian_open(POOL_SLOTS(POOL_MAX_WORKERS) * (options->config_path ? SEVERAL : 1),
                         longest_ns + POOL_DRAIN_GRACE_NS, guardian, why);
}

/* *abandoned: workers were ended before they had drained. */
static int run(struct fleet_settings *settings, struct fleet_file *file, bool *abandoned,
               struct why *why)
{
    struct fleet *fleet = NULL;
    struct guardian *guardian = NULL;
    int error = open_guardian(settings->options, file, &guardian, why);

    settings->process.guardian = guardian;
    if (!error)
        error = fleet_open(settings, settings->options->config_path ? file : NULL, &fleet, why);
    if (!error)
        error = loop_run(fleet, guardian, why);
    if (!error)
        error = fleet_outcome(fleet, why);
    *abandoned = fleet && fleet_was_abandoned(fleet);
    fleet_close(fleet);
    guardian_close(guardian);
    return error;
}

static int read_and_run(struct fleet_settings *settings, bool *abandoned, struct why *why)
{
    const struct autoscaler_options *options = settings->options;
    struct fleet_file file = {0};
    int error = options->config_path
                    ? fleet_file_read(options->config_path, &settings->common, &file, why)
                    : 0;

    if (!error)
        error = options->check ? fleet_check(settings, &file, why)
                               : run(settings, &file, abandoned, why);
    fleet_file_clear(&file);
    return error;
}

int main(int argc, char **argv)
{
    struct autoscaler_options options;
    struct why why = {0};
    bool abandoned = false;

    /* Tables are for the most workers that a farm may ever have, and few farms use more than their
     * first page; rabbitmq-c's buffers are for the largest frame, of which a connection that only
     * asks sees none. What the heap has no room for comes from the kernel, which gives a page when
     * it is touched, and moves it when the buffer grows. */
    mallopt(M_MMAP_THRESHOLD, 32 * 1024);
    descriptors_open(DESCRIPTORS_SILENT);
    char **arguments = copy_arguments(argc, argv);
    autoscaler_options_parse(&options, argc, argv);
    char *worker[] = {worker_environment_default_program(), NULL};
    struct fleet_settings settings = {
        .options = &options,
        .common = {.arguments = arguments,
                   .count = autoscaler_options_count(&options, argc, argv),
                   .worker = options.farm.node.worker
                                 ? arguments + (options.farm.node.worker - argv)
                                 : NULL},
        .process = {.default_worker = worker, .several = options.config_path}};
    int error = worker[0] && arguments ? read_and_run(&settings, &abandoned, &why)
                                       : error_set(&why, ERR_MEMORY, "out of memory");
    int code = error ? options_fail(AUTOSCALER_PROGRAM, error, &why) : abandoned ? 1 : EX_OK;
    free_arguments(arguments);
    free(worker[0]);
    return code;
}
