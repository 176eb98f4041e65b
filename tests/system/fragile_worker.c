/* fragile_worker.c - a worker that dies of some events, for tests: the real loop with a job that
 * does what the event's text says. "CRASH" ends it by SIGKILL, "HANG" makes it sleep for ever,
 * "EXIT n" ends it with that code, "MEMORY" fails for want of memory, "SLOW n" takes n
 * milliseconds; any other text is answered in upper case. */
#include "workers/worker.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "fragile-worker"

static const struct argp argp = {0};

struct copy {
    char *text;
};

static int handle(void *context, const char *text, size_t length, struct worker_output *output,
                  struct why *why)
{
    struct copy *copy = context;

    free(copy->text);
    copy->text = malloc(length + 1);
    if (!copy->text)
        return error_set(why, ERR_MEMORY, "out of memory");
    memcpy(copy->text, text, length);
    copy->text[length] = '\0';
    if (strncmp(copy->text, "CRASH", 5) == 0)
        raise(SIGKILL);
    if (strncmp(copy->text, "HANG", 4) == 0)
        for (;;)
            pause();
    if (strncmp(copy->text, "EXIT ", 5) == 0)
        _exit(atoi(copy->text + 5));
    if (strncmp(copy->text, "MEMORY", 6) == 0)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (strncmp(copy->text, "SLOW ", 5) == 0)
        usleep((useconds_t)atoi(copy->text + 5) * 1000);
    for (size_t i = 0; i < length; i++)
        copy->text[i] = (char)toupper((unsigned char)copy->text[i]);
    *output = (struct worker_output){.text = copy->text, .length = length, .matches = 1};
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct copy copy = {0};
    struct why why = {0};

    options_parse(&options, PROGRAM, &argp, argc, argv, NULL);
    struct worker_settings settings = {.options = &options,
                                       .prefetch = WORKER_DEFAULT_PREFETCH,
                                       .max_body_bytes = WORKER_DEFAULT_MAX_BODY_BYTES,
                                       .drain_timeout_ns = WORKER_DEFAULT_DRAIN_TIMEOUT_NS};
    int error =
        worker_run(&settings, &(struct worker_job){.handle = handle, .context = &copy}, &why);
    free(copy.text);
    return error ? options_fail(PROGRAM, error, &why) : 0;
}
