/* site_report.h - what a node's supervisor reports, as the node's leader is told it. Pure. */
#ifndef WINNOW_SITE_REPORT_H
#define WINNOW_SITE_REPORT_H

#include "autoscaler/messages.h"
#include "control/report_message.h"

#include <stdint.h>

/* The numbers; who it is and what it was ordered is left out, and its workers are. */
struct report_message site_report_of(const struct node_report *present);

/* Adds the workers; report_clear releases them. 0 or -ERR_MEMORY. */
int site_report_add_workers(struct report_message *report, const struct node_report *present,
                            int64_t now_ns);

#endif
