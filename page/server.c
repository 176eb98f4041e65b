#include "server.h"

#include "api.h"
#include "clock.h"
#include "http.h"
#include "log.h"
#include "signals.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of signals and of requests; those of each farm come behind. */
#define OWN_FDS 2

struct server {
    int signal_fd, listen_fd;
    struct http *http;
    struct page_farm *farms;
    size_t farm_count; /* of those that are open */
    struct pollfd *fds;
    struct api api;
};

/* ---- beginning ---- */

static int read_tokens(struct page_options *options, struct why *why)
{
    struct guard *guard = &options->guard;
    int error = 0;

    if (options->read_token_file)
        error = bearer_token_read(options->read_token_file, &guard->read, why);
    if (!error && options->control_token_file)
        error = bearer_token_read(options->control_token_file, &guard->control, why);
    if (!error && guard->control.length &&
        bearer_token_is(&guard->read, guard->control.text, guard->control.length))
        error = error_set(why, ERR_CONFIG,
                          "--read-token and --control-token have the same token; expected another");
    return error;
}

static int listen_here(struct server *server, const struct page_options *options, struct why *why)
{
    const struct listen_place *place = &options->listen;
    unsigned port;
    bool local;
    int error = listen_open(place, &server->listen_fd, &local, &port, why);

    if (error)
        return error;
    if (!local && !options->guard.read.length)
        return error_set(why, ERR_INVALID,
                         "--listen: others than this host reach %s; expected a loopback address, a "
                         "Unix socket, or --read-token",
                         place->host);
    if (place->path)
        log_event(LOG_INFO, "page_served", "path=%s", place->path);
    else
        log_event(LOG_INFO, "page_served", "host=%s port=%u", place->host, port);
    return 0;
}

static int open_farms(struct server *server, const struct options *common, struct why *why)
{
    int error = 0;

    server->farms = calloc(common->farm_count, sizeof *server->farms);
    server->fds = calloc(OWN_FDS + PAGE_FARM_FDS * common->farm_count, sizeof *server->fds);
    if (!server->farms || !server->fds)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (; !error && server->farm_count < common->farm_count; server->farm_count += !error)
        error = page_farm_open(&server->farms[server->farm_count], common,
                               common->farms[server->farm_count], why);
    return error;
}

static int begin(struct server *server, struct page_options *options, struct why *why)
{
    int error = read_tokens(options, why);

    if (!error)
        error = signals_open_with_hangup(&server->signal_fd, why);
    if (!error)
        error = open_farms(server, &options->common, why);
    if (!error)
        error = listen_here(server, options, why);
    if (error)
        return error;
    server->api = (struct api){
        .guard = &options->guard, .farms = server->farms, .farm_count = server->farm_count};
    error = http_open(server->listen_fd, &api_handler, &server->api, &server->http, why);
    if (!error)
        server->listen_fd = -1; /* it is closed with the rest */
    return error;
}

/* ---- going on ---- */

static void wait(struct server *server)
{
    struct timespec left;
    int64_t due_ns = http_due_ns(server->http);
    nfds_t count = OWN_FDS;

    server->fds[0] = (struct pollfd){.fd = server->signal_fd, .events = POLLIN};
    server->fds[1] = (struct pollfd){.fd = http_fd(server->http), .events = POLLIN};
    for (size_t i = 0; i < server->farm_count; i++, count += PAGE_FARM_FDS) {
        int64_t farm_due_ns = page_farm_due_ns(&server->farms[i]);
        page_farm_poll(&server->farms[i], &server->fds[count]);
        if (farm_due_ns < due_ns)
            due_ns = farm_due_ns;
    }
    ppoll(server->fds, count, clock_left(due_ns, &left), NULL);
}

static void serve(struct server *server)
{
    while (!signals_next(server->signal_fd)) {
        for (size_t i = 0; i < server->farm_count; i++)
            page_farm_step(&server->farms[i]);
        http_step(server->http);
        wait(server);
    }
}

int server_run(struct page_options *options, struct why *why)
{
    struct server server = {.signal_fd = -1, .listen_fd = -1};
    int error = begin(&server, options, why);

    if (!error)
        serve(&server);
    http_close(server.http);
    for (size_t i = 0; i < server.farm_count; i++)
        page_farm_close(&server.farms[i]);
    if (!error)
        listen_leave(&options->listen);
    if (server.listen_fd >= 0)
        close(server.listen_fd);
    if (server.signal_fd >= 0)
        close(server.signal_fd);
    free(server.api.metrics.bytes);
    free(server.farms);
    free(server.fds);
    return error;
}
