#include "farms.h"

#include "amounts.h"
#include "clock.h"
#include "control/status.h"
#include "verbatim.h"

#include <stdlib.h>
#include <string.h>
#include <uniwidth.h>

/* One farm's row, as it will be shown. */
struct row {
    char farm[AMOUNTS_SHOWN_SIZE], from[AMOUNTS_SHOWN_SIZE], reason[AMOUNTS_SHOWN_SIZE];
    char state[AMOUNTS_SHOWN_SIZE];
    double workers, backlog, arrivals;
};

struct table {
    struct row *rows;
    size_t count, capacity;
};

/* False when out of memory. */
static bool add(struct table *table, const struct envelope *envelope, const struct status *status)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 8;
        struct row *rows = realloc(table->rows, capacity * sizeof *rows);
        if (!rows)
            return false;
        table->rows = rows;
        table->capacity = capacity;
    }
    const struct history_row *decision = &status->decision;
    struct row *row = &table->rows[table->count++];
    amounts_shown(envelope->farm, row->farm);
    amounts_shown(envelope->from, row->from);
    amounts_shown(status->state, row->state);
    amounts_shown(decision->reason ? decision->reason : "undecided", row->reason);
    row->workers = decision->desired_workers;
    row->backlog = decision->backlog_msgs;
    row->arrivals = decision->arrival_per_s;
    return true;
}

static int take(const struct client_message *message, bool json, struct table *table, FILE *out,
                struct why *why)
{
    struct status status;
    int error = status_read(message->json, &status, why);

    if (error == -ERR_INVALID) { /* one of another version does not hide the others */
        fprintf(stderr, "%s: a status that cannot be read: %s\n", CTL_OPTIONS_PROGRAM, why->text);
        return 0;
    }
    if (error)
        return error;
    if (!add(table, &message->envelope, &status))
        error = error_set(why, ERR_MEMORY, "out of memory");
    else if (json)
        verbatim_print(message->text, message->length, out);
    status_clear(&status);
    return error;
}

/* Answers that come within the time. */
static int collect(struct client *client, const struct ctl_options *options, struct table *table,
                   FILE *out, struct why *why)
{
    const struct command command = {.verb = COMMAND_STATUS};
    int64_t deadline_ns = clock_now_ns() + options->wait_ns;
    struct client_message message;
    int error = client_send(client, &command, true, NULL, why);

    while (!error && clock_now_ns() < deadline_ns) {
        switch (client_step(client, &message, &error, why)) {
        case CLIENT_MESSAGE:
            if (message.kind == CLIENT_STATUS)
                error = take(&message, options->json, table, out, why);
            break;
        case CLIENT_NOBODY:
            return 0;
        case CLIENT_NO_NEWS:
            client_wait(client, -1, deadline_ns);
            break;
        default: /* lost: there is an error */
            break;
        }
    }
    return error;
}

/* ---- the table ---- */

static int by_name(const void *a, const void *b)
{
    const struct row *first = a, *second = b;
    int order = strcmp(first->farm, second->farm);

    return order ? order : strcmp(first->from, second->from);
}

static int width_of(const char *text)
{
    return u8_strwidth((const uint8_t *)text, "UTF-8");
}

static void print_cell(const char *text, int width, FILE *out)
{
    fprintf(out, "%s%*s", text, width - width_of(text) + 2, "");
}

static void print_table(const struct table *table, FILE *out)
{
    int farm = (int)strlen("farm"), from = (int)strlen("run by");
    char a[AMOUNTS_SIZE], b[AMOUNTS_SIZE], c[AMOUNTS_SIZE];

    for (size_t i = 0; i < table->count; i++) {
        int widths[] = {width_of(table->rows[i].farm), width_of(table->rows[i].from)};
        farm = widths[0] > farm ? widths[0] : farm;
        from = widths[1] > from ? widths[1] : from;
    }
    print_cell("farm", farm, out);
    print_cell("run by", from, out);
    fprintf(out, "%4s %9s %9s  %-8s  %s\n", "N", "backlog", "events/s", "state", "why");
    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = &table->rows[i];
        print_cell(row->farm, farm, out);
        print_cell(row->from, from, out);
        fprintf(out, "%4s %9s %9s  %-8s  %s\n", amounts_number(row->workers, a),
                amounts_number(row->backlog, b), amounts_number(row->arrivals, c), row->state,
                row->reason);
    }
}

int farms_print(struct client *client, const struct ctl_options *options, FILE *out,
                struct why *why)
{
    struct table table = {0};
    int error = collect(client, options, &table, out, why);

    if (!error && !table.count)
        error = error_set(why, ERR_UNAVAILABLE,
                          "nobody runs a farm on this virtual host of the broker; "
                          "start winnow-autoscaler, or look at --amqp or $AMQP_URL");
    if (!error && !options->json) {
        qsort(table.rows, table.count, sizeof table.rows[0], by_name);
        print_table(&table, out);
    }
    free(table.rows);
    return error;
}
