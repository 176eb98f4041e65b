#include "topology.h"

#include "clock.h"
#include "printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FARM_MAX_BYTES   100
#define NAME_MAX_BYTES   255 /* of the protocol */
#define WORK_ENDING      ".work"
#define COUNT_ENDING     ".count"
#define MISSING_PAUSE_NS (2 * CLOCK_NS_PER_S)
#define WORDS_ENDING     ".words"
#define LOCK_ENDING      ".lock"
#define LEADER_ENDING    ".leader"

/* Of a stream: so many, but none greater than the broker's default. */
#define RESULT_SEGMENTS    8
#define SEGMENT_MOST_BYTES INT64_C(500000000)

_Static_assert(TOPOLOGY_WORK_MAX_BYTES + sizeof LOCK_ENDING - 1 <= NAME_MAX_BYTES,
               "the lock's name fits the protocol");

static const char *const queue_type_names[] = {
    [QUEUE_CLASSIC] = "classic", [QUEUE_CLASSIC_V2] = "classic-v2", [QUEUE_QUORUM] = "quorum"};

int topology_parse_queue_type(const char *text, enum queue_type *type)
{
    for (size_t i = 0; i < sizeof queue_type_names / sizeof queue_type_names[0]; i++)
        if (strcmp(text, queue_type_names[i]) == 0) {
            *type = (enum queue_type)i;
            return 0;
        }
    return -ERR_INVALID;
}

const char *topology_queue_type_name(enum queue_type type)
{
    return queue_type_names[type];
}

int topology_init(struct topology *topology, const char *farm, enum queue_type type)
{
    size_t length = strnlen(farm, FARM_MAX_BYTES + 1);

    if (length == 0 || length > FARM_MAX_BYTES || strncmp(farm, "amq.", 4) == 0)
        return -ERR_INVALID;
    char shown[TOPOLOGY_NAME_SIZE];
    if (printable_write(farm, length, false, shown, sizeof shown) != length ||
        memcmp(shown, farm, length) != 0)
        return -ERR_INVALID;

    *topology = (struct topology){.queue_type = type};
    snprintf(topology->farm, sizeof topology->farm, "%s", farm);
    snprintf(topology->events, sizeof topology->events, "%s.events", farm);
    snprintf(topology->work, sizeof topology->work, "%s" WORK_ENDING, farm);
    snprintf(topology->count, sizeof topology->count, "%s" COUNT_ENDING, farm);
    snprintf(topology->lock, sizeof topology->lock, "%s", topology->count);
    snprintf(topology->results, sizeof topology->results, "%s.results", farm);
    snprintf(topology->dead, sizeof topology->dead, "%s.dead", farm);
    snprintf(topology->control, sizeof topology->control, "%s.control", farm);
    snprintf(topology->leader, sizeof topology->leader, "%s" LEADER_ENDING, farm);
    snprintf(topology->words, sizeof topology->words, "%s" WORDS_ENDING, farm);
    snprintf(topology->insults, sizeof topology->insults, "%s.insults", farm);
    return 0;
}

void topology_keep_results(struct topology *topology, const struct topology_results *kept)
{
    topology->kept = *kept;
}

/* ---- somebody else's queue ---- */

/* One that may be the work queue of a farm of its own has that farm's lock. */
static void name_lock(struct topology *topology)
{
    size_t length = strlen(topology->work), ending = strlen(WORK_ENDING);
    bool farms = length > ending && strcmp(topology->work + length - ending, WORK_ENDING) == 0;

    snprintf(topology->lock, sizeof topology->lock, "%.*s%s",
             (int)(farms ? length - ending : length), topology->work,
             farms ? COUNT_ENDING : LOCK_ENDING);
}

int topology_use_queue(struct topology *topology, const struct topology_queue *queue)
{
    size_t length = strlen(queue->name);

    if (!length || length > TOPOLOGY_WORK_MAX_BYTES)
        return -ERR_INVALID;
    if (strcmp(queue->name, topology->work) == 0)
        return 0;
    topology->foreign = true;
    topology->rejects_dead = queue->rejects_dead;
    topology->events[0] = '\0';
    snprintf(topology->work, sizeof topology->work, "%s", queue->name);
    snprintf(topology->results, sizeof topology->results, "%s",
             queue->results ? queue->results : "");
    memcpy(topology->sources, queue->sources, sizeof topology->sources);
    topology->source_count = queue->source_count;
    name_lock(topology);
    return 0;
}

int topology_parse_source(char *text, struct topology_source *source)
{
    /* As permissions name it. */
    static const char default_exchange[] = "amq.default";
    char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);

    if (!length ||
        (length == strlen(default_exchange) && memcmp(text, default_exchange, length) == 0))
        return -ERR_REFUSED;
    if (length > NAME_MAX_BYTES || (colon && strlen(colon + 1) > NAME_MAX_BYTES))
        return -ERR_INVALID;
    if (colon)
        *colon = '\0';
    *source = (struct topology_source){.exchange = text, .key = colon ? colon + 1 : ""};
    return 0;
}

bool topology_counts(const struct topology *topology)
{
    return !topology->foreign || topology->source_count;
}

bool topology_may_be_quorum(const struct topology *topology)
{
    return topology->foreign || topology->queue_type == QUEUE_QUORUM;
}

int64_t topology_missing_pause_ns(const struct topology *topology)
{
    return topology->foreign ? MISSING_PAUSE_NS : 0;
}

/* Whether the queue is there and not another connection's alone. */
static int ask(struct broker *broker, const char *queue, struct why *why)
{
    struct broker_queue_state state;
    int error = broker_query_queue(broker, queue, &state, why);

    if (error != -ERR_LOCKED)
        return error;
    error_prefix(why, "the queue '%s' is exclusive to another connection, which alone may use it",
                 queue);
    error_set_about(why, ABOUT_QUEUE, queue, strlen(queue));
    return -ERR_CONFIG;
}

static int ask_foreign(const struct topology *topology, struct broker *broker, struct why *why)
{
    int error = ask(broker, topology->work, why);

    return error || !topology->results[0] ? error : ask(broker, topology->results, why);
}

int topology_refuse_stream(const struct topology *topology, struct broker *broker, struct why *why)
{
    bool stream = false;
    int error = topology->foreign ? broker_query_stream(broker, topology->work, &stream, why) : 0;

    if (!stream)
        return error;
    return error_set(why, ERR_CONFIG,
                     "the queue '%s' is a stream: what is read there stays, and every worker would "
                     "get all of it",
                     topology->work);
}

/* ---- the farm's own ---- */

/* Arguments of a durable queue: its type and, when given, the exchange that takes what is rejected.
 * Arguments cannot be changed later, so that all else is left to the broker's policies. */
static void queue_arguments(enum queue_type type, const char *dead_exchange,
                            struct broker_argument arguments[4])
{
    int count = 0;

    arguments[count++] = (struct broker_argument){
        .name = "x-queue-type", .text = type == QUEUE_QUORUM ? "quorum" : "classic"};
    if (type == QUEUE_CLASSIC_V2)
        arguments[count++] = (struct broker_argument){.name = "x-queue-version", .number = 2};
    if (dead_exchange)
        arguments[count++] =
            (struct broker_argument){.name = "x-dead-letter-exchange", .text = dead_exchange};
    arguments[count] = (struct broker_argument){0};
}

static int declare_durable(const struct topology *topology, struct broker *broker, const char *name,
                           const char *dead_exchange, struct why *why)
{
    struct broker_argument arguments[4];

    queue_arguments(topology->queue_type, dead_exchange, arguments);
    struct broker_queue queue = {.name = name, .durable = true, .arguments = arguments};
    return broker_declare_queue(broker, &queue, why);
}

static int declare_fanout(struct broker *broker, const char *name, struct why *why)
{
    const struct broker_exchange exchange = {.name = name, .durable = true};

    return broker_declare_exchange(broker, &exchange, why);
}

/* A stream loses old results a segment at a time, and none while it has but one: of the broker's
 * 500 MB segments a short stream would keep far more than it should. */
static int declare_results(const struct topology *topology, struct broker *broker, struct why *why)
{
    const struct topology_results *kept = &topology->kept;
    int64_t segment_bytes = kept->max_bytes / RESULT_SEGMENTS;
    char age[32];
    struct broker_argument arguments[] = {
        {.name = "x-queue-type", .text = "stream"},
        {.name = "x-max-length-bytes", .number = kept->max_bytes},
        {.name = "x-stream-max-segment-size-bytes",
         .number = segment_bytes < SEGMENT_MOST_BYTES ? segment_bytes : SEGMENT_MOST_BYTES},
        {.name = kept->max_age_s ? "x-max-age" : NULL, .text = age},
        {0}};
    const struct broker_queue queue = {
        .name = topology->results, .durable = true, .arguments = arguments};

    if (!kept->stream)
        return declare_durable(topology, broker, topology->results, NULL, why);
    snprintf(age, sizeof age, "%" PRId64 "s", kept->max_age_s);
    return broker_declare_queue(broker, &queue, why);
}

int topology_declare_dead(const struct topology *topology, struct broker *broker, struct why *why)
{
    int error = declare_fanout(broker, topology->dead, why);

    if (!error)
        error = declare_durable(topology, broker, topology->dead, NULL, why);
    return error ? error : broker_bind(broker, topology->dead, topology->dead, "", why);
}

int topology_declare(const struct topology *topology, struct broker *broker, struct why *why)
{
    if (topology->foreign)
        return ask_foreign(topology, broker, why);
    int error = topology_declare_dead(topology, broker, why);
    if (!error)
        error = declare_results(topology, broker, why);
    if (!error)
        error = declare_durable(topology, broker, topology->work, topology->dead, why);
    if (!error)
        error = declare_fanout(broker, topology->events, why);
    if (!error)
        error = broker_bind(broker, topology->work, topology->events, "", why);
    return error ? error : broker_settle(broker, why);
}

int topology_check(const struct topology *topology, struct broker *broker, struct why *why)
{
    if (topology->foreign)
        return broker_ask_queue(broker, topology->work, why);
    /* The broker's error names the first that is missing. So that it names the work queue or the
     * exchange if events are lost, these come first. */
    int error = broker_bind(broker, topology->work, topology->events, "", why);

    if (!error)
        error = broker_bind(broker, topology->dead, topology->dead, "", why);
    if (!error)
        error = broker_ask_queue(broker, topology->dead, why);
    if (!error)
        error = broker_ask_queue(broker, topology->results, why);
    return error ? error : broker_ask_queue(broker, topology->work, why);
}

int topology_tell_destroyed(const struct topology *topology, struct broker *broker, struct why *why)
{
    static const char reason[] =
        "destroyed: the work queue or the exchange was deleted, and the events in it are gone";
    struct broker_properties *notice = broker_properties_open();
    int error = notice ? broker_headers_add_text(notice, "winnow-reason", broker_text(reason))
                       : -ERR_MEMORY;

    if (!error)
        error =
            broker_headers_add_text(notice, TOPOLOGY_DESTROYED_HEADER, broker_text(topology->work));
    if (error) {
        error = error_set(why, ERR_MEMORY, "out of memory");
    } else {
        broker_properties_set_persistent(notice, true);
        error = broker_publish(broker, topology->dead, broker_text(""), notice, broker_text(""),
                               false, NULL, why);
    }
    broker_properties_close(notice);
    return error;
}

bool topology_lost_events(const struct topology *topology, const struct why *why)
{
    return !topology->foreign && (error_is_about(why, ABOUT_QUEUE, topology->work) ||
                                  error_is_about(why, ABOUT_EXCHANGE, topology->events));
}

static int bind_count(const struct topology *topology, struct broker *broker, struct why *why)
{
    const struct topology_source own = {.exchange = topology->events, .key = ""};
    const struct topology_source *sources = topology->foreign ? topology->sources : &own;
    size_t count = topology->foreign ? topology->source_count : 1;
    int error = 0;

    for (size_t i = 0; !error && i < count; i++)
        error = broker_bind(broker, topology->count, sources[i].exchange, sources[i].key, why);
    return error;
}

int topology_bind_count(const struct topology *topology, struct broker *broker, struct why *why)
{
    int error = bind_count(topology, broker, why);

    return error ? error : broker_flush(broker, why);
}

int topology_declare_if_missing(const struct topology *topology,
                                const struct broker_options *options, bool *declared,
                                struct why *why)
{
    struct broker *broker = NULL;
    int error = broker_open(options, &broker, why);

    *declared = false;
    if (error)
        return error;
    error = broker_check_exchange(broker, &(struct broker_exchange){.name = topology->events}, why);
    if (!error)
        error = broker_settle(broker, why);
    broker_close(broker);
    if (error != -ERR_MISSING)
        return error;

    error = broker_open(options, &broker, why);
    if (error)
        return error;
    error = topology_declare(topology, broker, why);
    *declared = error == 0;
    broker_close(broker);
    return error;
}

int topology_declare_count(const struct topology *topology, struct broker *broker, struct why *why)
{
    const struct broker_argument arguments[] = {
        {.name = "x-queue-type", .text = "classic"},
        {.name = "x-max-length", .number = TOPOLOGY_COUNT_MAX_MSGS},
        /* reject-publish would refuse what the publisher sends to the exchange. */
        {.name = "x-overflow", .text = "drop-head"},
        {0}};
    struct broker_queue count = {
        .name = topology->count, .exclusive = true, .arguments = arguments};
    struct broker_queue lock = {.name = topology->lock, .exclusive = true, .arguments = arguments};
    int error = 0;

    if (strcmp(topology->lock, topology->count) != 0)
        error = broker_declare_queue(broker, &lock, why);
    if (!error)
        error = broker_declare_queue(broker, &count, why);
    if (!error)
        error = bind_count(topology, broker, why);
    return error ? error : broker_settle(broker, why);
}

int topology_declare_leader(const struct topology *topology, struct broker *broker, struct why *why)
{
    const struct broker_argument arguments[] = {
        {.name = "x-queue-type", .text = "quorum"},
        {.name = "x-single-active-consumer", .is_true = true},
        {0}};
    const struct broker_queue queue = {
        .name = topology->leader, .durable = true, .arguments = arguments};
    int error = broker_declare_queue(broker, &queue, why);

    return error ? error : broker_settle(broker, why);
}

static int declare_listener(struct broker *broker, const char *queue, struct why *why)
{
    const struct broker_argument arguments[] = {
        {.name = "x-queue-type", .text = "classic"},
        {.name = "x-max-length", .number = TOPOLOGY_LISTENER_MAX_MSGS},
        {.name = "x-max-length-bytes", .number = TOPOLOGY_LISTENER_MAX_BYTES},
        {.name = "x-overflow", .text = "drop-head"},
        {0}};
    const struct broker_queue listener = {.name = queue, .exclusive = true, .arguments = arguments};

    return broker_declare_queue(broker, &listener, why);
}

static int declare_control(struct broker *broker, const char *name, struct why *why)
{
    const struct broker_exchange control = {.name = name, .topic = true, .auto_delete = true};

    return broker_declare_exchange(broker, &control, why);
}

int topology_listen(const struct topology *topology, struct broker *broker, const char *queue,
                    const char *const *keys, struct why *why)
{
    int error = declare_listener(broker, queue, why);

    if (!error && keys[0])
        error = declare_control(broker, topology->control, why);
    for (; !error && *keys; keys++)
        error = broker_bind(broker, queue, topology->control, *keys, why);
    return error ? error : broker_settle(broker, why);
}

/* To a fanout exchange that is there. */
static int listen_to_fanout(struct broker *broker, const char *queue, const char *exchange,
                            struct why *why)
{
    int error = declare_listener(broker, queue, why);

    if (!error)
        error = broker_bind(broker, queue, exchange, "", why);
    return error ? error : broker_settle(broker, why);
}

int topology_watch_dead(const struct topology *topology, struct broker *broker, const char *queue,
                        struct why *why)
{
    return listen_to_fanout(broker, queue, topology->dead, why);
}

int topology_hear_insults(const struct topology *topology, struct broker *broker, const char *queue,
                          struct why *why)
{
    return listen_to_fanout(broker, queue, topology->insults, why);
}

int topology_listen_again(const struct topology *topology, struct broker *broker, const char *queue,
                          const char *const *keys, struct why *why)
{
    int error = 0;

    for (; !error && *keys; keys++)
        error = broker_bind(broker, queue, topology->control, *keys, why);
    error = error ? error : declare_control(broker, topology->control, why); /* still a topic? */
    return error ? error : broker_flush(broker, why);
}

int topology_listen_to_all(struct broker *broker, const char *queue, struct why *why)
{
    int error = broker_bind(broker, queue, TOPOLOGY_ALL_FARMS, TOPOLOGY_ALL_KEY, why);

    if (!error)
        error = broker_settle(broker, why);
    if (error)
        error_set_about(why, ABOUT_EXCHANGE, TOPOLOGY_ALL_FARMS, strlen(TOPOLOGY_ALL_FARMS));
    return error;
}

static bool is(struct broker_bytes queue, const char *name)
{
    return queue.length == strlen(name) && memcmp(queue.bytes, name, queue.length) == 0;
}

bool topology_is_of_a_farm(struct broker_bytes queue)
{
    static const char *const endings[] = {WORK_ENDING, COUNT_ENDING, LOCK_ENDING,  ".results",
                                          ".dead",     WORDS_ENDING, LEADER_ENDING};

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(endings[i]);
        if (queue.length >= length &&
            memcmp(queue.bytes + queue.length - length, endings[i], length) == 0)
            return true;
    }
    return false;
}

bool topology_is_results(const struct topology *topology, struct broker_bytes queue)
{
    return is(queue, topology->results);
}

bool topology_reserves(const struct topology *topology, struct broker_bytes queue)
{
    return is(queue, topology->work) || is(queue, topology->count) || is(queue, topology->lock) ||
           is(queue, topology->dead) || is(queue, topology->words) || is(queue, topology->leader);
}

int topology_declare_words(const struct topology *topology, struct broker *broker, struct why *why)
{
    int error = topology_declare_dead(topology, broker, why);

    if (!error)
        error = declare_durable(topology, broker, topology->words, NULL, why);
    if (!error)
        error = declare_fanout(broker, topology->insults, why);
    return error ? error : broker_settle(broker, why);
}
