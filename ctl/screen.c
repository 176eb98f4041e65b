#include "screen.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <unistr.h>
#include <uniwidth.h>

/* The alternate screen, and the cursor out of the way. */
#define ENTER "\x1b[?1049h\x1b[?25l"
#define LEAVE "\x1b[?25h\x1b[?1049l"

/* A terminal that says that it can be written to takes so much without waiting. */
#define PIECE_BYTES 256

bool screen_is_there(void)
{
    const char *kind = getenv("TERM");

    return isatty(STDOUT_FILENO) && kind && kind[0] && strcmp(kind, "dumb") != 0;
}

/* Until all is written, the terminal has gone, or wake_fd is readable. */
static void write_all(const char *text, size_t length, int wake_fd)
{
    while (length > 0) {
        struct pollfd fds[2] = {{.fd = STDOUT_FILENO, .events = POLLOUT},
                                {.fd = wake_fd, .events = POLLIN}};
        poll(fds, 2, -1);
        if (!(fds[0].revents & POLLOUT))
            return;
        ssize_t written = write(STDOUT_FILENO, text, length < PIECE_BYTES ? length : PIECE_BYTES);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

void screen_enter(struct screen *screen)
{
    setlocale(LC_CTYPE, "");
    screen->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    write_all(ENTER, strlen(ENTER), -1);
    screen_resize(screen);
}

void screen_leave(void)
{
    write_all(LEAVE, strlen(LEAVE), -1);
}

void screen_resize(struct screen *screen)
{
    struct winsize size;

    screen->columns = 80;
    screen->rows = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
        return;
    screen->columns = size.ws_col;
    screen->rows = size.ws_row;
}

/* ---- text ---- */

/* The bytes of the next character, and *width, the columns that it takes. */
static size_t next_character(const char *text, size_t length, size_t *width)
{
    ucs4_t character;
    int bytes = u8_mbtouc(&character, (const uint8_t *)text, length);
    int columns = uc_width(character, "UTF-8");

    *width = columns > 0 ? (size_t)columns : 0;
    return (size_t)bytes;
}

/* Writes as much of a line as fits the columns; returns the columns that it takes. */
static size_t print_cut(const char *line, size_t length, const struct screen *screen, FILE *out)
{
    size_t used = 0, width;

    for (size_t at = 0; at < length;) {
        size_t bytes = next_character(line + at, length - at, &width);
        bool plain = bytes == 1 && (unsigned char)line[at] < 0x80;
        if (!plain && !screen->unicode)
            width = 1;
        if (used + width > screen->columns)
            break;
        if (plain || screen->unicode)
            fwrite(line + at, 1, bytes, out);
        else
            fputc('?', out);
        used += width;
        at += bytes;
    }
    return used;
}

void screen_draw(const struct screen *screen, const char *text, int wake_fd)
{
    char *frame = NULL;
    size_t length = 0, row = 0;
    FILE *out = open_memstream(&frame, &length);

    if (!out)
        return;
    for (; *text && row < screen->rows; row++) {
        size_t line = strcspn(text, "\n");
        fprintf(out, "\x1b[%zu;1H", row + 1);
        /* On a line that is full to its end the cursor still stands on the last column. */
        if (print_cut(text, line, screen, out) < screen->columns)
            fputs("\x1b[K", out);
        text += line + (text[line] == '\n');
    }
    if (row < screen->rows)
        fprintf(out, "\x1b[%zu;1H\x1b[J", row + 1);
    if (fclose(out) == 0)
        write_all(frame, length, wake_fd);
    free(frame);
}

void screen_print_padded(const char *text, size_t columns, FILE *out)
{
    const struct screen screen = {.columns = columns, .unicode = true};
    size_t used = print_cut(text, strlen(text), &screen, out);

    fprintf(out, "%*s", (int)(columns - used), "");
}

static size_t width_of(const char *text, size_t length)
{
    return (size_t)u8_width((const uint8_t *)text, length, "UTF-8");
}

void screen_print_wrapped(const char *text, size_t columns, size_t most_lines, FILE *out)
{
    size_t used = 0, lines = 1;

    for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
        size_t word = strcspn(text, " \n"), width = width_of(text, word);
        if (used && used + 1 + width > columns) {
            if (lines == most_lines) {
                fputs("...", out);
                break;
            }
            fputc('\n', out);
            lines++;
            used = 0;
        }
        fprintf(out, "%s%.*s", used ? " " : "", (int)word, text);
        used += width + (used != 0);
        text += word;
    }
    fputc('\n', out);
}
