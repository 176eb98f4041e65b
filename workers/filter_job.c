#include "filter_job.h"

#include "event.h"
#include "reload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct filter_job {
    struct filtering *filtering;
    struct filtering_room room;
    struct reload *reload;
    struct event event;
    struct job_header matches;
};

/* What is compressed or of another charset is no text that Winnow can read: 0 or -ERR_INVALID. */
static int check_encoding(const struct broker_properties *properties, struct why *why)
{
    struct broker_bytes encoding = broker_properties_get(properties, BROKER_CONTENT_ENCODING);

    if (encoding.length && (encoding.length != strlen("utf-8") ||
                            strncasecmp(encoding.bytes, "utf-8", encoding.length) != 0))
        return error_set(why, ERR_INVALID, "content_encoding '%.*s'; expected utf-8 or none",
                         (int)encoding.length, encoding.bytes);
    return 0;
}

static void take_renewed_lists(struct filter_job *filter)
{
    struct filtering *renewed = reload_take(filter->reload);

    if (!renewed)
        return;
    filtering_close(filter->filtering);
    filter->filtering = renewed;
}

/* Finds the text and censors it. 0, -ERR_INVALID with the reason for which the event is dead, or
 * -ERR_MEMORY. */
static int censor(struct filter_job *filter, const struct job_event *event, struct why *why)
{
    struct broker_bytes type = broker_properties_get(event->properties, BROKER_CONTENT_TYPE);
    bool json = event_is_json(type.bytes, type.length);
    int error = check_encoding(event->properties, why);

    if (!error)
        error = event_parse(&filter->event, json, event->body.bytes, event->body.length, why);
    if (error)
        return error;
    error = filtering_apply(filter->filtering, filter->event.text, filter->event.text_length,
                            &filter->room);
    return error ? error_set(why, (enum error) - error, "%s", error_text(error)) : 0;
}

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    struct filter_job *filter = context;

    take_renewed_lists(filter);
    int error = censor(filter, event, why);
    if (!error && filter->room.spans.count)
        error = event_build(&filter->event, filter->room.result.text, filter->room.result.length,
                            &result->body.bytes, &result->body.length);
    if (error)
        return error == -ERR_INVALID ? JOB_DEAD : error;
    filter->matches.number = (int64_t)filter->room.spans.count;
    result->headers = &filter->matches;
    result->header_count = 1;
    return JOB_RESULT;
}

int filter_job_open(const struct filtering_settings *settings, struct filter_job **out,
                    struct job *job, struct why *why)
{
    struct filter_job *filter = calloc(1, sizeof *filter);

    if (!filter)
        return error_set(why, ERR_MEMORY, "out of memory");
    filter->matches.name = "winnow-matches";
    int error = reload_open(settings, &filter->reload, why);
    if (!error)
        error = filtering_open(settings, &filter->filtering, why);
    if (error) {
        filter_job_close(filter);
        return error;
    }
    *job = (struct job){.handle = handle, .context = filter};
    *out = filter;
    return 0;
}

void filter_job_close(struct filter_job *filter)
{
    if (!filter)
        return;
    filtering_close(filter->filtering);
    filtering_room_clear(&filter->room);
    event_clear(&filter->event);
    free(filter);
}
