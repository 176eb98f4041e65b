#include "delivery.h"

#include <stdlib.h>

void delivery_free(struct delivery *delivery)
{
    if (!delivery)
        return;
    free(delivery->result);
    free(delivery->dead_reason);
    free(delivery);
}

struct delivery *delivery_keep_tag(struct delivery *delivery)
{
    struct delivery only_tag = {.tag = delivery->tag, .left_out = delivery->left_out};

    free(delivery->result);
    free(delivery->dead_reason);
    *delivery = only_tag;
    struct delivery *smaller = realloc(delivery, sizeof *delivery);
    return smaller ? smaller : delivery;
}
