/* What winnow-page reads of a request: its path, host and token, its body; and the address that it
 * listens at. The first byte says which. */
#include "control/members.h"
#include "fuzz.h"
#include "page/commands.h"
#include "page/guard.h"
#include "page/listen.h"
#include "page/request_body.h"
#include "page/route.h"

#include <strings.h>

static void check_path(const char *path)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "get", ""};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char allow[ROUTE_ALLOW_SIZE];
        struct route route;
        enum route_found found = route_find(methods[i], path, &route, allow);
        CLAIM(memchr(allow, '\0', sizeof allow));
        CLAIM((found == ROUTE_MISSING) == !*allow);
        if (found != ROUTE_FOUND)
            continue;
        CLAIM(memchr(route.farm, '\0', sizeof route.farm));
        CLAIM(memchr(route.node, '\0', sizeof route.node));
        CLAIM(route.slot >= 0 && route.slot < 1000000000);
        CLAIM((route.need == ROUTE_TO_CONTROL) == (route.most_bytes > 0));
        CLAIM(route.need == ROUTE_FOR_ALL || *path == '/');
    }
}

/* A target is taken apart where it stands. */
static void check_target(char *target)
{
    size_t length = strlen(target);
    const char *authority = target;
    const char *path = route_split(target, &authority);

    CLAIM(path >= target && path + strlen(path) == target + length);
    CLAIM(authority ? *path == '/' && authority > target && !strpbrk(authority, "/?#")
                    : path == target);
    check_path(path);
}

/* Of whoever has no token nothing is let in, whatever his headers are. */
static void check_headers(const char *text)
{
    const struct guard guard = {
        .hosts = {"localhost", "[::1]", "page.example:80"},
        .host_count = 3,
        .read = {.length = 32, .text = "0123456789abcdef0123456789abcdef"},
        .control = {.length = 32, .text = "fedcba9876543210fedcba9876543210"}};
    const struct route route = {.kind = ROUTE_PAUSE, .need = ROUTE_TO_CONTROL, .most_bytes = 10};
    const struct guard_request request = {
        .host = text, .host_count = 1, .origin = text, .authorization = text, .content_type = text};
    struct problem problem = {0};

    CLAIM(!guard_admits(&guard, &route, &request, &problem));
    CLAIM(problem.kind != PROBLEM_NONE && problem.detail[0]);
    if (guard_admits_host(&guard, &request, &problem))
        CLAIM(strncasecmp(text, "localhost", 9) == 0 || strncmp(text, "[::1]", 5) == 0 ||
              strcasecmp(text, "page.example:80") == 0);
}

static void check_listen(const char *text)
{
    struct listen_place place;

    if (listen_parse(text, &place))
        return;
    CLAIM(place.path ? *place.path == '/' || *place.path : *place.host && *place.port);
    CLAIM(memchr(place.host, '\0', sizeof place.host));
}

static void check_scale(const struct json_t *body)
{
    struct command list[COMMANDS_MOST];
    size_t count;
    struct why why = {0};
    int error = request_body_read_scale(body, list, &count, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        return;
    }
    CLAIM(count >= 1 && count <= COMMANDS_MOST);
    for (size_t i = 0; i < count; i++)
        if (list[i].verb == COMMAND_SET) {
            CLAIM(list[i].min_workers >= COMMAND_UNCHANGED && list[i].min_workers <= 1000);
            CLAIM(list[i].max_workers != 0 && list[i].max_workers >= COMMAND_UNCHANGED);
            CLAIM(list[i].replicas >= COMMAND_NONE && list[i].replicas <= 1000);
        }
}

static void check_event(const struct json_t *body)
{
    struct post post;
    struct why why = {0};
    int error = request_body_read_event(body, &post, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        CLAIM(!post.body);
        return;
    }
    CLAIM(post.body && post.content_type && strlen(post.body) == post.length);
    CLAIM(post.wait_ns >= 0 && post.wait_ns <= INT64_C(60000000000));
    CLAIM(!post.type || strlen(post.type) <= 255);
    free(post.body);
}

static void check_body(const char *bytes, size_t length)
{
    struct json_t *body;
    struct command_seen seen = {0};
    bool has_seen;
    struct why why = {0};

    if (members_read(bytes, length, &body, &why))
        return;
    check_scale(body);
    check_event(body);
    int error = request_body_read_seen(body, &has_seen, &seen, &why);
    if (error)
        fuzz_claim_refusal(error, &why, NULL);
    CLAIM(seen.epoch >= 0 && seen.sequence >= 0);
    members_release(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data + !!size, size ? size - 1 : 0);

    switch (size ? *data : 0) {
    case 'p':
        check_target(text);
        break;
    case 'h':
        check_headers(text);
        break;
    case 'l':
        check_listen(text);
        break;
    default:
        check_body(text, size ? size - 1 : 0);
        break;
    }
    free(text);
    return 0;
}
