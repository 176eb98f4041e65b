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
    struct process process; /* of the event at hand */
    struct exchange exchange;
    bool runs;
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

/* 0, or what becomes of the event. */
static int begin(struct run_job *run_job, const struct program *program,
                 const struct job_event *event, struct why *why)
{
    const struct run_options *options = run_job->options;
    int error = start(run_job, program, event, &run_job->process, why);

    if (error == -ERR_SYSTEM)
        log_event(LOG_WARN, "program_not_started", "why=\"%s\"", why->text);
    if (error)
        return error == -ERR_INVALID ? JOB_DEAD : error == -ERR_SYSTEM ? JOB_LATER : error;
    run_job->runs = true;
    offspring_watch(run_job->offspring, run_job->process.pid);
    said_begin(&run_job->said, run_job->process.pid);
    exchange_empty(&run_job->output);
    run_job->exchange = (struct exchange){
        .process = &run_job->process,
        .input = program->body_is_file ? (struct broker_bytes){0} : event->body,
        .most_bytes = options->max_result_bytes,
        .deadline_ns = clock_now_ns() + options->timeout_ns,
        .event = event,
        .said = &run_job->said,
        .output = &run_job->output,
    };
    return 0;
}

static int go_on(struct run_job *run_job, struct job_result *result, struct why *why)
{
    enum exchange_end how = exchange_run(&run_job->exchange);
    struct offspring_end end;

    if (how == EXCHANGE_NOT_YET)
        return JOB_NOT_YET;
    offspring_kill(run_job->offspring, run_job->process.pid, &end);
    if (!exchange_finish(&run_job->exchange) && how == EXCHANGE_ENDED)
        how = EXCHANGE_OVERLONG;
    said_end(&run_job->said);
    program_let_go(&run_job->process);
    run_job->runs = false;
    return judge(run_job, how, &end, result, why);
}

static int refuse(const struct job_event *event, struct why *why)
{
    struct broker_bytes type = broker_properties_get(event->properties, BROKER_TYPE);

    if (type.bytes)
        error_set(why, ERR_INVALID, "no --type '%.*s'", (int)type.length, type.bytes);
    else
        error_set(why, ERR_INVALID, "it has no type");
    return JOB_DEAD;
}

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    struct run_job *run_job = context;

    if (!run_job->runs) {
        const struct program *program = choose(run_job, event);
        if (!program)
            return refuse(event, why);
        /* What runs within its time-out is no hang. */
        job_limit(event, run_job->options->timeout_ns + KILL_NS);
        int verdict = begin(run_job, program, event, why);
        if (!run_job->runs)
            return verdict;
    }
    return go_on(run_job, result, why);
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
        error = event_environment_init(&run_job->environment, options->passes_url, why);
    if (!error)
        error = offspring_open(&run_job->offspring, why);
    if (error) {
        run_job_close(run_job);
        return error;
    }
    *job = (struct job){
        .handle = handle, .context = run_job, .may_take_long = true, .begins_here = true};
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
