#include "inbox.h"

#include <stdlib.h>
#include <string.h>

void inbox_init(struct inbox *inbox)
{
    inbox->first = NULL;
    inbox->last = &inbox->first;
}

int inbox_add(struct inbox *inbox, const struct broker_event *event)
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
    *inbox->last = delivery;
    inbox->last = &delivery->next;
    return 0;
}

void inbox_drop_first(struct inbox *inbox)
{
    struct delivery *gone = inbox->first;

    inbox->first = gone->next;
    if (!inbox->first)
        inbox->last = &inbox->first;
    free(gone);
}
