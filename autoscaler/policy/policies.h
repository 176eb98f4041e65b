/* policies.h - the policies that there are, by name. Pure.
 *
 * A new one is a function that says how many workers it takes (policy_need_function), the
 * declarations of its own parameters, and a line in the table of policies.c. */
#ifndef WINNOW_POLICIES_H
#define WINNOW_POLICIES_H

#include "policy.h"

#include <stddef.h>

/* The policy of that name; NULL when there is none. */
const struct policy *policies_find(const char *name);

/* The one at that place of the table; NULL after the last. The first is the default. */
const struct policy *policies_at(size_t index);

/* All names, as "formula, erlang or erlang-quiet" when `last` is " or ": cut where they do not
 * fit. */
void policies_names(const char *last, char *text, size_t size);

#endif
