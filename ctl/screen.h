/* screen.h - a terminal's whole screen, drawn in place and given back as it was. */
#ifndef WINNOW_SCREEN_H
#define WINNOW_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct screen {
    size_t columns, rows;
    bool unicode; /* the locale is of UTF-8 */
};

/* Whether standard output is a terminal on which a cursor can be moved. */
bool screen_is_there(void);

/* Each writes to standard output. What was on the screen before comes back with screen_leave.
 * screen_enter also finds out the size, as screen_resize does. */
void screen_enter(struct screen *screen);
void screen_leave(void);
void screen_resize(struct screen *screen);

/* Draws lines of UTF-8, cut to the screen, and clears what is left of it. Text that could move the
 * cursor must have been escaped. A terminal that is stopped is waited for, and left incomplete when
 * wake_fd becomes readable. */
void screen_draw(const struct screen *screen, const char *text, int wake_fd);

/* Prints a text cut or filled up to exactly so many columns. */
void screen_print_padded(const char *text, size_t columns, FILE *out);

/* Prints a text of words as lines of at most so many columns, and at most so many lines; an
 * ellipsis ends one that was cut. */
void screen_print_wrapped(const char *text, size_t columns, size_t most_lines, FILE *out);

#endif
