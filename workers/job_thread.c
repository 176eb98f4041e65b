#include "job_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job_thread {
    const struct job *job;
    pthread_t id;
    sem_t started;         /* posted with a call in place; without one the thread ends */
    struct job_call *call; /* the thread's from the post until it is finished with it */
    atomic_bool finished;  /* passes the call back; finished_fd only wakes the loop for it */
    int finished_fd;
};

void job_call(const struct job *job, struct job_call *call)
{
    call->result = (struct job_result){0};
    /* Not the whole of it, for each event: it is large. */
    call->why.text[0] = call->why.name[0] = '\0';
    call->why.about = ABOUT_NOTHING;
    call->verdict = job->handle(job->context, &call->event, &call->result, &call->why);
}

static void *run(void *context)
{
    struct job_thread *thread = context;

    for (;;) {
        while (sem_wait(&thread->started) && errno == EINTR)
            ;
        if (!thread->call)
            return NULL;
        job_call(thread->job, thread->call);
        atomic_store_explicit(&thread->finished, true, memory_order_release);
        eventfd_write(thread->finished_fd, 1);
    }
}

/* Signals are the loop's to take: the thread, and what a job starts on it, begins with all of them
 * blocked. */
static int start(struct job_thread *thread)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread->id, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int job_thread_open(const struct job *job, struct job_thread **out, struct why *why)
{
    struct job_thread *thread = calloc(1, sizeof *thread);

    if (!thread)
        return error_set(why, ERR_MEMORY, "out of memory");
    thread->job = job;
    thread->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = thread->finished_fd < 0 || sem_init(&thread->started, 0, 0) ? errno : start(thread);
    if (error) {
        if (thread->finished_fd >= 0)
            close(thread->finished_fd);
        free(thread);
        return error_set(why, ERR_SYSTEM, "cannot start a thread: %s", strerror(error));
    }
    *out = thread;
    return 0;
}

void job_thread_close(struct job_thread *thread)
{
    if (!thread)
        return;
    job_thread_start(thread, NULL);
    pthread_join(thread->id, NULL);
    sem_destroy(&thread->started);
    close(thread->finished_fd);
    free(thread);
}

void job_thread_start(struct job_thread *thread, struct job_call *call)
{
    thread->call = call;
    atomic_store_explicit(&thread->finished, false, memory_order_relaxed);
    sem_post(&thread->started);
}

bool job_thread_finished(struct job_thread *thread)
{
    eventfd_t count;

    return eventfd_read(thread->finished_fd, &count) == 0 &&
           atomic_load_explicit(&thread->finished, memory_order_acquire);
}

int job_thread_fd(const struct job_thread *thread)
{
    return thread->finished_fd;
}
