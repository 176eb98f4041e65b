#include "worker_environment.h"

#include "log.h"
#include "results_options.h"
#include "topology.h"
#include "units.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_WORKER "winnow-filter"

/* winnow-filter from this program's directory, so that a build tree and an installation both work,
 * else whatever PATH has. */
char *worker_environment_default_program(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof DEFAULT_WORKER - 1);

    if (length > 0) {
        path[length] = '\0';
        char *name = strrchr(path, '/');
        memcpy(name + 1, DEFAULT_WORKER, sizeof DEFAULT_WORKER);
        if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
            return strdup(path);
    }
    return strdup(DEFAULT_WORKER);
}

static void set_variable(struct worker_environment *environment, const char *name,
                         const char *value)
{
    char *variable;

    if (!value || environment->failed)
        return;
    if (asprintf(&variable, "%s=%s", name, value) < 0)
        environment->failed = true;
    else
        environment->variables[environment->count++] = variable;
}

/* A worker declares FARM.results too, and must do it alike. */
static void set_results(struct worker_environment *environment, const struct topology_results *kept)
{
    char bytes[32], age[32];

    snprintf(bytes, sizeof bytes, "%" PRId64, kept->max_bytes);
    snprintf(age, sizeof age, "%" PRId64 "s", kept->max_age_s);
    set_variable(environment, "WINNOW_RESULTS_TYPE", results_options_type(kept));
    set_variable(environment, "WINNOW_RESULTS_MAX_BYTES", kept->stream ? bytes : NULL);
    set_variable(environment, "WINNOW_RESULTS_MAX_AGE", kept->max_age_s ? age : NULL);
}

int worker_environment_make(struct worker_environment *environment, const struct options *options,
                            int64_t drain_timeout_ns)
{
    char drain_timeout[UNITS_TEXT_SIZE];

    *environment = (struct worker_environment){0};
    units_format_duration(drain_timeout_ns, drain_timeout);
    set_variable(environment, "AMQP_URL", options->amqp_url);
    set_variable(environment, "WINNOW_FARM", options->topology.farm);
    set_variable(environment, "WINNOW_QUEUE", options->topology.work);
    set_variable(environment, "WINNOW_QUEUE_TYPE",
                 topology_queue_type_name(options->topology.queue_type));
    set_results(environment, &options->topology.kept);
    set_variable(environment, "WINNOW_TLS_CA", options->tls_ca_file);
    set_variable(environment, "WINNOW_TLS_CERT", options->tls_cert_file);
    set_variable(environment, "WINNOW_TLS_KEY", options->tls_key_file);
    set_variable(environment, "WINNOW_DRAIN_TIMEOUT", drain_timeout);
    /* What is news to one worker is not to the farm. */
    set_variable(environment, "WINNOW_LOG_LEVEL",
                 log_level_name(options->log_level == LOG_INFO ? LOG_WARN : options->log_level));
    return environment->failed ? -ERR_MEMORY : 0;
}

void worker_environment_clear(struct worker_environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->variables[i]);
}
