#include "keep_job.h"

#include "blame.h"
#include "clock.h"
#include "event_environment.h"
#include "exchange.h"
#include "keep_line.h"
#include "log.h"
#include "offspring.h"
#include "program.h"
#include "said.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Pauses before a program that has died is started again: at first none. */
#define LEAST_PAUSE_NS (100 * CLOCK_NS_PER_MS)
#define MOST_PAUSE_NS  (30 * CLOCK_NS_PER_S)
#define HEALTHY_NS     (10 * CLOCK_NS_PER_S) /* one that lived so long is started at once */

#define LOOK_MS  20
#define CLOSE_NS (2 * CLOCK_NS_PER_S)
#define KILL_NS  (10 * CLOCK_NS_PER_S) /* that the end of a program may take beside --timeout */

/* JSON takes at most six bytes for one. */
#define MOST_LINE_BYTES(result_bytes) (6 * (result_bytes) + ((size_t)64 << 10))

struct keep_job {
    const struct run_options *options;
    struct program program;
    struct offspring *offspring;
    struct event_environment environment; /* the worker's own */

    struct process process; /* while it runs */
    bool runs;
    int64_t started_ns, due_ns, pause_ns;

    /* Of the event at hand. */
    enum keep_stage {
        KEEP_IDLE,
        KEEP_WAITING, /* for the program to run */
        KEEP_ASKED,
    } stage;
    struct exchange exchange;
    bool again; /* another program has answered out of step */

    uint64_t last_id;
    struct plain_json line;
    struct output output;
    struct said said;
    struct keep_answer answer;
};

/* ---- the program's life ---- */

static int start(struct keep_job *keep_job, struct why *why)
{
    int error = program_start(&keep_job->program, keep_job->environment.entries, -1,
                              &keep_job->process, why);

    if (error)
        return error;
    keep_job->runs = true;
    keep_job->started_ns = clock_now_ns();
    offspring_watch(keep_job->offspring, keep_job->process.pid);
    said_begin(&keep_job->said, keep_job->process.pid);
    return 0;
}

/* What it has written until now still counts. */
static struct offspring_end end(struct keep_job *keep_job)
{
    struct exchange rest = {.process = &keep_job->process,
                            .most_bytes = MOST_LINE_BYTES(keep_job->options->max_result_bytes),
                            .said = &keep_job->said,
                            .output = &keep_job->output};
    struct offspring_end how = {0};

    if (!keep_job->runs)
        return how;
    offspring_kill(keep_job->offspring, keep_job->process.pid, &how);
    exchange_finish(&rest);
    said_end(&keep_job->said);
    program_let_go(&keep_job->process);
    keep_job->runs = false;
    keep_job->due_ns = clock_now_ns();
    return how;
}

/* It has died or misbehaved. */
static void pause_after(struct keep_job *keep_job, const char *what)
{
    int64_t now_ns = clock_now_ns(), pause_ns = keep_job->pause_ns;

    if (now_ns - keep_job->started_ns >= HEALTHY_NS)
        pause_ns = 0;
    keep_job->due_ns = now_ns + pause_ns;
    keep_job->pause_ns = pause_ns ? 2 * pause_ns : LEAST_PAUSE_NS;
    if (keep_job->pause_ns > MOST_PAUSE_NS)
        keep_job->pause_ns = MOST_PAUSE_NS;
    log_event(LOG_WARN, "program_restarted", "child=%d after_ms=%lld why=\"%s\"",
              keep_job->said.pid, (long long)(pause_ns / CLOCK_NS_PER_MS), what);
}

static bool has_ended(const struct keep_job *keep_job)
{
    struct pollfd ended = {.fd = keep_job->process.pid_fd, .events = POLLIN};

    return poll(&ended, 1, 0) > 0;
}

/* Until it runs: JOB_RESULT when it does, else what becomes of the event. */
static int await_start(struct keep_job *keep_job, const struct job_event *event, struct why *why)
{
    if (keep_job->runs && has_ended(keep_job)) {
        struct offspring_end how = end(keep_job);
        blame_end(&keep_job->said, &how, why);
        pause_after(keep_job, why->text);
    }
    while (!keep_job->runs && clock_now_ns() < keep_job->due_ns) {
        if (event->hurried)
            return JOB_NOT_YET;
        if (!job_wanted(event))
            return JOB_LATER; /* whatever it is */
        job_progress(event);
        poll(NULL, 0, LOOK_MS);
    }
    if (keep_job->runs || !start(keep_job, why))
        return JOB_RESULT;
    log_event(LOG_WARN, "program_not_started", "why=\"%s\"", why->text);
    return JOB_LATER;
}

/* ---- one event ---- */

/* It has done something after which nothing of it is believed. */
static int replace(struct keep_job *keep_job, const struct why *why)
{
    end(keep_job);
    pause_after(keep_job, why->text);
    return JOB_RETRY;
}

static int judge_answer(struct keep_job *keep_job, const struct job_event *event,
                        struct job_result *result, struct why *why)
{
    const struct run_options *options = keep_job->options;
    const struct keep_answer *answer = &keep_job->answer;
    struct broker_bytes type = broker_properties_get(event->properties, BROKER_CONTENT_TYPE);

    if (answer->verdict != KEEP_RESULT) {
        blame_words(answer->body, why);
        return answer->verdict == KEEP_DEAD ? JOB_DEAD : JOB_RETRY;
    }
    if (answer->body.length > options->max_result_bytes) {
        blame_overlong(options->max_result_bytes, why);
        return JOB_DEAD;
    }
    result->body = answer->body;
    result->content_type = broker_text(options->content_type);
    /* The event's own type comes with its own encoding. */
    if (answer->content_type.bytes &&
        (answer->content_type.length != type.length ||
         memcmp(answer->content_type.bytes, type.bytes, type.length) != 0))
        result->content_type = answer->content_type;
    return JOB_RESULT;
}

/* Beside an enum job_verdict: the program is to blame and not the event, which a new one gets. */
#define OUT_OF_STEP (JOB_RETRY + 1)

/* With a line, which may not be all that came. */
static int judge_line(struct keep_job *keep_job, const struct job_event *event, bool again,
                      struct job_result *result, struct why *why)
{
    const struct output *output = &keep_job->output;
    const char *newline = memchr(output->bytes, '\n', output->length);
    size_t length = (size_t)(newline - output->bytes);
    int error = keep_line_read(&keep_job->answer, output->bytes, length, why);

    if (error == -ERR_MEMORY)
        return error;
    if (error) {
        error_prefix(why, "not an answer");
        return replace(keep_job, why);
    }
    if (keep_job->answer.id != (double)keep_job->last_id) {
        bool stale = keep_job->answer.id < (double)keep_job->last_id;
        error_set(why, ERR_INVALID, "the answer to event %.0f came in place of that to event %llu",
                  keep_job->answer.id, (unsigned long long)keep_job->last_id);
        replace(keep_job, why);
        return stale && !again ? OUT_OF_STEP : JOB_RETRY;
    }
    if (output->length > length + 1) {
        end(keep_job);
        pause_after(keep_job, "it answered more than once");
    }
    return judge_answer(keep_job, event, result, why);
}

static int judge(struct keep_job *keep_job, const struct job_event *event, enum exchange_end how,
                 bool again, struct job_result *result, struct why *why)
{
    const struct run_options *options = keep_job->options;

    switch (how) {
    case EXCHANGE_LINE:
        return judge_line(keep_job, event, again, result, why);
    case EXCHANGE_ENDED: {
        struct offspring_end ended = end(keep_job);
        if (keep_job->output.length &&
            memchr(keep_job->output.bytes, '\n', keep_job->output.length))
            return judge_line(keep_job, event, again, result, why);
        blame_end(&keep_job->said, &ended, why);
        pause_after(keep_job, why->text);
        return JOB_RETRY;
    }
    case EXCHANGE_CLOSED:
        error_set(why, ERR_INVALID, "it closed its standard output");
        return replace(keep_job, why);
    case EXCHANGE_LATE:
        end(keep_job);
        blame_late(&keep_job->said, options->timeout_ns, why);
        return JOB_DEAD;
    case EXCHANGE_OVERLONG:
        end(keep_job);
        blame_overlong(options->max_result_bytes, why);
        return JOB_DEAD;
    case EXCHANGE_UNWANTED:
        end(keep_job);
        return JOB_LATER; /* whatever it is */
    default:
        end(keep_job);
        return error_set(why, ERR_MEMORY, "out of memory");
    }
}

static void ask(struct keep_job *keep_job, const struct job_event *event)
{
    const struct run_options *options = keep_job->options;

    keep_job->stage = KEEP_ASKED;
    keep_job->exchange = (struct exchange){
        .process = &keep_job->process,
        .input = {keep_job->line.bytes, keep_job->line.length},
        .one_line = true,
        .most_bytes = MOST_LINE_BYTES(options->max_result_bytes),
        .deadline_ns = clock_now_ns() + options->timeout_ns,
        .event = event,
        .said = &keep_job->said,
        .output = &keep_job->output,
    };
    exchange_empty(&keep_job->output);
    /* What answers within its time-out is no hang. */
    job_limit(event, options->timeout_ns + KILL_NS);
}

static int go_on(struct keep_job *keep_job, const struct job_event *event,
                 struct job_result *result, struct why *why)
{
    int verdict = OUT_OF_STEP;

    for (; verdict == OUT_OF_STEP; keep_job->again = true) {
        if (keep_job->stage == KEEP_WAITING) {
            verdict = await_start(keep_job, event, why);
            if (verdict != JOB_RESULT)
                return verdict;
            ask(keep_job, event);
        }
        enum exchange_end how = exchange_run(&keep_job->exchange);
        if (how == EXCHANGE_NOT_YET)
            return JOB_NOT_YET;
        keep_job->stage = KEEP_WAITING;
        verdict = judge(keep_job, event, how, keep_job->again, result, why);
    }
    return verdict;
}

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    struct keep_job *keep_job = context;

    if (keep_job->stage == KEEP_IDLE) {
        if (keep_line_write(&keep_job->line, ++keep_job->last_id, event))
            return error_set(why, ERR_MEMORY, "out of memory");
        keep_job->stage = KEEP_WAITING;
        keep_job->again = false;
    }
    int verdict = go_on(keep_job, event, result, why);
    if (verdict == JOB_NOT_YET)
        return verdict;
    keep_job->stage = KEEP_IDLE;
    if (keep_job->runs)
        offspring_reap(keep_job->offspring, keep_job->process.pid);
    return verdict;
}

/* ---- the beginning and the end ---- */

int keep_job_open(const struct run_options *options, struct keep_job **out, struct job *job,
                  struct why *why)
{
    struct keep_job *keep_job = calloc(1, sizeof *keep_job);

    if (!keep_job)
        return error_set(why, ERR_MEMORY, "out of memory");
    keep_job->options = options;
    said_init(&keep_job->said);
    int error = program_open(options->argv, &keep_job->program, why);
    if (!error)
        error = event_environment_init(&keep_job->environment, options->passes_url, why);
    if (!error)
        error = offspring_open(&keep_job->offspring, why);
    if (!error)
        error = start(keep_job, why);
    if (error) {
        keep_job_close(keep_job);
        return error;
    }
    *job = (struct job){
        .handle = handle, .context = keep_job, .may_take_long = true, .begins_here = true};
    *out = keep_job;
    return 0;
}

/* At the end of its input it ends by itself. */
static void let_end(struct keep_job *keep_job)
{
    struct exchange last = {.process = &keep_job->process,
                            .most_bytes = MOST_LINE_BYTES(keep_job->options->max_result_bytes),
                            .deadline_ns = clock_now_ns() + CLOSE_NS,
                            .said = &keep_job->said,
                            .output = &keep_job->output};

    exchange_run(&last);
    end(keep_job);
}

void keep_job_close(struct keep_job *keep_job)
{
    if (!keep_job)
        return;
    if (keep_job->runs)
        let_end(keep_job);
    offspring_close(keep_job->offspring);
    program_close(&keep_job->program);
    event_environment_clear(&keep_job->environment);
    keep_line_clear(&keep_job->answer);
    free(keep_job->line.bytes);
    free(keep_job->output.bytes);
    free(keep_job);
}
