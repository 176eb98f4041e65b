#include "post.h"

#include "clock.h"
#include "control/lamport.h"
#include "control/members.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

/* In each window so much is taken: a message counts as one, and for each piece of itself. */
#define WINDOW_NS   (10 * CLOCK_NS_PER_MS)
#define WINDOW_MOST 64
#define PIECE_BYTES 8192

/* How often the way to the queue is made anew, in case it is gone: anybody may delete it. */
#define CHECK_NS (2 * CLOCK_NS_PER_S)

/* ---- connecting ---- */

static void list_keys(const struct post_set_up *own, const char *keys[POST_MOST_KEYS + 1])
{
    size_t count = 0;

    while (count < POST_MOST_KEYS && *own->keys[count]) {
        keys[count] = own->keys[count];
        count++;
    }
    keys[count] = NULL;
}

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct post_set_up *own = context;
    const char *keys[POST_MOST_KEYS + 1];

    list_keys(own, keys);
    int error = own->confirms ? broker_enable_confirms(broker, why) : 0;

    if (!error)
        error = topology_listen(&own->topology, broker, own->queue, keys, why);
    return error ? error : broker_consume(broker, own->queue, own->queue, 0, true, why);
}

/* The broker may still keep the queue of the connection before. */
static void name_queue(struct post *post)
{
    if (post->is_taken)
        snprintf(post->set_up.queue, sizeof post->set_up.queue, "%s", post->name);
    else
        snprintf(post->set_up.queue, sizeof post->set_up.queue, "%.240s/%u", post->name,
                 post->attempts++);
}

int post_open(struct post *post, const struct broker_options *options,
              const struct topology *topology, const struct post_settings *settings,
              struct why *why)
{
    *post = (struct post){.set_up = {.topology = *topology, .confirms = settings->confirms},
                          .is_taken = settings->is_taken,
                          .properties = broker_properties_open()};
    const struct connection_settings connection = {.broker = *options,
                                                   .set_up = set_up,
                                                   .context = &post->set_up,
                                                   .context_bytes = sizeof post->set_up};

    snprintf(post->name, sizeof post->name, "%s/%.120s", topology->control, settings->queue);
    for (size_t i = 0; i < POST_MOST_KEYS && settings->keys[i]; i++)
        snprintf(post->set_up.keys[i], sizeof post->set_up.keys[i], "%s", settings->keys[i]);
    snprintf(post->from, sizeof post->from, "%s", options->name + strlen(topology->farm) + 1);
    name_queue(post);
    if (!post->properties)
        return error_set(why, ERR_MEMORY, "out of memory");
    return link_open(&post->link, &connection, settings->purpose, why);
}

void post_close(struct post *post)
{
    link_close(&post->link);
    broker_properties_close(post->properties);
    post->properties = NULL;
}

static void lose(struct post *post, int error, const struct why *why)
{
    link_lost(&post->link, error, why);
    name_queue(post);
}

void post_check(struct post *post, int64_t now_ns)
{
    const char *keys[POST_MOST_KEYS + 1];
    struct why why = {0};

    if (!link_broker(&post->link))
        return;
    list_keys(&post->set_up, keys);
    post->check_ns = now_ns + CHECK_NS;
    connection_mark_useful(post->link.connection);
    int error = topology_listen_again(&post->set_up.topology, link_broker(&post->link),
                                      post->set_up.queue, keys, &why);
    if (error)
        lose(post, error, &why);
}

bool post_step(struct post *post, int64_t now_ns)
{
    if (link_broker(&post->link)) {
        if (now_ns >= post->check_ns)
            post_check(post, now_ns);
        return false;
    }
    bool is_new = link_step(&post->link, now_ns);
    if (is_new) {
        post->check_ns = now_ns + CHECK_NS;
        post->sent = post->arrived = 0;
    } else if (post->link.failed) {
        name_queue(post);
    }
    return is_new;
}

bool post_is_there(const struct post *post)
{
    return link_broker(&post->link) != NULL;
}

static bool is_exhausted(const struct post *post, int64_t now_ns)
{
    return post->taken >= WINDOW_MOST && now_ns < post->window_ns + WINDOW_NS;
}

int64_t post_due_ns(const struct post *post, int64_t now_ns)
{
    int64_t due_ns = link_due_ns(&post->link);

    if (!link_broker(&post->link))
        return due_ns;
    if (post->check_ns < due_ns)
        due_ns = post->check_ns;
    if (is_exhausted(post, now_ns) && post->window_ns + WINDOW_NS < due_ns)
        due_ns = post->window_ns + WINDOW_NS;
    return due_ns;
}

size_t post_poll(const struct post *post, struct pollfd *fds)
{
    return post->taken < WINDOW_MOST ? link_poll(&post->link, fds) : 0;
}

/* ---- what comes in ---- */

static bool is(struct broker_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.bytes, text, bytes.length) == 0;
}

static int read_message(const struct post *post, const struct broker_event *event,
                        struct json_t **json, struct why *why)
{
    const char *farm = post->set_up.topology.farm;
    struct envelope envelope;
    int error = envelope_read(event->body.bytes, event->body.length, &envelope, json, why);

    if (error)
        return error;
    lamport_receive(log_clock(), envelope.clock);
    if (strcmp(envelope.farm, farm) == 0)
        return 0;
    members_release(*json);
    return error_set(why, ERR_INVALID, "a message of the farm '%s'; this is '%s'", envelope.farm,
                     farm);
}

/* Two keys may have the same bit: then the second is no warning. */
static uint64_t bit_of(struct broker_bytes key)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < key.length; i++)
        hash = 31 * hash + (unsigned char)key.bytes[i];
    return UINT64_C(1) << hash % 64;
}

void post_refuse(struct post *post, struct broker_bytes key, const struct why *why)
{
    uint64_t bit = bit_of(key);
    enum log_level level = post->refused & bit ? LOG_DEBUG : LOG_WARN;

    log_event(level, "message_refused", "key=%.*s why=\"%s\" doing=\"dropping it\"",
              (int)key.length, key.bytes, why->text);
    post->refused |= bit;
}

/* False of a message that did not come by the exchange that the broker's permissions guard:
 * everybody may write to a queue by the default exchange; and of one that cannot be read. */
static bool take(struct post *post, const struct broker_event *event, struct post_message *message)
{
    struct why why = {0};

    post->taken += 1 + event->body.length / PIECE_BYTES;
    if (!is(event->exchange, post->set_up.topology.control))
        return false;
    message->key = event->routing_key;
    if (!read_message(post, event, &message->json, &why))
        return true;
    post_refuse(post, event->routing_key, &why);
    return false;
}

bool post_came_by(const struct post_message *message, const char *key)
{
    return is(message->key, key);
}

enum post_news post_next(struct post *post, int64_t now_ns, struct post_message *message)
{
    struct broker *broker = link_broker(&post->link);
    struct broker_event event;
    struct why why = {0};
    int got = 0;

    if (now_ns >= post->window_ns + WINDOW_NS) {
        post->window_ns = now_ns;
        post->taken = 0;
    }
    while (broker && !is_exhausted(post, now_ns) && (got = broker_next(broker, &event, &why)) > 0) {
        if (event.type == BROKER_CANCELLED) {
            got = error_set(&why, ERR_MISSING, "the queue '%s' was deleted", post->set_up.queue);
            break;
        }
        /* It takes them in their order, whatever the order of its confirms. */
        if ((event.type == BROKER_CONFIRMED || event.type == BROKER_NACKED) &&
            event.tag > post->arrived)
            post->arrived = event.tag;
        if (event.type == BROKER_RETURNED) {
            message->key = event.routing_key;
            return POST_RETURNED;
        }
        if (event.type == BROKER_DELIVERY && take(post, &event, message))
            return POST_MESSAGE;
    }
    if (got < 0)
        lose(post, got, &why);
    return POST_NOTHING;
}

/* ---- what goes out ---- */

struct envelope post_begin(const struct post *post)
{
    struct envelope envelope = {.clock = lamport_send(log_clock())};

    snprintf(envelope.farm, sizeof envelope.farm, "%s", post->set_up.topology.farm);
    snprintf(envelope.from, sizeof envelope.from, "%s", post->from);
    clock_stamp(envelope.time);
    return envelope;
}

bool post_send(struct post *post, const char *key, const char *type, const char *text,
               size_t length, bool mandatory)
{
    struct broker *broker = link_broker(&post->link);
    struct broker_properties *properties = post->properties;
    struct why why = {0};

    if (!broker || broker_backed_up(broker))
        return false;
    broker_properties_clear(properties);
    broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("application/json"));
    broker_properties_set(properties, BROKER_EXPIRATION, broker_text(ENVELOPE_EXPIRATION));
    broker_properties_set(properties, BROKER_TYPE, broker_text(type));
    int error = broker_publish(broker, post->set_up.topology.control, broker_text(key), properties,
                               (struct broker_bytes){text, length}, mandatory, &post->sent, &why);
    if (error)
        lose(post, error, &why);
    return !error;
}

void post_flush(struct post *post)
{
    struct broker *broker = link_broker(&post->link);
    struct why why = {0};
    int error = broker ? broker_flush(broker, &why) : 0;

    if (error)
        lose(post, error, &why);
}
