/* matcher_hidden.h - finds words some of whose letters are hidden by stars, for MATCHER_LOOSE. For
 * the files of the matcher. Pure. */
#ifndef WINNOW_MATCHER_HIDDEN_H
#define WINNOW_MATCHER_HIDDEN_H

#include "matcher_search.h"

/* Whether a view has a star, or a sign that may stand for letters of several classes. */
bool matcher_hidden_may_be(const struct view *view);

/* Finds the matches in search.view that need such a sign, and offers them, in no order and more
 * than one from a place: search.gathers has to be set. Takes bounded time for each byte. */
void matcher_hidden_scan(struct search *search);

#endif
