#include "guard.h"

#include <string.h>
#include <strings.h>

#define BEARER "Bearer "

/* ---- the host ---- */

/* Without ":PORT". An address of IPv6 is in brackets, which may be all there is of it. */
static size_t name_length(const char *host)
{
    const char *bracket = strrchr(host, ']');
    const char *colon = strrchr(bracket ? bracket : host, ':');

    return colon && colon[1 + strspn(colon + 1, "0123456789")] == '\0' ? (size_t)(colon - host)
                                                                       : strlen(host);
}

bool guard_is_own_host(const struct guard *guard, const char *host)
{
    size_t name = name_length(host);

    for (size_t i = 0; i < guard->host_count; i++) {
        const char *own = guard->hosts[i];
        bool any_port = name_length(own) == strlen(own);
        if (strcasecmp(own, host) == 0 ||
            (any_port && strlen(own) == name && strncasecmp(own, host, name) == 0))
            return true;
    }
    return false;
}

bool guard_admits_host(const struct guard *guard, const struct guard_request *request,
                       struct problem *problem)
{
    if (!request->host || request->host_count != 1)
        return problem_set(problem, PROBLEM_HOST, "%s header Host; expected one",
                           request->host ? "more than one" : "no");
    if (!guard_is_own_host(guard, request->host))
        return problem_set(problem, PROBLEM_HOST,
                           "this server does not go by the name in Host; --host adds one");
    if (request->unclear)
        return problem_set(problem, PROBLEM_MALFORMED,
                           "header %s: expected one, and Transfer-Encoding to be chunked",
                           request->unclear);
    return true;
}

/* ---- tokens ---- */

static const char *bearer_of(const struct guard_request *request)
{
    const char *given = request->authorization;

    if (!given || strncasecmp(given, BEARER, strlen(BEARER)) != 0)
        return NULL;
    given += strlen(BEARER);
    return given + strspn(given, " ");
}

/* A token that is none is told even to those who need none: they think that it is one. */
static bool check_token(const struct guard *guard, enum route_need need,
                        const struct guard_request *request, struct problem *problem)
{
    const char *given = bearer_of(request);
    size_t length = given ? strlen(given) : 0;
    bool controls = given && bearer_token_is(&guard->control, given, length);
    bool reads = controls || (given && bearer_token_is(&guard->read, given, length));

    if (need == ROUTE_TO_CONTROL && !guard->control.length)
        return problem_set(problem, PROBLEM_CONTROL,
                           "nobody may steer from here; start winnow-page with --control-token");
    if (given && !reads && (guard->read.length || guard->control.length))
        return problem_set(problem, PROBLEM_TOKEN, "the token is none that is known here");
    if (!given && (need == ROUTE_TO_CONTROL || guard->read.length))
        return problem_set(problem, PROBLEM_TOKEN,
                           "expected a token %s: Authorization: Bearer TOKEN",
                           need == ROUTE_TO_CONTROL ? "to control" : "to read");
    if (need == ROUTE_TO_CONTROL && !controls)
        return problem_set(problem, PROBLEM_CONTROL, "the token lets one look, and not steer");
    return true;
}

/* ---- writes ---- */

/* What a browser says of the page that sends it: scheme and host, whatever the scheme, as there may
 * be a proxy in front. */
static bool is_own_origin(const struct guard_request *request)
{
    const char *origin = request->origin;
    const char *host = strncasecmp(origin, "http://", 7) == 0    ? origin + 7
                       : strncasecmp(origin, "https://", 8) == 0 ? origin + 8
                                                                 : NULL;

    return host && strcasecmp(host, request->host) == 0;
}

/* With or without parameters. */
static bool is_json(const char *type)
{
    size_t length = type ? strcspn(type, "; \t") : 0;

    return length == strlen("application/json") &&
           strncasecmp(type, "application/json", length) == 0;
}

bool guard_admits(const struct guard *guard, const struct route *route,
                  const struct guard_request *request, struct problem *problem)
{
    bool writes = route->need == ROUTE_TO_CONTROL;

    /* Another page shall not try tokens either. */
    if (writes && request->origin && !is_own_origin(request))
        return problem_set(problem, PROBLEM_ORIGIN, "the request comes from another web page");
    if (route->need != ROUTE_FOR_ALL && !check_token(guard, route->need, request, problem))
        return false;
    if (writes && !is_json(request->content_type))
        return problem_set(problem, PROBLEM_CONTENT, "expected Content-Type: application/json");
    return true;
}
