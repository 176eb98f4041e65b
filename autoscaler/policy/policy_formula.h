/* policy_formula.h - N = ceil((B + lambda T) / C): the workers that clear the backlog and what
 * arrives within the horizon. Pure.
 *
 * It has no parameters of its own and remembers nothing. Source: the original experiment, with
 * lambda per second rather than per tick. */
#ifndef WINNOW_POLICY_FORMULA_H
#define WINNOW_POLICY_FORMULA_H

#include "policy.h"

policy_need_function policy_formula;

#endif
