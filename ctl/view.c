#include "view.h"

#include "amounts.h"
#include "clock.h"
#include "overview.h"
#include "sentence.h"

#include <stdlib.h>
#include <string.h>

/* Smaller screens have no room for empty lines and a graph. */
#define SMALL_ROWS      16
#define MOST_HEIGHT     6
#define MOST_TEXT_LINES 3

/* An answer that takes longer is missed. */
#define SILENT_NS (5 * CLOCK_NS_PER_S)

void view_hear(struct view *view, const struct envelope *envelope, struct status *status,
               int64_t now_ns)
{
    view_clear(view);
    view->has_status = true;
    view->envelope = *envelope;
    view->status = *status;
    view->heard_ns = now_ns;
    graph_add(&view->graph, now_ns, status->decision.arrival_per_s,
              status->decision.desired_workers);
}

void view_clear(struct view *view)
{
    if (view->has_status)
        status_clear(&view->status);
    view->has_status = false;
}

static const char *span_since(int64_t since_ns, int64_t now_ns, char text[AMOUNTS_SIZE])
{
    return amounts_span((double)(now_ns - since_ns) / 1e9, text);
}

/* ---- above the numbers ---- */

static void print_header(const struct view *view, const struct screen *screen, int64_t now_ns,
                         FILE *out)
{
    char farm[AMOUNTS_SHOWN_SIZE], from[AMOUNTS_SHOWN_SIZE], span[AMOUNTS_SIZE];
    char age[AMOUNTS_SIZE + 8] = "", head[2 * AMOUNTS_SHOWN_SIZE + 64];

    amounts_shown(view->farm, farm);
    if (view->has_status) {
        snprintf(age, sizeof age, "%s old", span_since(view->heard_ns, now_ns, span));
        snprintf(head, sizeof head, "Farm %s, run for %s by %s", farm,
                 amounts_span(view->status.age_s, span), amounts_shown(view->envelope.from, from));
    } else {
        snprintf(head, sizeof head, "Farm %s", farm);
    }
    size_t right = age[0] ? strlen(age) + 1 : 0;
    screen_print_padded(head, screen->columns > right ? screen->columns - right : 0, out);
    fprintf(out, "%s%s\n", age[0] ? " " : "", age);
}

/* What keeps the snapshot from being a fresh one; nothing when it is. */
static void print_alert(const struct view *view, const struct feed *feed, int64_t now_ns, FILE *out)
{
    char span[AMOUNTS_SIZE], why[AMOUNTS_SHOWN_SIZE];
    int64_t quiet_since_ns =
        view->has_status && feed->state == FEED_HEARD ? view->heard_ns : feed->since_ns;

    span_since(feed->since_ns, now_ns, span);
    if (feed->state == FEED_AWAY)
        fprintf(out, "THE BROKER HAS BEEN AWAY for %s: %s\n", span,
                amounts_shown(feed->why.text, why));
    else if (feed->state == FEED_NOBODY)
        fprintf(out, "NOBODY RUNS THE FARM on this broker, as was found %s ago.\n", span);
    else if (feed->blocked)
        fprintf(out, "THE BROKER TAKES NOTHING: it runs short of memory or disk.\n");
    else if (now_ns - quiet_since_ns > SILENT_NS)
        fprintf(out, "THE AUTOSCALER HAS NOT ANSWERED for %s.\n",
                span_since(quiet_since_ns, now_ns, span));
    else if (!view->has_status)
        fprintf(out, "Waiting for an answer.\n");
}

static void print_sentences(const struct view *view, const struct feed *feed,
                            const struct screen *screen, int64_t now_ns, FILE *out)
{
    char *text = NULL;
    size_t length;
    FILE *sentences = open_memstream(&text, &length);

    if (!sentences)
        return;
    print_alert(view, feed, now_ns, sentences);
    fflush(sentences);
    const size_t alert = length; /* a line of its own, or nothing */
    if (view->has_status) {
        if (alert)
            fputs("Before that: ", sentences);
        sentence_print(&view->status, sentences);
        sentence_print_rest(&view->status, sentences);
    }
    if (fclose(sentences) == 0) {
        if (alert) {
            text[alert - 1] = '\0';
            screen_print_wrapped(text, screen->columns, MOST_TEXT_LINES, out);
        }
        if (length > alert)
            screen_print_wrapped(text + alert, screen->columns, MOST_TEXT_LINES, out);
    }
    free(text);
}

/* ---- the rest ---- */

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

/* The graph takes about half of the lines that are left, as the workers take the rest. */
static size_t graph_height(size_t lines)
{
    size_t height = lines / 4;

    return height < MOST_HEIGHT ? height : MOST_HEIGHT;
}

static void print_below(const struct view *view, const struct screen *screen, size_t lines,
                        int64_t now_ns, FILE *out)
{
    struct graph_form form = {
        .width = screen->columns, .height = graph_height(lines), .blocks = screen->unicode};

    if (screen->rows >= SMALL_ROWS && form.height > 1) {
        graph_print(&view->graph, &form, now_ns, out);
        fputc('\n', out);
        lines -= graph_lines(&form) + 1;
    }
    overview_print_workers(&view->status, lines, out);
}

void view_print(const struct view *view, const struct feed *feed, const struct screen *screen,
                int64_t now_ns, FILE *out)
{
    const char *gap = screen->rows >= SMALL_ROWS ? "\n" : "";
    char *top = NULL;
    size_t length;
    FILE *above = open_memstream(&top, &length);

    if (!above)
        return;
    print_header(view, screen, now_ns, above);
    print_sentences(view, feed, screen, now_ns, above);
    if (view->has_status) {
        fputs(gap, above);
        overview_print_numbers(&view->status, above);
        fputs(gap, above);
    }
    if (fclose(above) == 0) {
        size_t used = count_lines(top);
        fputs(top, out);
        if (view->has_status && used < screen->rows)
            print_below(view, screen, screen->rows - used, now_ns, out);
    }
    free(top);
}
