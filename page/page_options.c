#include "page_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Those that go with --listen. */
#define OWN_HOSTS 4

enum { KEY_LISTEN = OPTIONS_KEY_OWN, KEY_HOST, KEY_READ_TOKEN, KEY_CONTROL_TOKEN };

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Page:", 1},
    {"listen", KEY_LISTEN, "ADDRESS", 0,
     "Where to serve: " LISTEN_FORM " (default: " LISTEN_DEFAULT "). Other than a loopback address "
     "or a Unix socket only with --read-token",
     1},
    {"host", KEY_HOST, "NAME[:PORT]", 0,
     "A name by which browsers may come here, beside localhost and the address of --listen; give "
     "it "
     "again for more",
     1},
    {"read-token", KEY_READ_TOKEN, "FILE", 0,
     "Who wants to look must have the token in this file, of mode 0600", 1},
    {"control-token", KEY_CONTROL_TOKEN, "FILE", 0,
     "Who has the token in this file, of mode 0600, may look and steer; without it nobody may "
     "steer",
     1},
    {0}};

static void add_host(struct argp_state *state, struct guard *guard, const char *host)
{
    if (!*host || strpbrk(host, "/@ \t"))
        argp_error(state, "--host: '%s' is no name; expected NAME or NAME:PORT", host);
    if (guard->host_count == GUARD_MOST_HOSTS - OWN_HOSTS)
        argp_error(state, "--host: at most %d names", GUARD_MOST_HOSTS - OWN_HOSTS);
    guard->hosts[guard->host_count++] = host;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct page_options *options = state->input;

    switch (key) {
    case KEY_LISTEN:
        if (listen_parse(argument, &options->listen))
            argp_error(state, "--listen: '%s' is no address; expected " LISTEN_FORM, argument);
        return 0;
    case KEY_HOST:
        add_host(state, &options->guard, argument);
        return 0;
    case KEY_READ_TOKEN:
        options->read_token_file = argument;
        return 0;
    case KEY_CONTROL_TOKEN:
        options->control_token_file = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Shows farms in a browser, to scripts (REST) and to Prometheus, and lets those who have a "
    "token "
    "steer them.\v"
    "--farm may be given several times, one for each farm of the virtual host that is to be shown. "
    "The page is served also while the broker is away, for which it tries for ever, whatever "
    "--connect-timeout says.\n\n"
    "A token is the first line of its file: 32 to 256 letters, digits and -._~+/=, chosen at "
    "random. It is sent as 'Authorization: Bearer TOKEN'.\n\n"
    "Example: winnow-page --farm shop --control-token /etc/winnow/control.token\n\n"
    "Exit codes: 0 told to end, 64 usage, 78 configuration: the address is taken, or a token "
    "cannot be used.";

static const struct argp argp = {.options = option_table, .parser = parse_option, .doc = doc};

/* As in a URL. */
static const char *own_host(const struct listen_place *place)
{
    static char host[sizeof place->host + 2];
    bool brackets = strchr(place->host, ':');

    snprintf(host, sizeof host, "%s%s%s", brackets ? "[" : "", place->host, brackets ? "]" : "");
    return host;
}

static void refuse_farms(const struct options *common)
{
    if (common->farms[OPTIONS_MOST_FARMS]) {
        fprintf(stderr, "%s: --farm: at most %d farms\n", PAGE_OPTIONS_PROGRAM, OPTIONS_MOST_FARMS);
        exit(EX_USAGE);
    }
    for (size_t i = 0; i < common->farm_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(common->farms[i], common->farms[j]) == 0) {
                fprintf(stderr, "%s: --farm: '%s' is given twice\n", PAGE_OPTIONS_PROGRAM,
                        common->farms[i]);
                exit(EX_USAGE);
            }
}

void page_options_parse(struct page_options *options, int argc, char **argv)
{
    struct options *common = &options->common;
    struct guard *guard = &options->guard;

    *options = (struct page_options){0};
    (void)listen_parse(LISTEN_DEFAULT, &options->listen);
    options_parse(common, PAGE_OPTIONS_PROGRAM, &argp, argc, argv, options);
    refuse_farms(common);
    if (!common->farm_count)
        common->farms[common->farm_count++] = common->topology.farm;
    guard->hosts[guard->host_count++] = "localhost";
    guard->hosts[guard->host_count++] = "127.0.0.1";
    guard->hosts[guard->host_count++] = "[::1]";
    if (!options->listen.path)
        guard->hosts[guard->host_count++] = own_host(&options->listen);
}
