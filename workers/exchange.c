#include "exchange.h"

#include "buffer.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)

#define SOON_MS 2

/* How soon it is noticed that nobody wants the event any more. */
#define LOOK_NS (100 * CLOCK_NS_PER_MS)

/* A program that has closed its output and goes on for so long will say nothing more. */
#define CLOSED_NS (1 * CLOCK_NS_PER_S)

#define KEPT_BYTES ((size_t)1 << 20)

void exchange_empty(struct output *output)
{
    output->length = 0;
    if (output->capacity <= KEPT_BYTES)
        return;
    free(output->bytes);
    *output = (struct output){0};
}

static void close_input(struct process *process)
{
    close(process->in_fd);
    process->in_fd = -1;
}

/* As much as the program takes now. It may have closed its end: then nothing more is to be sent. */
static void feed(struct exchange *exchange)
{
    struct process *process = exchange->process;

    while (exchange->input.length) {
        ssize_t taken = write(process->in_fd, exchange->input.bytes, exchange->input.length);
        if (taken < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (taken < 0)
            exchange->input.length = 0;
        else
            exchange->input = (struct broker_bytes){exchange->input.bytes + taken,
                                                    exchange->input.length - (size_t)taken};
    }
    if (!exchange->one_line)
        close_input(process);
}

/* Grows by halves; one byte more than allowed tells that it is too much. */
static bool make_room(struct exchange *exchange)
{
    struct output *output = exchange->output;
    size_t most = exchange->most_bytes + 1, needed = output->length + PIECE_BYTES;

    if (output->capacity - output->length >= PIECE_BYTES / 2)
        return true;
    if (needed < output->capacity + output->capacity / 2)
        needed = output->capacity + output->capacity / 2;
    return output->capacity >= most ||
           buffer_reserve(&output->bytes, &output->capacity, needed < most ? needed : most);
}

/* One read of standard output, where there is something to read. False when there is an *end. */
static bool take_output(struct exchange *exchange, enum exchange_end *end)
{
    struct output *output = exchange->output;

    *end = EXCHANGE_FAILED;
    if (!make_room(exchange))
        return false;
    *end = EXCHANGE_LINE;
    ssize_t got = read(exchange->process->out_fd, output->bytes + output->length,
                       output->capacity - output->length);
    if (got > 0) {
        output->length += (size_t)got;
        if (output->length > exchange->most_bytes)
            *end = EXCHANGE_OVERLONG;
        return *end == EXCHANGE_LINE &&
               !(exchange->one_line &&
                 memchr(output->bytes + output->length - got, '\n', (size_t)got));
    }
    if (got == 0 || errno != EINTR) {
        close(exchange->process->out_fd);
        exchange->process->out_fd = -1;
        /* As a program ends its output is closed a moment before. */
        int64_t closed_ns = clock_now_ns() + CLOSED_NS;
        if (exchange->one_line && exchange->deadline_ns > closed_ns)
            exchange->deadline_ns = closed_ns;
    }
    return true;
}

/* One read of standard error; how much it was. */
static size_t take_said(struct exchange *exchange)
{
    char piece[4096];
    ssize_t got = read(exchange->process->err_fd, piece, sizeof piece);

    if (got > 0) {
        said_add(exchange->said, piece, (size_t)got);
        return (size_t)got;
    }
    if (got == 0 || errno != EINTR) {
        close(exchange->process->err_fd);
        exchange->process->err_fd = -1;
    }
    return 0;
}

/* Most programs write little and end in a moment: then they need not be waited for more than once.
 * Each time costs two switches between processes. */
static enum exchange_end await_soon_end(const struct exchange *exchange)
{
    struct pollfd ended = {.fd = exchange->process->pid_fd, .events = POLLIN};

    return !exchange->input.length && poll(&ended, 1, SOON_MS) > 0 ? EXCHANGE_ENDED
                                                                   : EXCHANGE_NOT_YET;
}

enum exchange_end exchange_run(struct exchange *exchange)
{
    struct process *process = exchange->process;
    enum exchange_end end;

    if (process->in_fd >= 0)
        feed(exchange);
    bool hurried = exchange->event && exchange->event->hurried;
    if (hurried && !exchange->one_line)
        return await_soon_end(exchange);
    int64_t soon_ns = hurried ? clock_now_ns() + SOON_MS * CLOCK_NS_PER_MS : CLOCK_NEVER;
    for (;;) {
        struct pollfd fds[] = {
            {.fd = process->out_fd, .events = POLLIN},
            {.fd = process->err_fd, .events = POLLIN},
            {.fd = process->pid_fd, .events = POLLIN},
            {.fd = exchange->input.length ? process->in_fd : -1, .events = POLLOUT},
        };
        int64_t now_ns = clock_now_ns(), look_ns = now_ns + LOOK_NS;
        if (now_ns >= soon_ns)
            return EXCHANGE_NOT_YET;
        if (look_ns > soon_ns)
            look_ns = soon_ns;
        struct timespec left;
        if (now_ns >= exchange->deadline_ns)
            return exchange->one_line && process->out_fd < 0 ? EXCHANGE_CLOSED : EXCHANGE_LATE;
        if (exchange->event && !job_wanted(exchange->event))
            return EXCHANGE_UNWANTED;
        ppoll(fds, 4,
              clock_left(look_ns < exchange->deadline_ns ? look_ns : exchange->deadline_ns, &left),
              NULL);
        if (fds[3].revents)
            feed(exchange);
        if (fds[1].revents)
            take_said(exchange);
        bool goes_on = !fds[0].revents || take_output(exchange, &end);
        if (fds[2].revents)
            return EXCHANGE_ENDED;
        if (!goes_on)
            return end;
    }
}

/* How much waits in the pipe to be read. */
static size_t waiting_bytes(int fd)
{
    int count;

    return fd >= 0 && ioctl(fd, FIONREAD, &count) == 0 ? (size_t)count : 0;
}

/* What has ended writes no more: all of it is in the pipes. What else has the other ends, because
 * it could not be killed, may fill them again and again. */
bool exchange_finish(struct exchange *exchange)
{
    const struct process *process = exchange->process;
    struct output *output = exchange->output;
    size_t until = output->length + waiting_bytes(process->out_fd);
    enum exchange_end end = EXCHANGE_LINE;

    for (size_t left = waiting_bytes(process->err_fd); left && process->err_fd >= 0;) {
        size_t taken = take_said(exchange);
        left -= taken < left ? taken : left;
    }
    while (output->length < until && output->length <= exchange->most_bytes &&
           process->out_fd >= 0 && end != EXCHANGE_FAILED)
        take_output(exchange, &end);
    return end != EXCHANGE_FAILED && output->length <= exchange->most_bytes;
}
