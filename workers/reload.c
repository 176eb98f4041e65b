#include "reload.h"

#include "log.h"
#include "signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Compiling leaves the processor to the events. */
#define NICENESS 10

struct reload {
    const struct filter_options *options;
    int hangup_fd;
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

static void *run(void *context)
{
    struct reload *reload = context;
    struct pollfd hangup = {.fd = reload->hangup_fd, .events = POLLIN};

    /* On Linux this is of the calling thread alone. */
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    for (;;) {
        (void)poll(&hangup, 1, -1);
        int signal = signals_next(reload->hangup_fd);
        if (signal == SIGHUP)
            load(reload);
        else if (signal)
            signals_ask_to_end();
    }
    return NULL;
}

int reload_open(const struct filter_options *options, struct reload **out, struct why *why)
{
    struct reload *reload = calloc(1, sizeof *reload);
    sigset_t all, before;
    pthread_t thread;

    if (!reload)
        return error_set(why, ERR_MEMORY, "out of memory");
    reload->options = options;
    int error = signals_open_hangup(&reload->hangup_fd, why);
    if (!error) {
        /* The thread takes no signal but from the descriptor; the others stay as they are for the
         * process. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&thread, NULL, run, reload))
            error = error_set(why, ERR_SYSTEM, "cannot start a thread");
        else
            pthread_detach(thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (error)
        free(reload);
    else
        *out = reload;
    return error;
}

struct filter *reload_take(struct reload *reload)
{
    if (!atomic_load_explicit(&reload->loaded, memory_order_relaxed))
        return NULL;
    return atomic_exchange(&reload->loaded, NULL);
}
