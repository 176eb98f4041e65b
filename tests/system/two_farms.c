/* two_farms: two farms in one process, each with its own broker and history; until SIGTERM.
 *
 *     two_farms WORKER URL FARM HISTORY URL FARM HISTORY
 *
 * The rest of a farm is what winnow-autoscaler makes of no options. */
#include "autoscaler/autoscaler_options.h"
#include "autoscaler/loop.h"
#include "autoscaler/worker_environment.h"

#include <stdio.h>

#define FARMS 2

static void set_up(struct autoscaler_options *settings, struct worker_environment *environment,
                   char **arguments)
{
    char *command[] = {"two_farms", "--amqp",     arguments[0], "--farm", arguments[1],
                       "--history", arguments[2], "--interval", "200ms",  "--min",
                       "1",         "--quiet",    NULL};

    autoscaler_options_parse(settings, (int)(sizeof command / sizeof command[0]) - 1, command);
    worker_environment_make(environment, &settings->options, settings->farm.node.drain_timeout_ns);
    settings->farm.node.environment = (const char *const *)environment->variables;
}

int main(int argc, char **argv)
{
    struct autoscaler_options settings[FARMS];
    struct worker_environment environments[FARMS] = {0};
    struct farm *farms[FARMS] = {NULL};
    struct why why = {0};
    char *worker[] = {argv[1], NULL};
    int error =
        argc == 2 + 3 * FARMS ? 0 : error_set(&why, ERR_INVALID, "seven arguments are expected");

    for (size_t i = 0; i < FARMS && !error; i++) {
        set_up(&settings[i], &environments[i], argv + 2 + 3 * i);
        settings[i].farm.node.worker = worker;
        settings[i].farm.leader.worker = worker[0];
        error = farm_open(&settings[i].farm, &settings[i].options, &farms[i], &why);
    }
    if (!error)
        error = loop_run(farms, FARMS, NULL, &why);
    for (size_t i = 0; i < FARMS && !error; i++)
        error = farm_outcome(farms[i], &why);
    if (error)
        fprintf(stderr, "two_farms: %s\n", why.text);
    for (size_t i = 0; i < FARMS; i++) {
        farm_close(farms[i]);
        worker_environment_clear(&environments[i]);
    }
    return error_exit_code(error);
}
