#include "list_await.h"

#include "clock.h"
#include "filter_options.h"
#include "list_watch.h"
#include "log.h"
#include "units.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Not every file system tells that a file has come. */
#define LOOK_NS CLOCK_NS_PER_S

/* The first file that is not there; NULL: all are. */
static const char *missing_file(const struct filter_options *options)
{
    for (size_t i = 0; i < options->file_count; i++)
        if (access(options->files[i], F_OK) && (errno == ENOENT || errno == ENOTDIR))
            return options->files[i];
    return NULL;
}

static int give_up(const char *missing, int64_t patience_ns, struct why *why)
{
    char patience[UNITS_TEXT_SIZE];

    units_format_duration(patience_ns, patience);
    return error_set(why, ERR_CONFIG, "the word list '%s' is not there, and has not come within %s",
                     missing, patience);
}

/* 0, or an error of list_watch_settle. */
static int await_change(struct list_watch *watch, int64_t deadline_ns, struct why *why)
{
    int64_t now_ns = clock_now_ns();
    struct pollfd told = {.fd = list_watch_fd(watch), .events = POLLIN};
    struct timespec left;

    if (deadline_ns - now_ns > LOOK_NS)
        deadline_ns = now_ns + LOOK_NS;
    return ppoll(&told, 1, clock_left(deadline_ns, &left), NULL) > 0 ? list_watch_settle(watch, why)
                                                                     : 0;
}

int list_await(const struct filter_options *options, int64_t patience_ns, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + patience_ns;
    const char *missing = options->watch && !options->off ? missing_file(options) : NULL;
    struct list_watch *watch = NULL;

    if (!missing)
        return 0;
    log_event(LOG_WARN, "list_awaited", "file=\"%s\" doing=\"waiting for it\"", missing);
    int error = list_watch_open(options->files, options->file_count, &watch, why);
    while (!error && (missing = missing_file(options)) && clock_now_ns() < deadline_ns)
        error = await_change(watch, deadline_ns, why);
    list_watch_close(watch);
    return error || !missing ? error : give_up(missing, patience_ns, why);
}
