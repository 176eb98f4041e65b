#include "reload.h"

#include "filter_options.h"
#include "list_watch.h"
#include "log.h"
#include "signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Compiling leaves most of the processor to the events: where all are busy, it gets a quarter of
 * one. With 10 it would be a tenth, and 100,000 entries would take two seconds to be in force. */
#define NICENESS 5

struct reload {
    const struct filter_options *options;
    int hangup_fd;            /* -1: SIGHUP is not for us */
    struct list_watch *watch; /* NULL: the files are not watched */
    _Atomic(struct filter *) loaded;
};

static void load(struct reload *reload)
{
    struct filter *filter;
    struct why why;

    if (filter_open(reload->options, &filter, &why)) {
        log_event(LOG_ERROR, "lists_not_loaded", "why=\"%s\" doing=\"going on with the old lists\"",
                  why.text);
        return;
    }
    /* Whoever sent the signal waits for this, and an autoscaler's workers log no less than
     * warnings. */
    log_event(LOG_WARN, "lists_loaded", "entries=%zu", filter_entry_count(filter));
    filter_close(atomic_exchange(&reload->loaded, filter));
}

static void take_signal(struct reload *reload)
{
    int signal = signals_next(reload->hangup_fd);

    if (signal == SIGHUP)
        load(reload);
    else if (signal)
        signals_ask_to_end();
}

static void take_change(struct reload *reload)
{
    struct why why;

    if (list_watch_settle(reload->watch, &why))
        log_event(LOG_ERROR, "lists_not_watched", "why=\"%s\"", why.text);
    load(reload);
}

static void *run(void *context)
{
    struct reload *reload = context;
    struct pollfd told[] = {
        {.fd = reload->hangup_fd, .events = POLLIN},
        {.fd = reload->watch ? list_watch_fd(reload->watch) : -1, .events = POLLIN}};

    /* On Linux this is of the calling thread alone. */
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    for (;;) {
        (void)poll(told, 2, -1);
        if (told[0].revents)
            take_signal(reload);
        if (told[1].revents)
            take_change(reload);
    }
    return NULL;
}

/* The thread takes no signal but from the descriptor; the others stay as they are for the
 * process. */
static int start(struct reload *reload, struct why *why)
{
    sigset_t all, before;
    pthread_t thread;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, run, reload))
        error = error_set(why, ERR_SYSTEM, "cannot start a thread");
    else
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int reload_open(const struct filter_options *options, bool on_hangup, struct reload **out,
                struct why *why)
{
    bool is_needed = on_hangup || options->watch;
    struct reload *reload = is_needed ? calloc(1, sizeof *reload) : NULL;
    int error = 0;

    *out = reload;
    if (!is_needed)
        return 0;
    if (!reload)
        return error_set(why, ERR_MEMORY, "out of memory");
    *reload = (struct reload){.options = options, .hangup_fd = -1};
    if (on_hangup)
        error = signals_open_hangup(&reload->hangup_fd, why);
    if (!error && options->watch)
        error = list_watch_open(options->files, options->file_count, &reload->watch, why);
    if (!error)
        error = start(reload, why);
    if (error) {
        list_watch_close(reload->watch);
        free(reload);
        *out = NULL;
    }
    return error;
}

struct filter *reload_take(struct reload *reload)
{
    if (!reload || !atomic_load_explicit(&reload->loaded, memory_order_relaxed))
        return NULL;
    return atomic_exchange(&reload->loaded, NULL);
}
