#include "answers.h"

int answers_set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct answers *answers = context;
    int error = broker_enable_confirms(broker, why);

    if (!error && answers->watches_dead)
        error = topology_watch_dead(answers->topology, broker, answers->queue, why);
    if (!error && answers->watches_dead)
        error = broker_consume(broker, answers->queue, "dead", 0, true, why);
    if (!error && answers->waits)
        error = broker_consume(broker, ANSWERS_REPLY_TO, "answers", 0, false, why);
    return error;
}

/* RabbitMQ refuses what is published at the moment in which one of the queues for it ends, though
 * FARM.dead has taken it; whoever published it does so once more. */
void answers_leave(const struct answers *answers, struct broker *broker)
{
    struct why why;

    if (answers->watches_dead && broker_end(broker) == BROKER_END_NONE)
        (void)broker_unbind(broker, answers->queue, answers->topology->dead, "", &why);
}
