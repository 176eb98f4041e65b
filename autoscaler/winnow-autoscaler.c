/* winnow-autoscaler: one farm, with its workers on this host. */
#include "autoscaler_options.h"
#include "descriptors.h"
#include "farm.h"
#include "loop.h"
#include "node/guardian.h"
#include "node/pool.h"
#include "worker_environment.h"

#include <malloc.h>
#include <stdlib.h>
#include <sysexits.h>

/* *farm is to be closed, whatever comes of it. */
static int run(const struct autoscaler_options *settings, struct farm **farm, struct why *why)
{
    int error = farm_open(&settings->farm, &settings->options, farm, why);

    if (!error)
        error = loop_run(farm, 1, settings->farm.node.guardian, why);
    return error ? error : farm_outcome(*farm, why);
}

int main(int argc, char **argv)
{
    struct autoscaler_options settings;
    struct worker_environment environment;
    struct farm *farm = NULL;
    struct why why = {0};

    /* Tables are for the most workers that a farm may ever have, and few farms use more than their
     * first page: what the heap has no room for comes from the kernel, which gives a page when it
     * is touched. rabbitmq-c's pages, of 64 KiB, come and go as before. */
    mallopt(M_MMAP_THRESHOLD, 68 * 1024);
    descriptors_open(DESCRIPTORS_SILENT);
    autoscaler_options_parse(&settings, argc, argv);
    char *worker[] = {worker_environment_default_program(), NULL};
    if (!settings.farm.node.worker)
        settings.farm.node.worker = worker;
    settings.farm.leader.worker = settings.farm.node.worker[0];
    /* Before there is anything that it should not keep. */
    int error = guardian_open(POOL_SLOTS(POOL_MAX_WORKERS),
                              settings.farm.node.drain_timeout_ns + POOL_DRAIN_GRACE_NS,
                              &settings.farm.node.guardian, &why);
    if (error)
        return options_fail(AUTOSCALER_PROGRAM, error, &why);
    error = worker_environment_make(&environment, &settings.options,
                                    settings.farm.node.drain_timeout_ns);
    settings.farm.node.environment = (const char *const *)environment.variables;

    if (error || !worker[0])
        error = error_set(&why, ERR_MEMORY, "out of memory");
    else
        error = run(&settings, &farm, &why);
    int code = error                              ? options_fail(AUTOSCALER_PROGRAM, error, &why)
               : farm && farm_was_abandoned(farm) ? 1
                                                  : EX_OK;
    farm_close(farm);
    guardian_close(settings.farm.node.guardian);
    worker_environment_clear(&environment);
    free(worker[0]);
    return code;
}
