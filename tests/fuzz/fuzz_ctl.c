/* What winnow-ctl makes of a farm's messages and of lines of logs: whatever they say, what is
 * printed moves no cursor, and a screen is not exceeded. */
#include "clock.h"
#include "control/members.h"
#include "ctl/log_merge.h"
#include "ctl/overview.h"
#include "ctl/sentence.h"
#include "ctl/terms.h"
#include "ctl/verbatim.h"
#include "ctl/view.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_NS (1000 * CLOCK_NS_PER_S)
#define ROWS   24

/* Lines of text without control characters; returns how many there are. */
static size_t claim_lines(const char *text, size_t length)
{
    size_t lines = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        CLAIM(byte == '\n' || (byte >= 0x20 && byte != 0x7f));
        CLAIM(byte != 0xc2 || i + 1 == length || (unsigned char)text[i + 1] >= 0xa0);
        lines += byte == '\n';
    }
    return lines;
}

static void print_all(const struct envelope *envelope, const struct status *status, FILE *out)
{
    overview_print(envelope, status, out);
    overview_print_line(status, out);
    overview_print_workers(status, SIZE_MAX, out);
    sentence_print(status, out);
    terms_print(status, out);
}

/* Takes the status over. */
static void draw(const struct envelope *envelope, struct status *status)
{
    static struct view view;
    const struct feed feed = {.state = FEED_HEARD, .since_ns = NOW_NS};
    const struct screen screen = {.columns = 80, .rows = ROWS, .unicode = true};
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    CLAIM(out);
    view.farm = "shop";
    view_hear(&view, envelope, status, NOW_NS);
    view_print(&view, &feed, &screen, NOW_NS, out);
    view_clear(&view);
    fclose(out);
    CLAIM(claim_lines(text, length) <= ROWS);
    free(text);
}

static void check_status(const struct envelope *envelope, struct json_t *message)
{
    char *text = NULL;
    size_t length;
    struct status status;
    struct why why;

    if (status_read(message, &status, &why))
        return;
    FILE *out = open_memstream(&text, &length);
    CLAIM(out);
    print_all(envelope, &status, out);
    fclose(out);
    claim_lines(text, length);
    free(text);
    draw(envelope, &status);
}

static void check_verbatim(const char *bytes, size_t size)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    CLAIM(out);
    verbatim_print(bytes, size, out);
    fclose(out);
    CLAIM(claim_lines(text, length) == 1);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct envelope envelope;
    struct json_t *message;
    struct why why;

    CLAIM(log_merge_clock(bytes, size) >= -1);
    if (envelope_read(bytes, size, &envelope, &message, &why))
        return 0;
    check_verbatim(bytes, size);
    check_status(&envelope, message);
    members_release(message);
    return 0;
}
