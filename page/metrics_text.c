#include "metrics_text.h"

#include "buffer.h"
#include "csv/number.h"

#include <string.h>

static void add(struct metrics_text *text, const char *bytes, size_t length)
{
    if (!buffer_extend(&text->bytes, &text->capacity, text->length + length)) {
        text->failed = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

static void put(struct metrics_text *text, const char *literal)
{
    add(text, literal, strlen(literal));
}

static const char *escape_of(char c)
{
    return c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : NULL;
}

static void put_label(struct metrics_text *text, const char *name, const char *value)
{
    put(text, name);
    put(text, "=\"");
    for (const char *at = value; *at; at++)
        if (escape_of(*at))
            put(text, escape_of(*at));
        else
            add(text, at, 1);
    put(text, "\"");
}

void metrics_text_clear(struct metrics_text *text)
{
    text->length = 0;
    text->failed = false;
}

void metrics_text_head(struct metrics_text *text, const char *name, const char *type,
                       const char *help)
{
    put(text, "# HELP ");
    put(text, name);
    put(text, " ");
    put(text, help);
    put(text, "\n# TYPE ");
    put(text, name);
    put(text, " ");
    put(text, type);
    put(text, "\n");
}

void metrics_text_begin_line(struct metrics_text *text, const char *name, const char *suffix,
                             const char *farm)
{
    put(text, name);
    put(text, suffix);
    put(text, "{");
    put_label(text, "farm", farm);
}

void metrics_text_label(struct metrics_text *text, const char *name, const char *value)
{
    put(text, ",");
    put_label(text, name, value);
}

void metrics_text_end_line(struct metrics_text *text, double value)
{
    char number[NUMBER_TEXT_SIZE];

    number_format(value, number);
    put(text, "} ");
    put(text, number);
    put(text, "\n");
}
