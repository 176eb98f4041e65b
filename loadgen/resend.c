#include "resend.h"

#include "error.h"

#include <stdlib.h>

int resend_init(struct resend *resend, size_t capacity)
{
    *resend = (struct resend){.ids = calloc(capacity, sizeof *resend->ids), .capacity = capacity};
    return resend->ids ? 0 : -ERR_MEMORY;
}

void resend_clear(struct resend *resend)
{
    free(resend->ids);
    *resend = (struct resend){0};
}

void resend_push(struct resend *resend, const struct event_id *id)
{
    resend->ids[(resend->first + resend->count++) % resend->capacity] = *id;
}

bool resend_pop(struct resend *resend, int64_t now_ns, struct event_id *id)
{
    if (!resend->count || now_ns < resend->not_before_ns)
        return false;
    *id = resend->ids[resend->first];
    resend->first = (resend->first + 1) % resend->capacity;
    resend->count--;
    return true;
}
