#include "posts.h"

#include "answers.h"
#include "broker/connection.h"
#include "clock.h"
#include "printable.h"
#include "render.h"
#include "respond.h"
#include "topology.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CONFIRM_NS (10 * CLOCK_NS_PER_S)

/* So many messages are taken in a row: of those that are dead there may be many. */
#define TAKEN_MOST 64

#define ID_SIZE 40

/* An event on its way. */
struct posted {
    struct posted *next;
    struct http_request *request;
    char id[ID_SIZE]; /* its correlation_id, which nobody else has */
    char *message_id, *type;
    const char *content_type;
    char *body; /* until it is published */
    size_t length;
    uint64_t sequence; /* of the connection; 0: not published yet */
    bool confirmed;
    int64_t wait_ns, deadline_ns;
};

struct posts {
    const struct options *options;
    struct answers answers;
    char name[BROKER_NAME_SIZE];
    uint64_t random, numbered;
    struct connection *connection; /* NULL before the first event */
    struct broker_properties *properties;
    struct posted *first;
    size_t count;
    bool more; /* more may have come in */
};

/* ---- opening ---- */

int posts_open(const struct options *options, bool waits, struct posts **out, struct why *why)
{
    struct posts *posts = calloc(1, sizeof *posts);

    if (!posts)
        return error_set(why, ERR_MEMORY, "out of memory");
    posts->options = options;
    posts->answers =
        (struct answers){.topology = &options->topology, .waits = waits, .watches_dead = waits};
    posts->properties = broker_properties_open();
    if (!posts->properties ||
        getrandom(&posts->random, sizeof posts->random, 0) != sizeof posts->random) {
        posts_close(posts);
        return error_set(why, ERR_SYSTEM, "no random number: %s", strerror(errno));
    }
    broker_client_name(options->topology.farm, options->program, posts->name);
    snprintf(posts->answers.queue, sizeof posts->answers.queue, "%s.send.%016" PRIx64,
             options->topology.farm, posts->random);
    *out = posts;
    return 0;
}

static void release(struct posted *posted)
{
    free(posted->body);
    free(posted->message_id);
    free(posted->type);
    free(posted);
}

void posts_close(struct posts *posts)
{
    if (!posts)
        return;
    for (struct posted *next; posts->first; posts->first = next) {
        next = posts->first->next;
        release(posts->first);
    }
    struct broker *broker = posts->connection ? connection_broker(posts->connection) : NULL;
    if (broker)
        answers_leave(&posts->answers, broker);
    connection_close(posts->connection);
    broker_properties_close(posts->properties);
    free(posts);
}

static bool connect(struct posts *posts, struct problem *problem)
{
    const struct connection_settings settings = {.broker =
                                                     options_broker(posts->options, posts->name),
                                                 .set_up = answers_set_up,
                                                 .context = &posts->answers,
                                                 .context_bytes = sizeof posts->answers};
    struct why why;

    if (posts->connection || connection_open(&settings, &posts->connection, &why) == 0)
        return true;
    return problem_set(problem, PROBLEM_AWAY, "no connection to the broker: %s", why.text);
}

/* ---- events begin and end ---- */

static char *copy_or_null(const char *text)
{
    return text ? strdup(text) : NULL;
}

bool posts_send(struct posts *posts, struct http_request *request, struct post *post,
                struct problem *problem)
{
    if (posts->count == POSTS_MOST)
        return problem_set(problem, PROBLEM_FULL, "too many events wait for their answers");
    if (!connect(posts, problem))
        return false;
    struct posted *posted = calloc(1, sizeof *posted);
    if (!posted)
        return problem_set(problem, PROBLEM_MEMORY, "out of memory");
    *posted = (struct posted){
        .next = posts->first,
        .request = request,
        .type = copy_or_null(post->type),
        .content_type = post->content_type,
        .body = post->body,
        .length = post->length,
        .wait_ns = post->wait_ns,
        .deadline_ns = clock_now_ns() + (post->wait_ns ? post->wait_ns : CONFIRM_NS),
    };
    snprintf(posted->id, sizeof posted->id, "%016" PRIx64 "-%" PRIu64, posts->random,
             ++posts->numbered);
    posted->message_id = strdup(post->message_id ? post->message_id : posted->id);
    if (!posted->message_id || (post->type && !posted->type)) {
        posted->body = NULL;
        release(posted);
        return problem_set(problem, PROBLEM_MEMORY, "out of memory");
    }
    post->body = NULL;
    posts->first = posted;
    posts->count++;
    return true;
}

static void forget(struct posts *posts, struct posted **place)
{
    struct posted *posted = *place;

    *place = posted->next;
    posts->count--;
    release(posted);
}

static void fail(struct posts *posts, struct posted **place, const struct problem *problem)
{
    respond_problem((*place)->request, problem);
    forget(posts, place);
}

void posts_forget(struct posts *posts, const struct http_request *request)
{
    struct posted **place = &posts->first;

    while (*place && (*place)->request != request)
        place = &(*place)->next;
    if (*place)
        forget(posts, place);
}

/* ---- publishing ---- */

static int publish(struct posts *posts, struct posted *posted, struct why *why)
{
    const struct topology *topology = posts->answers.topology;
    struct broker_properties *properties = posts->properties;
    struct broker_bytes body = {posted->body, posted->length};

    broker_properties_clear(properties);
    /* Texts of these lengths are taken. */
    (void)broker_properties_set(properties, BROKER_MESSAGE_ID, broker_text(posted->message_id));
    (void)broker_properties_set(properties, BROKER_CORRELATION_ID, broker_text(posted->id));
    (void)broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text(posted->content_type));
    if (posted->type)
        (void)broker_properties_set(properties, BROKER_TYPE, broker_text(posted->type));
    if (posted->wait_ns)
        (void)broker_properties_set(properties, BROKER_REPLY_TO, broker_text(ANSWERS_REPLY_TO));
    broker_properties_set_persistent(properties, true);
    int error = broker_publish(connection_broker(posts->connection), topology->events,
                               broker_text(""), properties, body, true, &posted->sequence, why);
    free(posted->body);
    posted->body = NULL;
    return error;
}

static int publish_all(struct posts *posts, struct why *why)
{
    int error = 0;

    for (struct posted *each = posts->first; !error && each; each = each->next)
        if (!each->sequence)
            error = publish(posts, each, why);
    return error;
}

/* ---- what becomes of them ---- */

static bool is(struct broker_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.bytes, text, bytes.length) == 0;
}

static struct posted **find(struct posts *posts)
{
    struct broker_bytes id = broker_properties_get(posts->properties, BROKER_CORRELATION_ID);
    struct posted **place = &posts->first;

    while (*place && !is(id, (*place)->id))
        place = &(*place)->next;
    return place;
}

static void confirm(struct posts *posts, const struct broker_event *event)
{
    struct problem full;
    bool refused = event->type == BROKER_NACKED;

    problem_set(&full, PROBLEM_FULL, "the queue refused the event: it is full; try again");
    for (struct posted **place = &posts->first; *place;) {
        struct posted *posted = *place;
        bool meant = posted->sequence && (event->multiple ? posted->sequence <= event->tag
                                                          : posted->sequence == event->tag);
        if (meant && !posted->confirmed && refused) {
            fail(posts, place, &full);
        } else if (meant && !posted->confirmed && !posted->wait_ns) {
            respond_json(posted->request, 202, render_sent(posted->message_id, NULL, 0));
            forget(posts, place);
        } else {
            posted->confirmed |= meant;
            place = &posted->next;
        }
    }
}

static void nobody(const struct posts *posts, struct problem *problem)
{
    const char *farm = posts->answers.topology->farm;

    problem_set(problem, PROBLEM_NOBODY,
                "no queue takes events of the farm '%s'; start winnow-autoscaler --farm '%s', or "
                "publish to the farm's own queue where it works on one that was there",
                farm, farm);
}

static void take_return(struct posts *posts, const struct broker_event *event)
{
    struct problem problem;

    if (broker_properties_decode(posts->properties, event->raw_properties))
        return;
    struct posted **place = find(posts);
    nobody(posts, &problem);
    if (*place)
        fail(posts, place, &problem);
}

static void take_dead(struct posts *posts, struct posted **place)
{
    struct broker_bytes reason = broker_headers_get_text(posts->properties, "winnow-reason");
    struct problem problem;
    char text[400] = "no reason is given";

    if (reason.bytes)
        printable_write(reason.bytes, reason.length, false, text, sizeof text);
    problem_set(&problem, PROBLEM_DEAD, "the event is dead: %s", text);
    fail(posts, place, &problem);
}

static void take_delivery(struct posts *posts, const struct broker_event *event)
{
    if (broker_properties_decode(posts->properties, event->raw_properties))
        return;
    struct posted **place = find(posts);
    if (!*place)
        return;
    if (is(event->exchange, posts->answers.topology->dead)) {
        take_dead(posts, place);
        return;
    }
    respond_json((*place)->request, 200,
                 render_sent((*place)->message_id, event->body.bytes ? event->body.bytes : "",
                             event->body.length));
    forget(posts, place);
}

static void take(struct posts *posts, const struct broker_event *event)
{
    switch (event->type) {
    case BROKER_RETURNED:
        take_return(posts, event);
        break;
    case BROKER_CONFIRMED:
    case BROKER_NACKED:
        confirm(posts, event);
        connection_mark_useful(posts->connection);
        break;
    case BROKER_DELIVERY:
        take_delivery(posts, event);
        break;
    default:
        break;
    }
}

/* ---- when nothing comes back ---- */

static void explain(const struct posts *posts, int error, const struct why *why,
                    struct problem *problem)
{
    if (error == -ERR_MISSING)
        nobody(posts, problem);
    else if (error == -ERR_REFUSED)
        problem_set(problem, PROBLEM_PERMISSION,
                    "the broker does not let this page's user do that: %s", why->text);
    else
        problem_set(problem, PROBLEM_AWAY,
                    "no connection to the broker, so it is not known whether the event arrived: %s",
                    why->text);
}

/* All that were sent, or wait for a connection that cannot be. */
static void fail_all(struct posts *posts, int error, const struct why *why)
{
    struct problem problem;

    explain(posts, error, why, &problem);
    while (posts->first)
        fail(posts, &posts->first, &problem);
}

/* There may be no FARM.dead, and not everybody may listen to it. Then it is not listened to. */
static bool gives_up_dead(struct posts *posts, int error)
{
    bool gives_up = posts->answers.watches_dead && (error == -ERR_MISSING || error == -ERR_REFUSED);

    if (gives_up)
        posts->answers.watches_dead = false;
    return gives_up;
}

static void end_late(struct posts *posts)
{
    int64_t now_ns = clock_now_ns();
    struct problem problem;

    for (struct posted **place = &posts->first; *place;) {
        if ((*place)->deadline_ns > now_ns) {
            place = &(*place)->next;
            continue;
        }
        if (!(*place)->confirmed)
            problem_set(&problem, PROBLEM_LATE, "the broker has not confirmed the event in time");
        else
            problem_set(&problem, PROBLEM_LATE,
                        "no result in time; the event is with the farm, and its result will go "
                        "nowhere");
        fail(posts, place, &problem);
    }
}

static int work(struct posts *posts, struct broker *broker, struct why *why)
{
    struct broker_event event;
    int error = publish_all(posts, why), got = 1, taken = 0;

    for (; !error && got > 0 && taken < TAKEN_MOST; taken++) {
        got = broker_next(broker, &event, why);
        if (got > 0)
            take(posts, &event);
        error = got < 0 ? got : 0;
    }
    posts->more = got > 0;
    return error;
}

void posts_step(struct posts *posts)
{
    struct why why;

    if (!posts->connection)
        return;
    if (!connection_broker(posts->connection) &&
        connection_step(posts->connection, clock_now_ns()) == CONNECTION_FAILED) {
        int error = connection_error(posts->connection, &why);
        if (!gives_up_dead(posts, error))
            fail_all(posts, error, &why);
    }
    struct broker *broker = connection_broker(posts->connection);
    int error = broker ? work(posts, broker, &why) : 0;
    if (error < 0) {
        connection_lost(posts->connection, error, &why);
        posts->more = false;
        fail_all(posts, error, &why);
    }
    end_late(posts);
}

void posts_poll(const struct posts *posts, struct pollfd *fd)
{
    *fd = (struct pollfd){.fd = -1};
    if (posts->connection)
        connection_poll(posts->connection, fd);
}

int64_t posts_due_ns(const struct posts *posts)
{
    int64_t due_ns = posts->connection ? connection_due_ns(posts->connection) : CLOCK_NEVER;

    if (posts->more)
        return 0;
    for (const struct posted *each = posts->first; each; each = each->next) {
        if (!each->sequence && connection_broker(posts->connection))
            return 0;
        if (each->deadline_ns < due_ns)
            due_ns = each->deadline_ns;
    }
    return due_ns;
}
