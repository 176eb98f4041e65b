/* election_queue.h - the queue with a single active consumer, as RabbitMQ has it: hands what is in
 * it to one of those who consume, takes back what was not acknowledged, and may be purged, deleted,
 * or wrong about who is alive. */
#ifndef WINNOW_TESTS_ELECTION_QUEUE_H
#define WINNOW_TESTS_ELECTION_QUEUE_H

#include "election_model.h"

/* ---- the queue ---- */

static inline struct origin next_place(void)
{
    model.origin.place++;
    return model.origin;
}

static inline void hand_out(void)
{
    int holder = model.consumer_count ? model.consumers[0] : -1;

    if (holder != model.holder)
        model.origin.hands++;
    model.holder = holder;
    if (holder < 0)
        return;
    struct connection *active = &model.connections[holder];
    while (model.ready_count && active->unacked_count < PREFETCH) {
        struct message message = model.ready[0];
        memmove(model.ready, model.ready + 1, (size_t)--model.ready_count * sizeof model.ready[0]);
        active->unacked[active->unacked_count++] = (struct unacked){++active->tag, message};
        model.tally.redelivered += message.redelivered;
        send_down(holder, (struct event){.kind = DOWN_DELIVERY,
                                         .tag = active->tag,
                                         .message = message,
                                         .origin = next_place()});
    }
}

/* What was not acknowledged goes back to the front, in its order. */
static inline void give_back(struct connection *from)
{
    int count = from->unacked_count;

    if (model.ready_count + count > MOST_MESSAGES)
        abort();
    memmove(model.ready + count, model.ready, (size_t)model.ready_count * sizeof model.ready[0]);
    for (int i = 0; i < count; i++) {
        model.ready[i] = from->unacked[i].message;
        model.ready[i].redelivered = true;
    }
    model.ready_count += count;
    from->unacked_count = 0;
}

static inline void drop_consumer(int connection)
{
    int kept = 0;

    for (int i = 0; i < model.consumer_count; i++)
        if (model.consumers[i] != connection)
            model.consumers[kept++] = model.consumers[i];
    model.consumer_count = kept;
    model.connections[connection].consumes = false;
}

static inline void broker_closes(int connection)
{
    struct connection *way = &model.connections[connection];

    if (!way->open)
        return;
    tell("the queue loses candidate %d", way->candidate);
    send_down(connection, (struct event){.kind = DOWN_CLOSE});
    way->open = false;
    drop_consumer(connection);
    give_back(way);
    hand_out();
}

/* The broker holds the active consumer for dead and does not tell it; nor is it so. */
static inline void suspect(void)
{
    if (model.consumer_count < 2)
        return;
    int connection = model.consumers[0];
    tell("the queue suspects candidate %d", model.connections[connection].candidate);
    drop_consumer(connection);
    model.connections[connection].consumes = true;
    model.consumers[model.consumer_count++] = connection;
    give_back(&model.connections[connection]);
    hand_out();
}

static inline void purge(void)
{
    tell("the queue is purged of %d", model.ready_count);
    model.ready_count = 0;
    model.origin.losses++;
}

static inline void delete_queue(void)
{
    tell("the queue is deleted");
    for (int i = 0; i < model.consumer_count; i++) {
        struct connection *way = &model.connections[model.consumers[i]];
        way->consumes = false;
        if (!model.forgets || !one_in(4))
            send_down(model.consumers[i], (struct event){.kind = DOWN_CANCELLED});
    }
    for (int i = 0; i < model.connection_count; i++)
        model.connections[i].unacked_count = 0;
    model.consumer_count = model.ready_count = 0;
    model.queue_exists = false;
    model.origin.losses++;
    hand_out();
}

static inline void consume(int connection)
{
    struct connection *way = &model.connections[connection];

    model.queue_exists = true;
    send_down(connection, (struct event){.kind = DOWN_CONSUMING});
    if (way->deaf)
        return;
    way->consumes = true;
    model.consumers[model.consumer_count++] = connection;
    hand_out();
}

static inline void arrive(int connection, const struct event *event)
{
    if (!model.queue_exists)
        send_down(connection, (struct event){.kind = DOWN_RETURN});
    else if (model.ready_count < MOST_MESSAGES - 2 * PREFETCH)
        model.ready[model.ready_count++] = event->message;
    if (!one_in(50))
        send_down(connection, (struct event){.kind = DOWN_CONFIRM,
                                             .message = event->message,
                                             .origin = next_place()});
    hand_out();
}

static inline void acknowledge(int connection, uint64_t tag)
{
    struct connection *way = &model.connections[connection];
    int kept = 0;

    for (int i = 0; i < way->unacked_count; i++)
        if (way->unacked[i].tag != tag)
            way->unacked[kept++] = way->unacked[i];
    way->unacked_count = kept;
    hand_out();
}

static inline void at_the_queue(const struct event *event)
{
    if (!model.connections[event->connection].open)
        return;
    switch (event->kind) {
    case UP_CONSUME:
        consume(event->connection);
        break;
    case UP_PUBLISH:
        arrive(event->connection, event);
        break;
    case UP_ACK:
        acknowledge(event->connection, event->tag);
        break;
    case UP_CANCEL:
        drop_consumer(event->connection);
        hand_out();
        break;
    default:
        broker_closes(event->connection);
    }
}

#endif
