#include "own_consumers.h"

void own_consumers_look(struct own_consumers *own, uint32_t consumers, uint32_t workers)
{
    own->consumers = consumers;
    own->alone = !consumers || (own->alone && consumers <= workers);
}

int64_t own_consumers_count(const struct own_consumers *own)
{
    return own->alone ? (int64_t)own->consumers : -1;
}
