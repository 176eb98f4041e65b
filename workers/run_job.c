#include "run_job.h"

#include "blame.h"
#include "clock.h"
#include "event_environment.h"
#include "exchange.h"
#include "log.h"
#include "offspring.h"
#include "program.h"
#include "said.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Its end, when it has to be killed, takes no longer than this beside --timeout. */
#define KILL_NS (10 * CLOCK_NS_PER_S)

struct run_job {
    const struct run_options *options;
    struct program *programs; /* one for each type, or the one */
    size_t program_count;
    struct offspring *offspring;
    struct event_environment environment;
    struct output output;
    struct said said;
};

/* The program for the event; NULL when there is none for its type. */
static const struct program *choose(const struct run_job *run_job, const struct job_event *event)
{
    const struct run_options *options = run_job->options;
    struct broker_bytes type = broker_properties_get(event->properties, BROKER_TYPE);

    for (size_t i = 0; i < options->type_count; i++)
        if (type.bytes && type.length == strlen(options->types[i].name) &&
            memcmp(type.bytes, options->types[i].name, type.length) == 0)
            return &run_job->programs[i];
    return options->type_count ? NULL : run_job->programs;
}

/* ---- starting ---- */

/* Headers that are too long for the kernel are left out. */
static int start_with_body(struct run_job *run_job, const struct program *program,
                           const struct job_event *event, int body_fd, struct process *process,
                           struct why *why)
{
    int error = program_start(program, run_job->environment.entries, body_fd, process, why);

    if (error != -ERR_INVALID)
        return error;
    error = event_environment_set(&run_job->environment, event, false, why);
    return error ? error
                 : program_start(program, run_job->environment.entries, body_fd, process, why);
}

/* 0; -ERR_INVALID: the event is dead; -ERR_SYSTEM: no program can be started now; -ERR_MEMORY. */
static int start(struct run_job *run_job, const struct program *program,
                 const struct job_event *event, struct process *process, struct why *why)
{
    int body_fd = -1;
    int error = event_environment_set(&run_job->environment, event, true, why);

    if (error)
        return error;
    if (program->body_is_file &&
        (body_fd = program_open_body(event->body.bytes, event->body.length)) < 0)
        return error_set(why, ERR_SYSTEM, "no file for the event's body: %s", strerror(errno));
    error = start_with_body(run_job, program, event, body_fd, process, why);
    if (body_fd >= 0)
        close(body_fd);
    return error;
}

/* ---- what becomes of the event ---- */

static int judge_end(const struct run_job *run_job, const struct offspring_end *end,
                     struct job_result *result, struct why *why)
{
    if (end->by_signal || end->number) {
        blame_end(&run_job->said, end, why);
        return !end->by_signal && end->number == EX_TEMPFAIL ? JOB_RETRY : JOB_DEAD;
    }
    result->body = (struct broker_bytes){run_job->output.bytes ? run_job->output.bytes : "",
                                         run_job->output.length};
    result->content_type = broker_text(run_job->options->content_type);
    return JOB_RESULT;
}

static int judge(const struct run_job *run_job, enum exchange_end how,
                 const struct offspring_end *end, struct job_result *result, struct why *why)
{
    const struct run_options *options = run_job->options;

    switch (how) {
    case EXCHANGE_LATE:
        blame_late(&run_job->said, options->timeout_ns, why);
        return JOB_DEAD;
    case EXCHANGE_OVERLONG:
        blame_overlong(options->max_result_bytes, why);
        return JOB_DEAD;
    case EXCHANGE_FAILED:
        return error_set(why, ERR_MEMORY, "out of memory");
    case EXCHANGE_UNWANTED:
        return JOB_LATER; /* whatever it is */
    default:
        return judge_end(run_job, end, result, why);
    }
}

static int run(struct run_job *run_job, const struct program *program,
               const struct job_event *event, struct job_result *result, struct why *why)
{
    const struct run_options *options = run_job->options;
    struct offspring_end end;
    struct process process;
    int error = start(run_job, program, event, &process, why);

    if (error == -ERR_SYSTEM)
        log_event(LOG_WARN, "program_not_started", "why=\"%s\"", why->text);
    if (error)
        return error == -ERR_INVALID ? JOB_DEAD : error == -ERR_SYSTEM ? JOB_LATER : error;
    offspring_watch(run_job->offspring, process.pid);
    said_begin(&run_job->said, process.pid);
    exchange_empty(&run_job->output);
    struct exchange exchange = {
        .process = &process,
        .input = program->body_is_file ? (struct broker_bytes){0} : event->body,
        .most_bytes = options->max_result_bytes,
        .deadline_ns = clock_now_ns() + options->timeout_ns,
        .event = event,
        .said = &run_job->said,
        .output = &run_job->output,
    };
    enum exchange_end how = exchange_run(&exchange);
    offspring_kill(run_job->offspring, process.pid, &end);
    if (!exchange_finish(&exchange) && how == EXCHANGE_ENDED)
        how = EXCHANGE_OVERLONG;
    said_end(&run_job->said);
    program_let_go(&process);
    return judge(run_job, how, &end, result, why);
}

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    struct run_job *run_job = context;
    const struct program *program = choose(run_job, event);

    if (!program) {
        struct broker_bytes type = broker_properties_get(event->properties, BROKER_TYPE);
        error_set(why, ERR_INVALID, type.bytes ? "no --type '%.*s'" : "it has no type%.*s",
                  (int)type.length, type.bytes ? type.bytes : "");
        return JOB_DEAD;
    }
    /* What runs within its time-out is no hang. */
    job_limit(event, run_job->options->timeout_ns + KILL_NS);
    return run(run_job, program, event, result, why);
}

/* ---- the beginning and the end ---- */

static int open_programs(struct run_job *run_job, struct why *why)
{
    const struct run_options *options = run_job->options;
    size_t count = options->type_count ? options->type_count : 1;
    int error = 0;

    run_job->programs = calloc(count, sizeof *run_job->programs);
    if (!run_job->programs)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (size_t i = 0; !error && i < count; i++) {
        struct program *program = &run_job->programs[run_job->program_count++];
        error = program_open(options->argv ? options->argv : options->types[i].argv, program, why);
        program->body_is_file = options->type_count && options->types[i].body_is_file;
    }
    return error;
}

int run_job_open(const struct run_options *options, struct run_job **out, struct job *job,
                 struct why *why)
{
    struct run_job *run_job = calloc(1, sizeof *run_job);

    if (!run_job)
        return error_set(why, ERR_MEMORY, "out of memory");
    run_job->options = options;
    said_init(&run_job->said);
    int error = open_programs(run_job, why);
    if (!error)
        error = event_environment_init(&run_job->environment, why);
    if (!error)
        error = offspring_open(&run_job->offspring, why);
    if (error) {
        run_job_close(run_job);
        return error;
    }
    *job = (struct job){.handle = handle, .context = run_job, .may_take_long = true};
    *out = run_job;
    return 0;
}

void run_job_close(struct run_job *run_job)
{
    if (!run_job)
        return;
    for (size_t i = 0; i < run_job->program_count; i++)
        program_close(&run_job->programs[i]);
    free(run_job->programs);
    offspring_close(run_job->offspring);
    event_environment_clear(&run_job->environment);
    free(run_job->output.bytes);
    free(run_job);
}
