#include "batch.h"

#include "topology.h"

#include <stdlib.h>
#include <string.h>

static struct broker_bytes copy(char **end, struct broker_bytes from)
{
    struct broker_bytes to = {*end, from.length};

    if (from.length)
        memcpy(*end, from.bytes, from.length);
    *end += from.length;
    return to;
}

int batch_add(struct batch *batch, const struct broker_event *delivery)
{
    struct batch_item *item = &batch->items[batch->count];
    char *memory = malloc(delivery->raw_properties.length + delivery->body.length + 1);
    char *end = memory;

    if (!memory)
        return -ERR_MEMORY;
    *item = (struct batch_item){
        .tag = delivery->tag, .redelivered = delivery->redelivered, .memory = memory};
    item->raw_properties = copy(&end, delivery->raw_properties);
    item->body = copy(&end, delivery->body);
    batch->count++;
    batch->bytes += item->raw_properties.length + item->body.length;
    return 0;
}

bool batch_is_full(const struct batch *batch)
{
    return batch->bytes >= BATCH_FULL_BYTES;
}

static const char *why_dead(const struct batch *batch, const struct batch_item *item,
                            const struct topology *topology)
{
    struct broker_bytes reply_to;

    if (broker_properties_decode(batch->properties, item->raw_properties))
        return "malformed properties";
    reply_to = broker_properties_get(batch->properties, BROKER_REPLY_TO);
    if (reply_to.length && topology_reserves(topology, reply_to))
        return "reply_to names one of the farm's own queues";
    if (item->body.length > BATCH_BODY_MOST_BYTES)
        return "a body of more than 1 MiB";
    return NULL;
}

/* 0 or -ERR_MEMORY. */
static int read_item(const struct batch *batch, struct batch_item *item,
                     const struct topology *topology)
{
    item->dead = why_dead(batch, item, topology);
    if (item->dead)
        return 0;
    int error = request_read(&item->request, broker_properties_get(batch->properties, BROKER_TYPE),
                             item->body);
    item->faulty = error != 0;
    return error == -ERR_MEMORY ? error : 0;
}

static bool is_to_be_done(const struct batch_item *item)
{
    return !item->dead && !item->faulty;
}

static void blame(struct batch *batch, const struct why *why)
{
    for (size_t i = 0; i < batch->done; i++) {
        struct batch_item *item = &batch->items[i];
        if (!is_to_be_done(item))
            continue;
        item->faulty = true;
        item->request.fault.why = *why;
    }
}

/* How many entries an answer may have, as far as that counts. */
static size_t answer_entries(const struct store_operation *operation)
{
    return operation->verb == STORE_LIST     ? STORE_RANDOM_MOST
           : operation->verb == STORE_RANDOM ? operation->limit
                                             : 0;
}

int batch_carry_out(struct batch *batch, const struct topology *topology, struct store *store,
                    struct why *why)
{
    struct store_operation *operations[BATCH_MOST];
    size_t count = 0, entries = 0;
    int error = 0;

    for (batch->done = 0; !error && batch->done < batch->count && entries < STORE_RANDOM_MOST;
         batch->done++) {
        struct batch_item *item = &batch->items[batch->done];
        error = read_item(batch, item, topology);
        if (is_to_be_done(item)) {
            operations[count++] = &item->request.operation;
            entries += answer_entries(&item->request.operation);
        }
    }
    if (!error && count)
        error = store_apply(store, operations, count, why);
    if (error)
        blame(batch, why);
    return error;
}

bool batch_changed(const struct batch_item *item)
{
    const struct store_operation *operation = &item->request.operation;

    return is_to_be_done(item) &&
           (operation->verb == STORE_ADD || operation->verb == STORE_REMOVE ||
            (operation->verb == STORE_BROADCAST && operation->to != STORE_ASK));
}

static void clear_item(struct batch *batch, struct batch_item *item)
{
    batch->bytes -= item->raw_properties.length + item->body.length;
    request_clear(&item->request);
    free(item->memory);
}

void batch_drop(struct batch *batch)
{
    for (size_t i = 0; i < batch->done; i++)
        clear_item(batch, &batch->items[i]);
    batch->count -= batch->done;
    memmove(batch->items, batch->items + batch->done, batch->count * sizeof batch->items[0]);
    batch->done = 0;
}

void batch_clear(struct batch *batch)
{
    batch->done = batch->count;
    batch_drop(batch);
}
