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
