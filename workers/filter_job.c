#include "filter_job.h"

#include "event.h"
#include "event_type.h"
#include "filter/list_await.h"
#include "filter/reload.h"

#include <stdlib.h>

struct filter_job {
    struct filter *filter;
    struct filter_result filtered;
    struct reload *reload;
    struct event event;
    struct job_header matches;
};

static void take_renewed_lists(struct filter_job *filter_job)
{
    struct filter *renewed = reload_take(filter_job->reload);

    if (!renewed)
        return;
    filter_close(filter_job->filter);
    filter_job->filter = renewed;
}

/* Finds the text and censors it. 0, -ERR_INVALID with the reason for which the event is dead, or
 * -ERR_MEMORY. */
static int censor(struct filter_job *filter_job, const struct job_event *event, struct why *why)
{
    const struct broker_properties *properties = event->properties;
    bool json;
    int error =
        event_type_read(broker_properties_get(properties, BROKER_CONTENT_TYPE),
                        broker_properties_get(properties, BROKER_CONTENT_ENCODING), &json, why);

    if (!error)
        error = event_parse(&filter_job->event, json, event->body.bytes, event->body.length, why);
    if (error)
        return error;
    error = filter_apply(filter_job->filter, filter_job->event.text, filter_job->event.text_length,
                         &filter_job->filtered);
    return error ? error_set(why, (enum error) - error, "%s", error_text(error)) : 0;
}

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    struct filter_job *filter_job = context;

    take_renewed_lists(filter_job);
    int error = censor(filter_job, event, why);
    if (!error && filter_job->filtered.spans.count)
        error = event_build(&filter_job->event, filter_job->filtered.censored.text,
                            filter_job->filtered.censored.length, &result->body.bytes,
                            &result->body.length);
    if (error)
        return error == -ERR_INVALID ? JOB_DEAD : error;
    filter_job->matches.number = (int64_t)filter_job->filtered.spans.count;
    result->headers = &filter_job->matches;
    result->header_count = 1;
    return JOB_RESULT;
}

int filter_job_open(const struct filter_options *options, int64_t patience_ns,
                    struct filter_job **out, struct job *job, struct why *why)
{
    struct filter_job *filter_job = calloc(1, sizeof *filter_job);

    if (!filter_job)
        return error_set(why, ERR_MEMORY, "out of memory");
    filter_job->matches.name = "winnow-matches";
    int error = reload_open(options, true, &filter_job->reload, why);
    if (!error)
        error = list_await(options, patience_ns, why);
    if (!error)
        error = filter_open(options, &filter_job->filter, why);
    if (error) {
        filter_job_close(filter_job);
        return error;
    }
    *job = (struct job){.handle = handle, .context = filter_job};
    *out = filter_job;
    return 0;
}

void filter_job_close(struct filter_job *filter_job)
{
    if (!filter_job)
        return;
    filter_close(filter_job->filter);
    filter_result_clear(&filter_job->filtered);
    event_clear(&filter_job->event);
    free(filter_job);
}
