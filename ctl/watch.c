#include "watch.h"

#include "clock.h"
#include "control/feed.h"
#include "log.h"
#include "overview.h"
#include "screen.h"
#include "signals.h"
#include "verbatim.h"
#include "view.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So often the age of what is shown is written anew. */
#define REDRAW_NS CLOCK_NS_PER_S

static const char *const keys[] = {"status", NULL};

/* ---- lines ---- */

/* The snapshot that was asked for comes twice, to whoever asked and to everybody. */
static bool is_new(const struct status *status, struct command_seen *last)
{
    bool same = status->epoch == last->epoch && status->sequence == last->sequence;

    *last = (struct command_seen){status->epoch, status->sequence};
    return !same;
}

static void print_snapshot(const struct client_message *message, bool json,
                           struct command_seen *last)
{
    char time[CLOCK_TIME_SIZE];
    struct status status;
    struct why why;

    if (message->kind != CLIENT_STATUS || status_read(message->json, &status, &why))
        return;
    if (is_new(&status, last)) {
        if (json) {
            verbatim_print(message->text, message->length, stdout);
        } else {
            clock_time_of_day(time);
            printf("%s  ", time);
            overview_print_line(&status, stdout);
        }
    }
    status_clear(&status);
}

static int watch_lines(const struct ctl_options *options, int signal_fd, struct feed *feed,
                       struct why *why)
{
    enum feed_state logged = FEED_STARTING;
    struct command_seen last = {-1, -1};
    struct client_message message;

    while (!signals_next(signal_fd)) {
        int taken = 0;
        for (; taken < FEED_MOST && feed_step(feed, &message); taken++)
            print_snapshot(&message, options->json, &last);
        feed_log(feed, options->common.topology.farm, &logged);
        if (fflush(stdout))
            return error_set(why, ERR_SYSTEM, "cannot write to standard output: %s",
                             strerror(errno));
        if (taken < FEED_MOST)
            feed_wait(feed, signal_fd, CLOCK_NEVER);
    }
    return 0;
}

/* ---- the screen ---- */

static void hear(struct view *view, const struct client_message *message)
{
    struct status status;
    struct why why;

    if (message->kind == CLIENT_STATUS && status_read(message->json, &status, &why) == 0)
        view_hear(view, &message->envelope, &status, clock_now_ns());
}

static void draw(const struct view *view, const struct feed *feed, const struct screen *screen,
                 int signal_fd)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return;
    view_print(view, feed, screen, clock_now_ns(), out);
    if (fclose(out) == 0)
        screen_draw(screen, text, signal_fd);
    free(text);
}

/* False when it is time to end. */
static bool obey(int signal_fd, struct screen *screen)
{
    for (int signal; (signal = signals_next(signal_fd));) {
        if (signal == SIGINT || signal == SIGTERM)
            return false;
        if (signal == SIGTSTP) {
            screen_leave();
            raise(SIGSTOP);
            screen_enter(screen);
        }
        screen_resize(screen);
    }
    return true;
}

static int watch_screen(const struct ctl_options *options, int signal_fd, struct feed *feed,
                        struct why *why)
{
    struct view *view = calloc(1, sizeof *view);
    struct client_message message;
    struct screen screen;

    if (!view)
        return error_set(why, ERR_MEMORY, "out of memory");
    view->farm = options->common.topology.farm;
    log_open(CTL_OPTIONS_PROGRAM, LOG_ERROR); /* the screen says what goes on */
    screen_enter(&screen);
    while (obey(signal_fd, &screen)) {
        int taken = 0;
        for (; taken < FEED_MOST && feed_step(feed, &message); taken++)
            hear(view, &message);
        draw(view, feed, &screen, signal_fd);
        if (taken < FEED_MOST)
            feed_wait(feed, signal_fd, clock_now_ns() + REDRAW_NS);
    }
    screen_leave();
    view_clear(view);
    free(view);
    return 0;
}

int watch(const struct ctl_options *options, struct why *why)
{
    bool on_screen = !options->json && screen_is_there();
    struct feed feed;
    int signal_fd;
    int error = on_screen ? signals_open_screen(&signal_fd, why) : signals_open(&signal_fd, why);

    if (error)
        return error;
    error = feed_open(&options->common, keys, signal_fd, &feed, why);
    if (!error)
        error = on_screen ? watch_screen(options, signal_fd, &feed, why)
                          : watch_lines(options, signal_fd, &feed, why);
    feed_close(&feed);
    close(signal_fd);
    return error == -ERR_TIMEOUT ? 0 : error; /* told to end before it was connected */
}
