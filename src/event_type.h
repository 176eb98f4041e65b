/* event_type.h - what an event's properties say of its body: JSON or plain text, and in which
 * charset and encoding. The only place that decides whether a body can be text. Pure. */
#ifndef WINNOW_EVENT_TYPE_H
#define WINNOW_EVENT_TYPE_H

#include "broker/properties.h"
#include "error.h"

#include <stdbool.h>

/* content_type       RFC 2045, absent or empty: plain text. Each parameter `charset` must be one of
 *                    utf-8, utf8, us-ascii and ascii, in any case; other parameters do not count
 * content_encoding   absent or empty, or identity, utf-8 or utf8, in any case
 * json               true for application/json and any type that ends in +json, in any case
 *
 * Returns 0; or -ERR_INVALID for all else, with a reason for the sender that quotes the property. A
 * charset that is not written as RFC 2045 has it is none that is read. */
int event_type_read(struct broker_bytes content_type, struct broker_bytes content_encoding,
                    bool *json, struct why *why);

#endif
