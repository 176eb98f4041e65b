/* A worker that dies of some events, for tests: the real loop with a job that obeys its text.
 * "CRASH" ends it by SIGKILL, "HANG" makes it sleep for ever, "EXIT n" ends it with that code,
 * "LATE n" is "CRASH"
 * after n milliseconds, "MEMORY" finds no memory, "SLOW n" takes n milliseconds; all else is
 * answered in upper case. */
#include "workers/worker.h"
#include "workers/worker_options.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "fragile-worker"

static const struct argp argp = {0};

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    char **text = context;
    size_t length = event->body.length;

    free(*text);
    *text = malloc(length + 1);
    if (!*text)
        return error_set(why, ERR_MEMORY, "out of memory");
    memcpy(*text, event->body.bytes, length);
    (*text)[length] = '\0';
    if (strncmp(*text, "CRASH", 5) == 0)
        raise(SIGKILL);
    if (strncmp(*text, "LATE ", 5) == 0) {
        usleep((useconds_t)atoi(*text + 5) * 1000);
        raise(SIGKILL);
    }
    if (strncmp(*text, "HANG", 4) == 0)
        for (;;)
            pause();
    if (strncmp(*text, "EXIT ", 5) == 0)
        _exit(atoi(*text + 5));
    if (strncmp(*text, "MEMORY", 6) == 0)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (strncmp(*text, "SLOW ", 5) == 0)
        usleep((useconds_t)atoi(*text + 5) * 1000);
    for (size_t i = 0; i < length; i++)
        (*text)[i] = (char)toupper((unsigned char)(*text)[i]);
    result->body = (struct broker_bytes){*text, length};
    return JOB_RESULT;
}

int main(int argc, char **argv)
{
    struct options options;
    struct worker_settings settings;
    struct why why = {0};
    char *text = NULL;

    worker_options_init(&settings, PROGRAM);
    settings.options = &options;
    options_parse(&options, PROGRAM, &argp, argc, argv, NULL);
    int error = worker_run(&settings, &(struct job){.handle = handle, .context = &text}, &why);
    free(text);
    return error ? options_fail(PROGRAM, error, &why) : 0;
}
