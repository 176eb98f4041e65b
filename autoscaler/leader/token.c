#include "token.h"

#include "clock.h"
#include "control/lamport.h"
#include "control/members.h"
#include "control/token_message.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many may be unacknowledged: the newest token, and what was not looked at yet. */
#define PREFETCH 10

/* So much is taken at a time, however much there is. */
#define TAKEN_MOST 64

/* A queue that answers nothing for so long has no leader among the brokers. */
#define ANSWER_NS (5 * CLOCK_NS_PER_S)

/* ---- opening and closing ---- */

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct token_set_up *own = context;
    int error = broker_enable_confirms(broker, why);

    if (!error)
        error = topology_declare_leader(&own->topology, broker, why);
    return error ? error
                 : broker_consume(broker, own->topology.leader, own->tag, PREFETCH, false, why);
}

int token_open(struct token *token, const struct broker_options *options,
               const struct topology *topology, const struct election_self *self, struct why *why)
{
    *token =
        (struct token){.set_up = {.topology = *topology}, .properties = broker_properties_open()};
    const struct connection_settings settings = {.broker = *options,
                                                 .set_up = set_up,
                                                 .context = &token->set_up,
                                                 .context_bytes = sizeof token->set_up};

    election_init(&token->election, self);
    snprintf(token->set_up.tag, sizeof token->set_up.tag, "%s", options->name);
    snprintf(token->from, sizeof token->from, "%s", options->name + strlen(topology->farm) + 1);
    if (!token->properties)
        return error_set(why, ERR_MEMORY, "out of memory");
    return link_open(&token->link, &settings, "leadership", why);
}

void token_close(struct token *token)
{
    election_leave(&token->election);
    link_close(&token->link);
    broker_properties_close(token->properties);
    token->properties = NULL;
}

/* Without a goodbye: what was delivered goes back to the queue all the same. Why was said already,
 * so that its return is no news. */
static void cut(struct token *token, int error, const struct why *why)
{
    election_leave(&token->election);
    token->link.was_open = false;
    connection_lost(token->link.connection, error, why);
}

void token_leave(struct token *token)
{
    const struct why why = {.text = "it stands no more"};

    link_retire(&token->link);
    cut(token, -ERR_UNAVAILABLE, &why);
}

/* ---- connecting ---- */

static void refuse(struct token *token, const struct why *why, int64_t now_ns)
{
    enum log_level level = refusal_begin(&token->refusal, now_ns) ? LOG_WARN : LOG_DEBUG;

    log_event(level, "leadership_refused",
              "why=\"%s\" doing=\"not standing for leader, and trying on\"", why->text);
}

/* The broker has refused an attempt, or ended the connection. */
static void judge(struct token *token, int error, const struct why *why, int64_t now_ns)
{
    if (error == -ERR_MISSING)
        log_event(LOG_WARN, "entity_missing", "why=\"%s\" doing=\"declaring it anew\"", why->text);
    else if (error != -ERR_UNAVAILABLE)
        refuse(token, why, now_ns);
}

static void lose(struct token *token, int error, const struct why *why, int64_t now_ns)
{
    judge(token, error, why, now_ns);
    if (error == -ERR_UNAVAILABLE) {
        election_leave(&token->election);
        link_lost(&token->link, error, why);
    } else {
        cut(token, error, why);
    }
}

static void attempt(struct token *token, int64_t now_ns)
{
    struct why why = {0};

    if (link_broker(&token->link) || now_ns < token->refusal.retry_ns)
        return;
    if (link_step(&token->link, now_ns))
        token->unanswered_ns = now_ns;
    else if (token->link.failed)
        judge(token, connection_error(token->link.connection, &why), &why, now_ns);
}

/* The queue has answered; since_ns: since when it has not answered for something else. */
static void answered(struct token *token, int64_t since_ns)
{
    token->unanswered_ns = since_ns;
    if (token->silent)
        log_event(LOG_INFO, "queue_leader_back", "queue=%s", token->set_up.topology.leader);
    token->silent = false;
}

static void consuming(struct token *token, int64_t now_ns)
{
    answered(token, CLOCK_NEVER);
    token->unreadable = false;
    connection_mark_useful(token->link.connection);
    election_enter(&token->election, now_ns);
}

/* The broker has taken a message, so that nothing that a candidate does is refused any more. */
static void confirmed(struct token *token, uint64_t sequence, int64_t now_ns)
{
    answered(token, sequence == token->published ? CLOCK_NEVER : now_ns);
    if (refusal_end(&token->refusal))
        log_event(LOG_INFO, "leadership_back", "doing=\"standing for leader\"");
}

/* ---- what comes in ---- */

static int read_message(const struct token *token, struct broker_bytes body,
                        struct token_message *message, struct why *why)
{
    struct envelope envelope;
    struct json_t *members = NULL;
    int error = envelope_read(body.bytes, body.length, &envelope, &members, why);

    if (error)
        return error;
    lamport_receive(log_clock(), envelope.clock);
    if (strcmp(envelope.farm, token->set_up.topology.farm) != 0)
        error = error_set(why, ERR_INVALID, "it is of the farm '%s'", envelope.farm);
    else
        error = token_message_read(members, message, why);
    members_release(members);
    return error;
}

static int take_delivery(struct token *token, const struct broker_event *event, int64_t now_ns,
                         struct why *why)
{
    struct broker *broker = link_broker(&token->link);
    struct token_message message;
    int error = read_message(token, event->body, &message, why);
    enum log_level level = token->unreadable ? LOG_DEBUG : LOG_WARN;

    if (error)
        log_event(level, "token_unreadable", "queue=%s why=\"%s\" doing=\"dropping it\"",
                  token->set_up.topology.leader, why->text);
    token->unreadable |= error != 0;
    uint64_t tag = election_deliver(&token->election, error ? NULL : &message, event->tag,
                                    event->redelivered, now_ns);
    return tag ? broker_ack(broker, tag, false, why) : 0;
}

static int take_event(struct token *token, const struct broker_event *event, int64_t now_ns,
                      struct why *why)
{
    const char *queue = token->set_up.topology.leader;

    switch (event->type) {
    case BROKER_CONSUMING:
        consuming(token, now_ns);
        return 0;
    case BROKER_DELIVERY:
        return take_delivery(token, event, now_ns, why);
    case BROKER_CONFIRMED:
    case BROKER_NACKED:
        confirmed(token, event->tag, now_ns);
        return 0;
    case BROKER_CANCELLED:
    case BROKER_RETURNED:
        return error_set(why, ERR_MISSING, "the queue '%s' was deleted", queue);
    default:
        return 0;
    }
}

static void take(struct token *token, int64_t now_ns)
{
    struct broker_event event;
    struct why why = {0};
    int got = 0;

    token->more = false;
    for (int taken = 0; link_broker(&token->link); taken++) {
        if (taken == TAKEN_MOST) {
            token->more = true;
            return;
        }
        got = broker_next(link_broker(&token->link), &event, &why);
        if (got == 0)
            return;
        if (got == 1)
            got = take_event(token, &event, now_ns, &why);
        if (got < 0)
            lose(token, got, &why, now_ns);
    }
}

/* ---- what goes out ---- */

static int write_message(const struct token *token, const struct token_message *message,
                         char **text, size_t *length)
{
    struct envelope envelope = {.clock = lamport_send(log_clock())};

    snprintf(envelope.farm, sizeof envelope.farm, "%s", token->set_up.topology.farm);
    snprintf(envelope.from, sizeof envelope.from, "%s", token->from);
    clock_stamp(envelope.time);
    return token_message_write(&envelope, message, text, length);
}

/* What cannot be sent now is dropped: it would be of no use later, and is said anew. */
static void publish(struct token *token, const struct token_message *message, int64_t now_ns)
{
    struct broker *broker = link_broker(&token->link);
    struct broker_properties *properties = token->properties;
    struct why why = {0};
    char *text = NULL;
    size_t length;

    if (broker_blocked(broker) || broker_backed_up(broker) ||
        write_message(token, message, &text, &length))
        return;
    broker_properties_clear(properties);
    broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("application/json"));
    broker_properties_set_persistent(properties, true);
    int error = broker_publish(broker, "", broker_text(token->set_up.topology.leader), properties,
                               (struct broker_bytes){text, length}, true, &token->published, &why);
    free(text);
    if (error)
        lose(token, error, &why, now_ns);
    else if (token->unanswered_ns == CLOCK_NEVER)
        token->unanswered_ns = now_ns;
}

static void enter_anew(struct token *token)
{
    const struct why why = {.text = "it enters anew"};

    cut(token, -ERR_UNAVAILABLE, &why);
}

static void act(struct token *token, int64_t now_ns)
{
    struct token_message message;

    for (;;)
        switch (election_step(&token->election, now_ns, clock_wall_ms(), &message)) {
        case ELECTION_PUBLISH:
            publish(token, &message, now_ns);
            break;
        case ELECTION_YIELD:
            log_event(LOG_INFO, "leadership_yielded",
                      "why=\"a candidate of higher rank is there\"");
            enter_anew(token);
            return;
        case ELECTION_ANEW:
            log_event(LOG_INFO, "leadership_anew",
                      "why=\"the queue hands it nothing, and nobody leads\"");
            enter_anew(token);
            return;
        case ELECTION_NOTHING:
        default:
            return;
        }
}

static void flush(struct token *token, int64_t now_ns)
{
    struct broker *broker = link_broker(&token->link);
    struct why why = {0};
    int error = broker ? broker_flush(broker, &why) : 0;

    if (error)
        lose(token, error, &why, now_ns);
}

/* ---- what the log says ---- */

static void tell_silence(struct token *token, bool others)
{
    if (token->silent)
        return;
    token->silent = true;
    log_event(
        LOG_WARN, "queue_without_leader",
        "queue=%s why=\"nothing that is asked of it is answered: this host does not reach the "
        "broker any more, or this quorum queue has no leader\" doing=\"%s\"",
        token->set_up.topology.leader, others ? "trying another broker" : "waiting for it");
}

static void tell_leading(struct token *token)
{
    int64_t epoch = 0;
    bool leads = token_leads(token, &epoch);

    if (leads && !token->leading)
        log_event(LOG_INFO, "elected", "epoch=%lld", (long long)epoch);
    else if (!leads && token->leading)
        log_event(LOG_WARN, "leading_ended", "epoch=%lld why=\"%s\"", (long long)token->leading,
                  election_why_not(&token->election));
    token->leading = epoch;
}

/* ---- all of it ---- */

/* A broker that has lost the others takes what it is sent, and never answers; the others do. */
static void leave_silent_broker(struct token *token, int64_t now_ns)
{
    const struct why why = {.text = "the queue does not answer"};
    bool others = connection_has_others(token->link.connection);

    if (!link_broker(&token->link) || token->unanswered_ns == CLOCK_NEVER ||
        now_ns - token->unanswered_ns < ANSWER_NS)
        return;
    tell_silence(token, others);
    if (others)
        cut(token, -ERR_UNAVAILABLE, &why);
}

void token_step(struct token *token, int64_t now_ns)
{
    attempt(token, now_ns);
    take(token, now_ns);
    act(token, now_ns);
    flush(token, now_ns);
    leave_silent_broker(token, now_ns);
    tell_leading(token);
}

int64_t token_due_ns(const struct token *token, int64_t now_ns)
{
    int64_t due_ns = link_due_ns(&token->link);
    int64_t act_ns = election_due_ns(&token->election, now_ns);

    if (!link_broker(&token->link))
        return due_ns > token->refusal.retry_ns ? due_ns : token->refusal.retry_ns;
    if (token->more)
        return now_ns;
    return due_ns < act_ns ? due_ns : act_ns;
}

size_t token_poll(const struct token *token, struct pollfd *fds)
{
    return link_poll(&token->link, fds);
}

bool token_stands(const struct token *token)
{
    return token->election.entered;
}

bool token_leads(const struct token *token, int64_t *epoch)
{
    return election_leads(&token->election, clock_now_ns(), epoch);
}

bool token_stamp(struct token *token, struct order_stamp *stamp)
{
    return election_stamp(&token->election, clock_now_ns(), stamp);
}
