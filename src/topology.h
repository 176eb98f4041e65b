/* topology.h - a farm's exchange and queues: their names, kinds and arguments. Nothing else
 * declares them.
 *
 * A farm has a queue of its own, or works on one that somebody else has made. Of what is somebody
 * else's nothing is declared, bound or deleted: it is asked for, and missing until it is there. */
#ifndef WINNOW_TOPOLOGY_H
#define WINNOW_TOPOLOGY_H

#include "broker/broker.h"

#include <stdbool.h>

#define TOPOLOGY_DEFAULT_FARM "winnow"
#define TOPOLOGY_FARM_FORM    "1 to 100 printable characters, not starting with 'amq.'"
#define TOPOLOGY_QUEUE_FORM   "classic, classic-v2 or quorum"
#define TOPOLOGY_WORK_FORM    "1 to 250 bytes"
#define TOPOLOGY_SOURCE_FORM  "EXCHANGE or EXCHANGE:KEY, of at most 255 bytes each"

#define TOPOLOGY_WORK_MAX_BYTES 250

/* The count queue drops its oldest copies beyond this; a count read at this length is not exact. */
#define TOPOLOGY_COUNT_MAX_MSGS 100000

enum queue_type { QUEUE_CLASSIC, QUEUE_CLASSIC_V2, QUEUE_QUORUM };

/* An exchange that feeds a queue, and the key by which it does. */
struct topology_source {
    const char *exchange, *key; /* the key may be empty: of a fanout exchange, say */
};

/* A queue that is somebody else's, as a user names it; the texts live as long as the process. */
#define TOPOLOGY_MOST_SOURCES 32
struct topology_queue {
    const char *name;    /* NULL: the farm has a queue of its own */
    const char *results; /* NULL: a result without a reply_to goes nowhere */
    bool rejects_dead;   /* what is dead goes to the queue's own dead-lettering, not to FARM.dead */
    struct topology_source sources[TOPOLOGY_MOST_SOURCES]; /* whose copies are counted; */
    size_t source_count;                                   /* 0: nothing is counted */
};

/* How FARM.results is kept: as a queue of the farm's type, or as a stream, which any number of
 * clients read, and again. */
struct topology_results {
    bool stream;
    int64_t max_bytes; /* of a stream; the oldest results go first */
    int64_t max_age_s; /* the same; 0: however old */
};
#define TOPOLOGY_RESULTS_BYTES     ((int64_t)1 << 30) /* unless another number is given */
#define TOPOLOGY_RESULTS_MIN_BYTES ((int64_t)1 << 20)

#define TOPOLOGY_NAME_SIZE  128
#define TOPOLOGY_QUEUE_SIZE 256
struct topology {
    enum queue_type queue_type; /* of the durable queues that are declared */
    bool foreign;               /* the work queue is somebody else's */
    bool rejects_dead;          /* as struct topology_queue has it */
    char farm[TOPOLOGY_NAME_SIZE];
    char events[TOPOLOGY_NAME_SIZE]; /* fanout exchange that publishers send to; "": none */
    char work[TOPOLOGY_QUEUE_SIZE];  /* queue that workers consume */
    /* Exclusive queue that only one autoscaler can have: named after the work queue, so that no
     * queue has two. */
    char lock[TOPOLOGY_QUEUE_SIZE];
    /* Queue whose copies are only counted. Being exclusive it is also the lock of the farm's name;
     * the lock's name may be the same. */
    char count[TOPOLOGY_NAME_SIZE];
    struct topology_results kept;      /* how results are kept */
    char results[TOPOLOGY_QUEUE_SIZE]; /* queue of results without a reply_to; "": none */
    char dead[TOPOLOGY_NAME_SIZE];     /* exchange and queue of what could not be handled */
    char control[TOPOLOGY_NAME_SIZE];  /* topic exchange of the control plane */
    char leader[TOPOLOGY_NAME_SIZE];   /* queue of the tokens of those who stand for leader */
    char words[TOPOLOGY_NAME_SIZE];    /* queue of the requests to the word service */
    char insults[TOPOLOGY_NAME_SIZE];  /* fanout exchange of its broadcasts */
    struct topology_source sources[TOPOLOGY_MOST_SOURCES]; /* of a foreign queue */
    size_t source_count;
};

/* "classic-v2" -> type; 0 or -ERR_INVALID. */
int topology_parse_queue_type(const char *text, enum queue_type *type);
const char *topology_queue_type_name(enum queue_type type);

/* Fills in the names. 0 or -ERR_INVALID when farm is not of TOPOLOGY_FARM_FORM. */
int topology_init(struct topology *topology, const char *farm, enum queue_type type);

/* From topology_init on results go to a queue; this says otherwise. */
void topology_keep_results(struct topology *topology, const struct topology_results *kept);

/* The farm works on that queue, which is somebody else's; if it is FARM.work nothing changes. 0, or
 * -ERR_INVALID when the name is not of TOPOLOGY_WORK_FORM. */
int topology_use_queue(struct topology *topology, const struct topology_queue *queue);

/* "EXCHANGE:KEY" -> a source. The last colon parts the two, so that the name of an exchange that
 * has colons ends in one more. text is written to, and lives as long as the source. -ERR_INVALID:
 * it is not of TOPOLOGY_SOURCE_FORM, or the default exchange, to which nothing can be bound. */
int topology_parse_source(char *text, struct topology_source *source);

/* Whether arrivals are counted at all. */
bool topology_counts(const struct topology *topology);

/* Whether the work queue is a quorum queue, as far as can be told: of what type somebody else's is,
 * the broker does not say. */
bool topology_may_be_quorum(const struct topology *topology);

/* Declares and binds everything but the count queue and the lock; harmless when it is there
 * already. Of somebody else's queues it is asked whether they are there: -ERR_MISSING, or
 * -ERR_CONFIG when one is exclusive to another connection. Other errors as those of the entities in
 * broker.h. */
int topology_declare(const struct topology *topology, struct broker *broker, struct why *why);

/* Of somebody else's queue: 0, or -ERR_CONFIG when it is a stream, as far as the broker tells. To
 * ask costs a line in its log. */
int topology_refuse_stream(const struct topology *topology, struct broker *broker, struct why *why);

/* Declares FARM.dead alone, without waiting: of a foreign queue's farm it is declared when the
 * first event is dead. Errors follow from broker_next. */
int topology_declare_dead(const struct topology *topology, struct broker *broker, struct why *why);

/* How long to wait at most before somebody else's entity, which was missing, is asked for again; 0:
 * the farm's own are declared by somebody before long. */
int64_t topology_missing_pause_ns(const struct topology *topology);

/* Asks for everything that topology_declare declared or asked for, and binds anew what it bound,
 * without waiting. A BROKER_QUEUE_STATE for each queue follows (text: its name), the work queue
 * last; or the connection ends with -ERR_MISSING when something is gone. */
int topology_check(const struct topology *topology, struct broker *broker, struct why *why);

/* Publishes a notice to FARM.dead: the work queue or the exchange had been deleted, and with it the
 * events that waited or were sent before it was declared anew. The notice has no body; its header
 * TOPOLOGY_DESTROYED_HEADER names the work queue. Whoever noticed the loss calls this after
 * topology_declare. */
#define TOPOLOGY_DESTROYED_HEADER "winnow-destroyed"
int topology_tell_destroyed(const struct topology *topology, struct broker *broker,
                            struct why *why);

/* Whether the error is about what unhandled events wait in or go through, the work queue or the
 * exchange. If it was deleted, some of them are gone. What becomes of a foreign queue is its
 * owner's to know: then false. */
bool topology_lost_events(const struct topology *topology, const struct why *why);

/* Binds the count queue anew, without waiting; -ERR_MISSING follows from broker_next if an exchange
 * is gone. */
int topology_bind_count(const struct topology *topology, struct broker *broker, struct why *why);

/* Declares nothing when the exchange is there, else what topology_declare does. For publishers,
 * who need not know the farm's queue type. Costs a connection of its own when it is missing.
 * *declared tells which. */
int topology_declare_if_missing(const struct topology *topology,
                                const struct broker_options *options, bool *declared,
                                struct why *why);

/* Takes the lock and declares and binds the count queue, both for this connection.
 * -ERR_LOCKED: another autoscaler holds one, or held it until a moment ago. */
int topology_declare_count(const struct topology *topology, struct broker *broker, struct why *why);

/* Declares what the word service needs: its queue, which does not dead-letter (a request that
 * nobody took in time is gone), the exchange of its broadcasts, and FARM.dead. */
int topology_declare_words(const struct topology *topology, struct broker *broker, struct why *why);

/* Declares the queue of the leaders' tokens: a quorum queue with a single active consumer, whatever
 * the type of the others. */
int topology_declare_leader(const struct topology *topology, struct broker *broker,
                            struct why *why);

/* Listens to the control plane: declares a queue of this connection's own and, where there are keys
 * (NULL after the last), the control exchange, and binds the queue to it by each. A listener that
 * does not keep up misses the oldest messages. The exchange is gone with its last listener. */
#define TOPOLOGY_LISTENER_MAX_MSGS  1000
#define TOPOLOGY_LISTENER_MAX_BYTES (16 << 20)
int topology_listen(const struct topology *topology, struct broker *broker, const char *queue,
                    const char *const *keys, struct why *why);

/* The same for copies of what goes to FARM.dead, which must be there (-ERR_MISSING). */
int topology_watch_dead(const struct topology *topology, struct broker *broker, const char *queue,
                        struct why *why);

/* The same for the word service's broadcasts: -ERR_MISSING when none has been started. */
int topology_hear_insults(const struct topology *topology, struct broker *broker, const char *queue,
                          struct why *why);

/* The keys by which a leader is spoken to. By the second nothing may be said but that a status is
 * wanted, so that the broker's permissions can let somebody ask who may not command. */
#define TOPOLOGY_KEY_COMMAND "command"
#define TOPOLOGY_KEY_ASK     "ask"

/* The key by which word services tell each other of a new version. */
#define TOPOLOGY_KEY_WORDS "words"

/* Binds the queue anew, without waiting; from broker_next follows -ERR_MISSING if the exchange is
 * gone, and -ERR_CONFIG if there is another of its name. */
int topology_listen_again(const struct topology *topology, struct broker *broker, const char *queue,
                          const char *const *keys, struct why *why);

/* Lets the listener's queue have what is said to the leaders of all farms of the virtual host:
 * publish to the exchange TOPOLOGY_ALL_FARMS, which every broker has, by TOPOLOGY_ALL_KEY. An error
 * is about that exchange. */
#define TOPOLOGY_ALL_FARMS "amq.topic"
#define TOPOLOGY_ALL_KEY   "winnow.command"
int topology_listen_to_all(struct broker *broker, const char *queue, struct why *why);

/* Whether a queue's name is one that farms have, of any farm: what is sent there is taken for an
 * event or a result. */
bool topology_is_of_a_farm(struct broker_bytes queue);

bool topology_is_results(const struct topology *topology, struct broker_bytes queue);

/* True for the farm's own queues but FARM.results: no event may name one as its reply_to. */
bool topology_reserves(const struct topology *topology, struct broker_bytes queue);

#endif
