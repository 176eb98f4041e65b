/* One who stands for leader, for tests: the real token and election, and nothing else of an
 * autoscaler. What nodes and candidates say to each other goes through a file that they share, a
 * line each:
 *
 *     order NAME EPOCH SEQUENCE    ten times a second, while it leads
 *     stands NAME RANK             twice a second, while it consumes
 */
#include "autoscaler/leader/token.h"

#include "clock.h"
#include "options.h"
#include "signals.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM  "candidate"
#define TICK_NS  (100 * CLOCK_NS_PER_MS)
#define STAND_IN 5 /* ticks */

struct settings {
    char *name, *file;
    int rank, heartbeat_s;
};

enum { KEY_NODE = OPTIONS_KEY_OWN, KEY_RANK, KEY_HEARTBEAT, KEY_FILE };

static const struct argp_option option_table[] = {
    {"node", KEY_NODE, "NAME", 0, "Whose it is", 0},
    {"rank", KEY_RANK, "N", 0, "Its rank", 0},
    {"heartbeat", KEY_HEARTBEAT, "N", 0, "Seconds between heartbeats", 0},
    {"file", KEY_FILE, "FILE", 0, "Where all that is said is written", 0},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case KEY_NODE:
        settings->name = argument;
        return 0;
    case KEY_RANK:
        settings->rank = atoi(argument);
        return 0;
    case KEY_HEARTBEAT:
        settings->heartbeat_s = atoi(argument);
        return 0;
    case KEY_FILE:
        settings->file = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {option_table, parse_option, NULL, NULL, NULL, NULL, NULL};

/* Takes what was written since the last time. */
static void hear(struct token *token, FILE *file)
{
    char line[256], name[64];
    long long epoch, sequence, rank;
    long place = ftell(file);

    while (fgets(line, sizeof line, file) && strchr(line, '\n')) {
        if (sscanf(line, "order %63s %lld %lld", name, &epoch, &sequence) == 3)
            election_hear_order(&token->election, epoch, clock_now_ns());
        else if (sscanf(line, "stands %63s %lld", name, &rank) == 2)
            election_hear_candidate(&token->election, name, rank, clock_now_ns());
        place = ftell(file);
    }
    fseek(file, place, SEEK_SET);
}

/* In one write, so that lines of several do not mix. */
static void say(int fd, const char *line)
{
    if (write(fd, line, strlen(line)) < 0)
        perror(PROGRAM);
}

static void tick(struct token *token, const struct settings *settings, int fd, FILE *file)
{
    static unsigned ticks;
    struct order_stamp stamp;
    char line[256];

    hear(token, file);
    if (token_stamp(token, &stamp)) {
        snprintf(line, sizeof line, "order %s %lld %lld\n", settings->name, (long long)stamp.epoch,
                 (long long)stamp.sequence);
        say(fd, line);
    }
    if (ticks++ % STAND_IN == 0 && token_stands(token)) {
        snprintf(line, sizeof line, "stands %s %d\n", settings->name, settings->rank);
        say(fd, line);
    }
}

static void run(struct token *token, const struct settings *settings, int fd, FILE *file,
                int signal_fd)
{
    int64_t tick_ns = 0;

    while (!signals_next(signal_fd)) {
        struct pollfd fds[2] = {{.fd = signal_fd, .events = POLLIN}};
        struct timespec left;
        int64_t now_ns = clock_now_ns();
        if (now_ns >= tick_ns) {
            tick(token, settings, fd, file);
            tick_ns = now_ns + TICK_NS;
        }
        token_step(token, now_ns);
        int64_t due_ns = token_due_ns(token, now_ns);
        nfds_t count = 1 + token_poll(token, fds + 1);
        ppoll(fds, count, clock_left(due_ns < tick_ns ? due_ns : tick_ns, &left), NULL);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings = {0};
    struct token token = {0};
    struct why why = {0};
    char name[BROKER_NAME_SIZE], owner[TOKEN_OWNER_SIZE];
    int signal_fd;

    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);
    int fd = open(settings.file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    FILE *file = fopen(settings.file, "re");
    if (fd < 0 || !file)
        return 1;
    broker_client_name(options.topology.farm, PROGRAM, name);
    snprintf(owner, sizeof owner, "%s/%d/%lld", settings.name, (int)getpid(),
             (long long)clock_wall_ms());
    struct broker_options broker = options_broker(&options, name);
    broker.heartbeat_s = settings.heartbeat_s;
    const struct election_self self = {owner, settings.name, settings.rank};
    int error = signals_open(&signal_fd, &why);
    if (!error)
        error = token_open(&token, &broker, &options.topology, &self, &why);
    if (!error)
        run(&token, &settings, fd, file, signal_fd);
    token_close(&token);
    fclose(file);
    close(fd);
    return error ? options_fail(PROGRAM, error, &why) : 0;
}
