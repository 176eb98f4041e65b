#include "event_environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WINNOW_REDELIVERED, WINNOW_ATTEMPT, WINNOW_HEADERS and the NULL. */
#define OTHERS 4

extern char **environ;

static const struct variable {
    const char *name;
    enum broker_property property;
} properties[] = {
    {"WINNOW_MESSAGE_ID", BROKER_MESSAGE_ID},
    {"WINNOW_CORRELATION_ID", BROKER_CORRELATION_ID},
    {"WINNOW_CONTENT_TYPE", BROKER_CONTENT_TYPE},
    {"WINNOW_TYPE", BROKER_TYPE},
};
#define PROPERTIES (sizeof properties / sizeof properties[0])

static bool is_called(const char *entry, const char *name)
{
    size_t length = strlen(name);

    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

/* An event without the property must not seem to have it; and no program has the descriptors that
 * the worker was given, nor the broker's password unless it is to. */
static bool is_for_program(const char *entry, bool with_url)
{
    static const char *const others[] = {
        "WINNOW_REDELIVERED",      "WINNOW_ATTEMPT",       "WINNOW_HEADERS",
        "WINNOW_HEADERS_DROPPED",  SCOREBOARD_FD_VARIABLE, SCOREBOARD_SLOT_VARIABLE,
        SCOREBOARD_READY_VARIABLE,
    };

    for (size_t i = 0; i < PROPERTIES; i++)
        if (is_called(entry, properties[i].name))
            return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (is_called(entry, others[i]))
            return false;
    return with_url || !is_called(entry, "AMQP_URL");
}

int event_environment_init(struct event_environment *environment, bool with_url, struct why *why)
{
    size_t count = 0;

    while (environ[count])
        count++;
    *environment = (struct event_environment){
        .entries = malloc((count + PROPERTIES + OTHERS) * sizeof *environment->entries)};
    if (!environment->entries)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (is_for_program(environ[i], with_url))
            environment->entries[environment->own++] = environ[i];
    environment->entries[environment->own] = NULL;
    return 0;
}

void event_environment_clear(struct event_environment *environment)
{
    free(environment->entries);
    free(environment->text.bytes);
}

static int add_property(struct plain_json *text, const struct variable *variable,
                        const struct job_event *event, struct why *why)
{
    struct broker_bytes value = broker_properties_get(event->properties, variable->property);

    if (!value.bytes)
        return 0;
    if (memchr(value.bytes, '\0', value.length))
        return error_set(why, ERR_INVALID, "a NUL in what would be $%s", variable->name);
    plain_json_put(text, variable->name);
    plain_json_put(text, "=");
    plain_json_add(text, value.bytes, value.length);
    plain_json_add(text, "", 1);
    return 0;
}

/* When they are nested too deep, what was written of them is taken back. */
static void add_headers(struct plain_json *text, const struct job_event *event, bool with_headers)
{
    size_t before = text->length;

    plain_json_put(text, "WINNOW_HEADERS=");
    if (!with_headers || broker_headers_write_json(event->properties, text) == -ERR_INVALID) {
        text->length = before;
        plain_json_put(text, "WINNOW_HEADERS_DROPPED=true");
    }
    plain_json_add(text, "", 1);
}

int event_environment_set(struct event_environment *environment, const struct job_event *event,
                          bool with_headers, struct why *why)
{
    struct plain_json *text = &environment->text;
    size_t count = environment->own;
    char own[80];
    int error = 0;

    text->length = 0;
    for (size_t i = 0; !error && i < PROPERTIES; i++)
        error = add_property(text, &properties[i], event, why);
    if (error)
        return error;
    int length = snprintf(own, sizeof own, "WINNOW_REDELIVERED=%s%cWINNOW_ATTEMPT=%u",
                          event->redelivered ? "true" : "false", '\0', event->attempt);
    plain_json_add(text, own, (size_t)length + 1);
    add_headers(text, event, with_headers);
    if (text->failed) {
        text->failed = false;
        return error_set(why, ERR_MEMORY, "out of memory");
    }
    for (char *at = text->bytes; at < text->bytes + text->length; at += strlen(at) + 1)
        environment->entries[count++] = at;
    environment->entries[count] = NULL;
    return 0;
}
