#include "control_link.h"

#include "clock.h"
#include "control/envelope.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

/* In each window so much is taken: a message counts as one, and for each piece of itself and of its
 * answer. */
#define WINDOW_NS   (10 * CLOCK_NS_PER_MS)
#define WINDOW_MOST 32
#define PIECE_BYTES 8192

/* How often it is looked whether the exchange is still there: it may be deleted by anybody. */
#define CHECK_NS (2 * CLOCK_NS_PER_S)

/* For so long a connection must stand to be believed. */
#define BELIEVED_NS (3 * CLOCK_NS_PER_S)

/* A return takes no longer. */
#define RETURN_NS (1 * CLOCK_NS_PER_S)

static const char *const topics[CONTROL_TOPICS] = {
    [CONTROL_STATUS] = "status", [CONTROL_LOG] = "log"};
static const char *const keys[] = {TOPOLOGY_KEY_COMMAND, TOPOLOGY_KEY_ASK, NULL};

/* ---- connecting ---- */

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct control_set_up *own = context;
    int error = broker_enable_confirms(broker, why);

    if (!error)
        error = topology_listen(&own->topology, broker, own->queue, keys, why);
    if (!error)
        error = broker_consume(broker, own->queue, own->queue, 0, true, why);
    if (!error && own->all)
        error = topology_listen_to_all(broker, own->queue, why);
    return error;
}

/* For the next attempt to connect: the broker may still keep the queue of the one before. */
static void name_queue(struct control_link *link)
{
    snprintf(link->set_up.queue, sizeof link->set_up.queue, "%s/%s/%u",
             link->set_up.topology.control, link->name, link->attempts++);
}

int control_link_open(struct control_link *link, const struct broker_options *options,
                      const struct topology *topology, const char *name, struct why *why)
{
    *link = (struct control_link){.name = name,
                                  .set_up = {.topology = *topology, .all = true},
                                  .properties = broker_properties_open()};
    const struct connection_settings settings = {.broker = *options,
                                                 .set_up = set_up,
                                                 .context = &link->set_up,
                                                 .context_bytes = sizeof link->set_up};

    name_queue(link);
    if (!link->properties)
        return error_set(why, ERR_MEMORY, "out of memory");
    return link_open(&link->link, &settings, "control", why);
}

void control_link_close(struct control_link *link)
{
    link_close(&link->link);
    broker_properties_close(link->properties);
    link->properties = NULL;
}

void control_link_leave(struct control_link *link)
{
    struct why why = {0};

    link_retire(&link->link);
    connection_lost(link->link.connection, 0, &why);
}

static void refuse(struct control_link *link, const struct why *why, int64_t now_ns)
{
    enum log_level level = refusal_begin(&link->refusal, now_ns) ? LOG_WARN : LOG_DEBUG;

    log_event(level, "control_refused",
              "why=\"%s\" doing=\"going on without commands, and trying on\"", why->text);
}

/* What an error means, of an attempt or of the connection. */
static void judge(struct control_link *link, int error, const struct why *why, int64_t now_ns)
{
    name_queue(link);
    if (error == -ERR_UNAVAILABLE)
        return;
    if (link->set_up.all && error_is_about(why, ABOUT_EXCHANGE, TOPOLOGY_ALL_FARMS)) {
        link->set_up.all = false;
        log_event(LOG_DEBUG, "control_of_one_farm", "why=\"%s\"", why->text);
    } else if (error == -ERR_MISSING) {
        log_event(LOG_WARN, "entity_missing", "why=\"%s\" doing=\"declaring it anew\"", why->text);
    } else {
        refuse(link, why, now_ns);
    }
}

static void lose(struct control_link *link, int error, const struct why *why)
{
    judge(link, error, why, clock_now_ns());
    /* What was said already is not to be logged once more as a lost connection. */
    if (error != -ERR_UNAVAILABLE) {
        link->link.was_open = false;
        link->link.error = error;
    }
    link_lost(&link->link, error, why);
}

static void opened(struct control_link *link, int64_t now_ns)
{
    link->opened_ns = now_ns;
    link->arrived = 0;
    link->check_ns = now_ns + CHECK_NS;
    control_link_watch(link, now_ns);
}

/* A connection that stands may still be refused what it does next. */
static void check_refusal(struct control_link *link, int64_t now_ns)
{
    if (now_ns >= link->opened_ns + BELIEVED_NS && refusal_end(&link->refusal))
        log_event(LOG_INFO, "control_back", "doing=\"listening to commands\"");
}

static void check_exchange(struct control_link *link, int64_t now_ns)
{
    struct why why = {0};

    if (now_ns < link->check_ns)
        return;
    link->check_ns = now_ns + CHECK_NS;
    connection_mark_useful(link->link.connection);
    int error = topology_listen_again(&link->set_up.topology, link_broker(&link->link),
                                      link->set_up.queue, keys, &why);
    if (error)
        lose(link, error, &why);
}

bool control_link_step(struct control_link *link, int64_t now_ns)
{
    struct why why = {0};
    bool is_new = false;

    if (link_broker(&link->link)) {
        check_refusal(link, now_ns);
        check_exchange(link, now_ns);
    } else if (now_ns >= link->refusal.retry_ns) {
        is_new = link_step(&link->link, now_ns);
        if (is_new)
            opened(link, now_ns);
        else if (link->link.failed)
            judge(link, connection_error(link->link.connection, &why), &why, now_ns);
    }
    return is_new;
}

static bool is_exhausted(const struct control_link *link, int64_t now_ns)
{
    return link->taken >= WINDOW_MOST && now_ns < link->window_ns + WINDOW_NS;
}

int64_t control_link_due_ns(const struct control_link *link, int64_t now_ns)
{
    int64_t due_ns = link_due_ns(&link->link);

    if (!link_broker(&link->link))
        return due_ns > link->refusal.retry_ns ? due_ns : link->refusal.retry_ns;
    if (link->check_ns < due_ns)
        due_ns = link->check_ns;
    if (is_exhausted(link, now_ns) && link->window_ns + WINDOW_NS < due_ns)
        due_ns = link->window_ns + WINDOW_NS;
    return due_ns;
}

size_t control_link_poll(const struct control_link *link, struct pollfd *fds)
{
    return link->taken < WINDOW_MOST ? link_poll(&link->link, fds) : 0;
}

/* ---- what comes in ---- */

static bool is(struct broker_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.bytes, text, bytes.length) == 0;
}

/* The broker knows nobody who is bound to the topic; or knew nobody, when the message went out
 * before somebody said that he is. */
static void returned(struct control_link *link, struct broker_bytes key, int64_t now_ns)
{
    if (now_ns < link->watched_ns + RETURN_NS)
        return;
    for (int i = 0; i < CONTROL_TOPICS; i++)
        if (is(key, topics[i]))
            link->watched[i] = false;
}

static void copy(struct control_name *name, struct broker_bytes from)
{
    name->length = from.length <= sizeof name->bytes ? from.length : 0;
    if (name->length)
        memcpy(name->bytes, from.bytes, name->length);
}

/* False of a message that came by none of the ways that the broker's permissions guard: everybody
 * may write to a queue by the default exchange. */
static bool read_message(struct control_link *link, const struct broker_event *event,
                         struct control_message *message)
{
    struct broker_properties *properties = link->properties;

    link->taken += 1 + event->body.length / PIECE_BYTES;
    message->to_all = is(event->exchange, TOPOLOGY_ALL_FARMS);
    if (!message->to_all && !is(event->exchange, link->set_up.topology.control))
        return false;
    message->asks = message->to_all || !is(event->routing_key, TOPOLOGY_KEY_COMMAND);
    /* Of properties that cannot be read none is there. */
    (void)broker_properties_decode(properties, event->raw_properties);
    message->body = event->body;
    copy(&message->reply_to, broker_properties_get(properties, BROKER_REPLY_TO));
    copy(&message->correlation_id, broker_properties_get(properties, BROKER_CORRELATION_ID));
    return true;
}

bool control_link_next(struct control_link *link, int64_t now_ns, struct control_message *message)
{
    struct broker *broker = link_broker(&link->link);
    struct broker_event event;
    struct why why = {0};
    int got = 0;

    if (now_ns >= link->window_ns + WINDOW_NS) {
        link->window_ns = now_ns;
        link->taken = 0;
    }
    if (!broker || is_exhausted(link, now_ns))
        return false;
    while ((got = broker_next(broker, &event, &why)) == 1) {
        if (event.type == BROKER_RETURNED)
            returned(link, event.routing_key, now_ns);
        /* It takes them in their order, whatever the order of its confirms. */
        if ((event.type == BROKER_CONFIRMED || event.type == BROKER_NACKED) &&
            event.tag > link->arrived)
            link->arrived = event.tag;
        if (event.type == BROKER_CANCELLED) {
            got = error_set(&why, ERR_MISSING, "the queue '%s' was deleted", link->set_up.queue);
            break;
        }
        if (event.type == BROKER_DELIVERY && read_message(link, &event, message))
            return true;
        if (is_exhausted(link, now_ns))
            return false;
    }
    if (got < 0)
        lose(link, got, &why);
    return false;
}

/* ---- what goes out ---- */

bool control_link_watched(const struct control_link *link, enum control_topic topic)
{
    return link->watched[topic] && link_broker(&link->link);
}

void control_link_watch(struct control_link *link, int64_t now_ns)
{
    link->watched_ns = now_ns;
    for (int i = 0; i < CONTROL_TOPICS; i++)
        link->watched[i] = true;
}

bool control_link_is_full(const struct control_link *link)
{
    const struct broker *broker = link_broker(&link->link);

    return broker && broker_backed_up(broker);
}

static uint64_t send_text(struct control_link *link, const char *exchange, struct broker_bytes key,
                          const char *type, struct broker_bytes correlation_id, const char *text,
                          size_t length)
{
    struct broker *broker = link_broker(&link->link);
    struct broker_properties *properties = link->properties;
    struct why why = {0};
    uint64_t sequence = 0;

    if (!broker)
        return 0;
    if (broker_backed_up(broker)) {
        link->dropped_msgs++;
        return 0;
    }
    broker_properties_clear(properties);
    broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("application/json"));
    broker_properties_set(properties, BROKER_EXPIRATION, broker_text(ENVELOPE_EXPIRATION));
    broker_properties_set(properties, BROKER_TYPE, broker_text(type));
    broker_properties_set(properties, BROKER_CORRELATION_ID, correlation_id);
    int error = broker_publish(broker, exchange, key, properties,
                               (struct broker_bytes){text, length}, *exchange, &sequence, &why);
    if (error)
        lose(link, error, &why);
    return error ? 0 : sequence;
}

uint64_t control_link_publish(struct control_link *link, enum control_topic topic, const char *text,
                              size_t length)
{
    return send_text(link, link->set_up.topology.control, broker_text(topics[topic]), topics[topic],
                     (struct broker_bytes){0}, text, length);
}

static struct broker_bytes bytes_of(const struct control_name *name)
{
    return name->length ? (struct broker_bytes){name->bytes, name->length}
                        : (struct broker_bytes){0};
}

void control_link_answer(struct control_link *link, const struct control_message *message,
                         const char *type, const char *text, size_t length)
{
    link->taken += length / PIECE_BYTES;
    if (message->reply_to.length)
        send_text(link, "", bytes_of(&message->reply_to), type, bytes_of(&message->correlation_id),
                  text, length);
}

void control_link_flush(struct control_link *link)
{
    struct broker *broker = link_broker(&link->link);
    struct why why = {0};
    int error = broker ? broker_flush(broker, &why) : 0;

    if (error)
        lose(link, error, &why);
}
