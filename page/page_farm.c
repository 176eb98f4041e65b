#include "page_farm.h"

#include "clock.h"

int page_farm_open(struct page_farm *farm, const struct options *options, const char *name,
                   struct why *why)
{
    *farm = (struct page_farm){.options = *options};
    if (topology_init(&farm->options.topology, name, options->queue_type))
        return error_set(why, ERR_INVALID, "--farm: '%s' is not a farm's name; expected %s", name,
                         TOPOLOGY_FARM_FORM);
    int error = live_open(&farm->live, &farm->options, why);
    if (!error)
        error = posts_open(&farm->options, false, &farm->confirmed, why);
    if (!error)
        error = posts_open(&farm->options, true, &farm->answered, why);
    if (error)
        page_farm_close(farm);
    return error;
}

void page_farm_close(struct page_farm *farm)
{
    posts_close(farm->confirmed);
    posts_close(farm->answered);
    live_close(&farm->live);
}

static void take_answer(void *context, const struct client_message *message)
{
    struct page_farm *farm = context;

    commands_take(&farm->commands, &farm->live, message);
}

void page_farm_step(struct page_farm *farm)
{
    if (live_step(&farm->live, take_answer, farm))
        audience_wake(&farm->audience);
    commands_step(&farm->commands, &farm->live, clock_now_ns());
    posts_step(farm->confirmed);
    posts_step(farm->answered);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

int64_t page_farm_due_ns(const struct page_farm *farm)
{
    return earlier(earlier(live_due_ns(&farm->live), commands_due_ns(&farm->commands)),
                   earlier(posts_due_ns(farm->confirmed), posts_due_ns(farm->answered)));
}

void page_farm_poll(const struct page_farm *farm, struct pollfd fds[PAGE_FARM_FDS])
{
    feed_poll(&farm->live.feed, &fds[0]);
    posts_poll(farm->confirmed, &fds[1]);
    posts_poll(farm->answered, &fds[2]);
}

void page_farm_forget(struct page_farm *farm, const struct http_request *request)
{
    commands_forget(&farm->commands, request);
    posts_forget(farm->confirmed, request);
    posts_forget(farm->answered, request);
}
