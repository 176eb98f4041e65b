#include "inbox.h"

#include <stdlib.h>
#include <string.h>

void inbox_init(struct inbox *inbox)
{
    *inbox = (struct inbox){.last = &inbox->first};
}

void inbox_put(struct inbox *inbox, struct delivery *delivery)
{
    delivery->next = NULL;
    *inbox->last = delivery;
    inbox->last = &delivery->next;
    inbox->count++;
}

int inbox_add(struct inbox *inbox, const struct broker_event *event, int64_t settled_ns)
{
    size_t raw_length = event->raw_properties.length;
    struct delivery *delivery = malloc(sizeof *delivery + raw_length + event->body.length);

    if (!delivery)
        return -ERR_MEMORY;
    *delivery = (struct delivery){
        .tag = event->tag,
        .redelivered = event->redelivered,
        .settled_ns = settled_ns,
        .raw_properties = {delivery->bytes, raw_length},
        .body = {delivery->bytes + raw_length, event->body.length},
    };
    memcpy(delivery->bytes, event->raw_properties.bytes, raw_length);
    memcpy(delivery->bytes + raw_length, event->body.bytes, event->body.length);
    inbox_put(inbox, delivery);
    return 0;
}

struct delivery *inbox_take_out(struct inbox *inbox, struct delivery *delivery)
{
    struct delivery **link = &inbox->first;

    while (*link != delivery)
        link = &(*link)->next;
    *link = delivery->next;
    if (!*link)
        inbox->last = link;
    inbox->count--;
    return delivery;
}

struct delivery *inbox_take(struct inbox *inbox)
{
    return inbox_take_out(inbox, inbox->first);
}

void inbox_clear(struct inbox *inbox)
{
    while (inbox->first)
        delivery_free(inbox_take(inbox));
}
