/* guard.h - who is let in: what must be true of a request before anything is done for it. Pure. */
#ifndef WINNOW_GUARD_H
#define WINNOW_GUARD_H

#include "bearer_token.h"
#include "problem.h"
#include "route.h"

#include <stdbool.h>
#include <stddef.h>

#define GUARD_MOST_HOSTS 16

struct guard {
    /* "page.example.org", with any port; "page.example.org:8080", with this one. */
    const char *hosts[GUARD_MOST_HOSTS];
    size_t host_count;
    struct bearer_token read;    /* without one everybody may look */
    struct bearer_token control; /* without one nobody may steer */
};

/* Headers of a request; NULL: it has none of that name. */
struct guard_request {
    const char *host;
    size_t host_count; /* lines of it */
    const char *origin, *authorization, *content_type;
    const char *unclear; /* the name of a header that leaves open what is meant */
};

/* Whether that is a Host by which this server goes. */
bool guard_is_own_host(const struct guard *guard, const char *host);

/* The hosts are looked at before anything else is, the route with them: else one who has made a
 * browser come here by another name would learn what there is. */
bool guard_admits_host(const struct guard *guard, const struct guard_request *request,
                       struct problem *problem);

/* The rest of what the route asks for. */
bool guard_admits(const struct guard *guard, const struct route *route,
                  const struct guard_request *request, struct problem *problem);

#endif
