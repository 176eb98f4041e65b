#include "held.h"

#include <stdlib.h>
#include <string.h>

void held_init(struct held *held)
{
    held->first = NULL;
    held->last = &held->first;
}

int held_add(struct held *held, const struct broker_event *event)
{
    size_t raw_length = event->raw_properties.length;
    struct delivery *delivery = malloc(sizeof *delivery + raw_length + event->body.length);

    if (!delivery)
        return -ERR_MEMORY;
    *delivery = (struct delivery){
        .tag = event->tag,
        .redelivered = event->redelivered,
        .raw_properties = {delivery->bytes, raw_length},
        .body = {delivery->bytes + raw_length, event->body.length},
    };
    memcpy(delivery->bytes, event->raw_properties.bytes, raw_length);
    memcpy(delivery->bytes + raw_length, event->body.bytes, event->body.length);
    *held->last = delivery;
    held->last = &delivery->next;
    return 0;
}

void held_drop_first(struct held *held)
{
    struct delivery *gone = held->first;

    held->first = gone->next;
    if (!held->first)
        held->last = &held->first;
    free(gone);
}
