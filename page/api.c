#include "api.h"

#include "clock.h"
#include "control/members.h"
#include "render.h"
#include "request_body.h"
#include "respond.h"
#include "site_file.h"

#include <stdlib.h>
#include <string.h>

/* A request that is let in, with its body. */
struct visit {
    struct api *api;
    struct http_request *request;
    struct route route;
    struct page_farm *farm; /* NULL: the route has none */
    const char *path;
    struct json_t *body; /* of a write; else NULL */
};

/* ---- finding ---- */

static struct page_farm *find_farm(const struct api *api, const char *name)
{
    for (size_t i = 0; i < api->farm_count; i++)
        if (strcmp(api->farms[i].live.farm, name) == 0)
            return &api->farms[i];
    return NULL;
}

/* What must be true before the body is read. False when it was answered. */
static bool let_in(struct api *api, struct http_request *request, const struct http_head *head,
                   struct route *route)
{
    char allow[ROUTE_ALLOW_SIZE];
    struct problem problem;

    if (!guard_admits_host(api->guard, &head->headers, &problem)) {
        respond_problem(request, &problem);
        return false;
    }
    switch (route_find(head->method, head->path, route, allow)) {
    case ROUTE_FOUND:
        break;
    case ROUTE_METHOD:
        respond_method(request, allow);
        return false;
    case ROUTE_MALFORMED:
        problem_set(&problem, PROBLEM_MALFORMED, "a name or number in the path cannot be");
        respond_problem(request, &problem);
        return false;
    case ROUTE_MISSING:
    default:
        problem_set(&problem, PROBLEM_MISSING, "there is nothing at this path");
        respond_problem(request, &problem);
        return false;
    }
    if (guard_admits(api->guard, route, &head->headers, &problem))
        return true;
    respond_problem(request, &problem);
    return false;
}

static size_t begin(void *context, struct http_request *request, const struct http_head *head)
{
    struct route route;

    return let_in(context, request, head, &route) ? route.most_bytes : 0;
}

/* ---- reading ---- */

static void answer_site(const struct visit *visit)
{
    struct site_file file;

    if (site_file_find(visit->path, &file))
        respond_text(visit->request, file.type, shared_text_copy(file.bytes, file.length));
}

static void answer_word(const struct visit *visit, const char *word)
{
    respond_text(visit->request, "text/plain", shared_text_copy(word, strlen(word)));
}

static void answer_ready(const struct visit *visit)
{
    const struct api *api = visit->api;
    struct problem problem;

    for (size_t i = 0; i < api->farm_count; i++)
        if (!client_is_connected(api->farms[i].live.feed.client)) {
            problem_set(&problem, PROBLEM_AWAY, "no connection to the broker");
            respond_problem(visit->request, &problem);
            return;
        }
    answer_word(visit, "ready\n");
}

static void answer_farms(const struct visit *visit)
{
    const struct api *api = visit->api;
    const struct live **farms = calloc(api->farm_count, sizeof *farms);

    for (size_t i = 0; farms && i < api->farm_count; i++)
        farms[i] = &api->farms[i].live;
    respond_json(visit->request, 200,
                 farms ? render_farms(farms, api->farm_count, api->guard->control.length > 0)
                       : NULL);
    free(farms);
}

static void answer_metrics(const struct visit *visit)
{
    struct api *api = visit->api;
    struct metrics_farm *farms = calloc(api->farm_count, sizeof *farms);
    int64_t now_ns = clock_now_ns();

    for (size_t i = 0; farms && i < api->farm_count; i++) {
        const struct live *live = &api->farms[i].live;
        farms[i] = (struct metrics_farm){
            .farm = live->farm,
            .status = live->has_status ? &live->status : NULL,
            .age_s = (double)(now_ns - live->received_ns) / (double)CLOCK_NS_PER_S,
            .connected = client_is_connected(live->feed.client),
        };
    }
    bool made = farms && !metrics_write(farms, api->farm_count, &api->metrics);
    respond_text(visit->request, METRICS_CONTENT_TYPE,
                 made ? shared_text_copy(api->metrics.bytes, api->metrics.length) : NULL);
    free(farms);
}

static void answer_scale(const struct visit *visit)
{
    const struct live *live = &visit->farm->live;
    const struct status *status = live_fresh(live, clock_now_ns());
    struct problem problem;

    if (status) {
        respond_json(visit->request, 200, render_scale(status));
        return;
    }
    commands_explain(live, &problem);
    if (problem.kind == PROBLEM_NOBODY)
        problem.kind = PROBLEM_UNKNOWN; /* a conflict is what a command has */
    respond_problem(visit->request, &problem);
}

static void answer_stream(const struct visit *visit)
{
    struct problem problem;

    if (http_stream_count(http_of(visit->request)) >= HTTP_MOST_STREAMS)
        problem_set(&problem, PROBLEM_FULL, "%d streams are open, which is the most",
                    HTTP_MOST_STREAMS);
    else if (audience_add(&visit->farm->audience, &visit->farm->live, visit->request))
        return;
    else
        problem_set(&problem, PROBLEM_MEMORY, "out of memory");
    respond_problem(visit->request, &problem);
}

/* ---- writing ---- */

static void refuse_body(const struct visit *visit, int error, const struct why *why)
{
    struct problem problem;

    problem_set(&problem, error == -ERR_MEMORY ? PROBLEM_MEMORY : PROBLEM_MALFORMED, "%s",
                why->text);
    respond_problem(visit->request, &problem);
}

static void command(const struct visit *visit, const struct command *list, size_t count)
{
    struct page_farm *farm = visit->farm;
    struct command_seen seen;
    bool has_seen;
    struct problem problem;
    struct why why;
    int error = request_body_read_seen(visit->body, &has_seen, &seen, &why);

    if (error)
        refuse_body(visit, error, &why);
    else if (!commands_send(&farm->commands, &farm->live, visit->request, list, count,
                            has_seen ? &seen : NULL, &problem))
        respond_problem(visit->request, &problem);
}

static void set_scale(const struct visit *visit)
{
    struct command list[COMMANDS_MOST];
    size_t count;
    struct why why;
    int error = request_body_read_scale(visit->body, list, &count, &why);

    if (error)
        refuse_body(visit, error, &why);
    else
        command(visit, list, count);
}

/* Of a farm on one host that is the autoscaler's. */
static bool is_host(const struct live *live, const char *node)
{
    const char *host = strchr(live->envelope.from, '/');
    size_t length = host ? strcspn(++host, "/") : 0;

    return strcmp(node, "local") == 0 ||
           (length == strlen(node) && memcmp(host, node, length) == 0);
}

/* The node of the path, as commands name it: empty for a farm on one host. Where nothing was heard
 * there is no telling; then nothing can be told either. */
static bool find_node(const struct visit *visit, char name[NODE_NAME_SIZE])
{
    const struct live *live = &visit->farm->live;
    const char *node = visit->route.node;

    *name = '\0';
    for (size_t i = 0; live->has_status && i < live->status.node_count; i++)
        if (strcmp(live->status.nodes[i].name, node) == 0)
            memcpy(name, live->status.nodes[i].name, NODE_NAME_SIZE);
    return *name || !live->has_status || (!live->status.node_count && is_host(live, node));
}

static void refuse_node(const struct visit *visit)
{
    struct problem problem;

    problem_set(
        &problem, PROBLEM_MISSING,
        "the farm has no node '%s'; expected one that its status names, or of a farm on one "
        "host local, or that host",
        visit->route.node);
    respond_problem(visit->request, &problem);
}

static void stop_worker(const struct visit *visit)
{
    struct command stop = {.verb = COMMAND_STOP, .slot = visit->route.slot};

    if (find_node(visit, stop.node))
        command(visit, &stop, 1);
    else
        refuse_node(visit);
}

static void drain_node(const struct visit *visit, enum command_verb verb)
{
    const struct live *live = &visit->farm->live;
    struct command drain = {.verb = verb};
    struct problem problem;

    if (live->has_status && !live->status.node_count) {
        problem_set(&problem, PROBLEM_NODES,
                    "the farm is on one host, and has no nodes; stop its workers one by one, fix "
                    "their number at 0, or end its autoscaler, which drains them all");
        respond_problem(visit->request, &problem);
    } else if (find_node(visit, drain.node)) {
        command(visit, &drain, 1);
    } else {
        refuse_node(visit);
    }
}

static void post_event(const struct visit *visit)
{
    struct page_farm *farm = visit->farm;
    struct problem problem;
    struct post post;
    struct why why;
    int error = request_body_read_event(visit->body, &post, &why);

    if (error)
        refuse_body(visit, error, &why);
    else if (!posts_send(post.wait_ns ? farm->answered : farm->confirmed, visit->request, &post,
                         &problem))
        respond_problem(visit->request, &problem);
    free(post.body);
}

/* ---- all of them ---- */

static void answer(const struct visit *visit)
{
    const struct command pause = {.verb = COMMAND_PAUSE}, resume = {.verb = COMMAND_RESUME};
    const int64_t now_ns = clock_now_ns();

    switch (visit->route.kind) {
    case ROUTE_SITE:
        answer_site(visit);
        break;
    case ROUTE_HEALTHZ:
        answer_word(visit, "ok\n");
        break;
    case ROUTE_READYZ:
        answer_ready(visit);
        break;
    case ROUTE_METRICS:
        answer_metrics(visit);
        break;
    case ROUTE_FARMS:
        answer_farms(visit);
        break;
    case ROUTE_STATUS:
        respond_json(visit->request, 200, render_status(&visit->farm->live, now_ns));
        break;
    case ROUTE_HISTORY:
        respond_json(visit->request, 200,
                     render_history(visit->farm->live.farm, &visit->farm->live.past, now_ns));
        break;
    case ROUTE_STREAM:
        answer_stream(visit);
        break;
    case ROUTE_SCALE:
        answer_scale(visit);
        break;
    case ROUTE_SET_SCALE:
        set_scale(visit);
        break;
    case ROUTE_EVENTS:
        post_event(visit);
        break;
    case ROUTE_PAUSE:
        command(visit, &pause, 1);
        break;
    case ROUTE_RESUME:
        command(visit, &resume, 1);
        break;
    case ROUTE_STOP:
        stop_worker(visit);
        break;
    case ROUTE_DRAIN:
        drain_node(visit, COMMAND_DRAIN);
        break;
    case ROUTE_UNDRAIN:
        drain_node(visit, COMMAND_UNDRAIN);
        break;
    }
}

static void handle(void *context, struct http_request *request, const struct http_head *head,
                   const char *body, size_t length, bool whole)
{
    struct visit visit = {.api = context, .request = request, .path = head->path};
    struct problem problem;
    struct why why;

    if (!let_in(context, request, head, &visit.route))
        return;
    if (visit.route.farm[0] && !(visit.farm = find_farm(context, visit.route.farm))) {
        problem_set(&problem, PROBLEM_MISSING, "this page has no farm '%s'", visit.route.farm);
        respond_problem(request, &problem);
        return;
    }
    if (!whole) {
        problem_set(&problem, PROBLEM_SIZE, "expected a body of at most %zu bytes",
                    visit.route.most_bytes);
        respond_problem(request, &problem);
        return;
    }
    int error =
        visit.route.need == ROUTE_TO_CONTROL ? members_read(body, length, &visit.body, &why) : 0;
    if (error)
        refuse_body(&visit, error, &why);
    else
        answer(&visit);
    members_release(visit.body);
}

static void forget(void *context, struct http_request *request)
{
    struct api *api = context;

    for (size_t i = 0; i < api->farm_count; i++)
        page_farm_forget(&api->farms[i], request);
}

const struct http_handler api_handler = {.begin = begin, .handle = handle, .forget = forget};
