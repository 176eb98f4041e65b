/* A worker whose events take long, for tests: the real loop with a job that obeys its text.
 *
 *   LONG n      takes n milliseconds and reports progress
 *   SILENT n    takes n milliseconds and reports none
 *   LIMIT n     the same, but says so beforehand
 *   UNWANTED    takes until nobody wants it, and is answered when it comes again
 *   LATER n     wants the event later, n times in all
 *   DEAD text   is dead, for that reason
 *   BINARY      answers with bytes that are no text, of a type of their own
 *   OVERLONG    answers with a content type that is too long
 *   PROPERTIES  answers with what it sees of the event's properties
 *
 * All else is answered unchanged. With --quick the job is called on the loop's own thread. */
#include "clock.h"
#include "units.h"
#include "workers/worker.h"
#include "workers/worker_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "patient-worker"

struct settings {
    struct worker_settings worker;
    bool quick;
};

enum { KEY_QUICK = WORKER_OPTIONS_KEY_OWN, KEY_HEARTBEAT };

static const struct argp_option option_table[] = {
    {"quick", KEY_QUICK, NULL, 0, "Call the job on the loop's thread", 0},
    {"heartbeat", KEY_HEARTBEAT, "N", 0, "Seconds between heartbeats", 0},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &settings->worker;
        return 0;
    case KEY_QUICK:
        settings->quick = true;
        return 0;
    case KEY_HEARTBEAT:
        settings->worker.heartbeat_s = atoi(argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&worker_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {option_table, parse_option, NULL, NULL, children, NULL, NULL};

static struct broker_bytes text_of(const struct job_event *event, enum broker_property property)
{
    struct broker_bytes text = broker_properties_get(event->properties, property);

    return text.bytes ? text : broker_text("-");
}

static void describe(const struct job_event *event, char *text, size_t size)
{
    struct broker_bytes type = text_of(event, BROKER_CONTENT_TYPE);
    struct broker_bytes encoding = text_of(event, BROKER_CONTENT_ENCODING);
    struct broker_bytes id = text_of(event, BROKER_MESSAGE_ID);
    struct broker_bytes reply_to = text_of(event, BROKER_REPLY_TO);
    int64_t number = -1;

    broker_headers_get_int(event->properties, "number", &number);
    snprintf(text, size, "%.*s %.*s %.*s %.*s %lld %d", (int)type.length, type.bytes,
             (int)encoding.length, encoding.bytes, (int)id.length, id.bytes, (int)reply_to.length,
             reply_to.bytes, (long long)number, event->redelivered);
}

static void work(const struct job_event *event, int ms, bool reports)
{
    for (int64_t until_ns = clock_now_ns() + ms * CLOCK_NS_PER_MS; clock_now_ns() < until_ns;) {
        usleep(20000);
        if (reports)
            job_progress(event);
    }
}

static int answer_with(struct job_result *result, struct broker_bytes body, const char *type,
                       const char *encoding)
{
    static const struct job_header headers[] = {{.name = "winnow-answer", .number = 42},
                                                {.name = "winnow-by", .text = "a job"}};

    *result = (struct job_result){.body = body,
                                  .content_type = broker_text(type),
                                  .content_encoding = broker_text(encoding),
                                  .headers = headers,
                                  .header_count = 2};
    return JOB_RESULT;
}

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    static char text[1024], type[301];
    static int laters;
    char word[16] = "";
    int number = 0;

    (void)context;
    snprintf(text, sizeof text, "%.*s", (int)event->body.length, event->body.bytes);
    sscanf(text, "%15s %d", word, &number);
    if (!strcmp(word, "LIMIT"))
        job_limit(event, number * CLOCK_NS_PER_MS);
    if (!strcmp(word, "LONG") || !strcmp(word, "SILENT") || !strcmp(word, "LIMIT"))
        work(event, number, !strcmp(word, "LONG"));
    if (!strcmp(word, "UNWANTED"))
        while (!event->redelivered && job_wanted(event))
            usleep(20000);
    if (!strcmp(word, "LATER") && laters++ < number)
        return JOB_LATER;
    if (!strcmp(word, "DEAD")) {
        error_set(why, ERR_INVALID, "%s", text + strlen("DEAD "));
        return JOB_DEAD;
    }
    if (!strcmp(word, "BINARY"))
        return answer_with(result, (struct broker_bytes){"\0\377\200\n", 4}, "image/x-none", NULL);
    if (!strcmp(word, "OVERLONG"))
        return answer_with(result, broker_text("x"), memset(type, 'x', sizeof type - 1), NULL);
    if (!strcmp(word, "PROPERTIES")) {
        describe(event, text, sizeof text);
        return answer_with(result, broker_text(text), "text/x-seen", "x-none");
    }
    return JOB_RESULT;
}

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings = {0};
    struct why why = {0};

    worker_options_init(&settings.worker, PROGRAM);
    settings.worker.options = &options;
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);
    struct job job = {.handle = handle, .may_take_long = !settings.quick};
    int error = worker_run(&settings.worker, &job, &why);
    return error ? options_fail(PROGRAM, error, &why) : 0;
}
