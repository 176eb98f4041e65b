/* What the tests of the roster share: reports as nodes send them. */
#include "autoscaler/leader/roster.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S_NS INT64_C(1000000000)

static inline struct report_message said(const char *name, int64_t capacity, int64_t running)
{
    struct report_message report = {.capacity = capacity,
                                    .target = running,
                                    .running = running,
                                    .telling = running,
                                    .heard = true,
                                    .consuming = true,
                                    .startup_s = NAN};

    snprintf(report.node, sizeof report.node, "%s", name);
    snprintf(report.boot, sizeof report.boot, "boot");
    return report;
}

static inline enum roster_news hear(struct roster *roster, struct report_message report,
                                    int64_t now_ns)
{
    const struct roster_node *node;
    enum roster_news news;

    assert_int_equal(roster_hear(roster, &report, now_ns, &news, &node), 0);
    return news;
}
