#include "site_file.h"

#include <string.h>

#define HTML   "text/html; charset=utf-8"
#define STYLE  "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define IMAGE  "image/svg+xml"

/* A name for the linker, the file in page/site/, the path by which it is asked for, its type. */
#define FILES(X)                                                                                   \
    X(index, "index.html", "/", HTML)                                                              \
    X(style, "style.css", "/style.css", STYLE)                                                     \
    X(icon, "icon.svg", "/icon.svg", IMAGE)                                                        \
    X(api, "api.js", "/api.js", SCRIPT)                                                            \
    X(chart, "chart.js", "/chart.js", SCRIPT)                                                      \
    X(feed, "feed.js", "/feed.js", SCRIPT)                                                         \
    X(page, "page.js", "/page.js", SCRIPT)                                                         \
    X(series, "series.js", "/series.js", SCRIPT)                                                   \
    X(show, "show.js", "/show.js", SCRIPT)                                                         \
    X(steer, "steer.js", "/steer.js", SCRIPT)                                                      \
    X(tables, "tables.js", "/tables.js", SCRIPT)                                                   \
    X(words, "words.js", "/words.js", SCRIPT)

/* Paths are relative to the directory where make runs. */
#define EMBED(name, file, path, type)                                                              \
    ".globl site_file_" #name "\n"                                                                 \
    ".type site_file_" #name ", %object\n"                                                         \
    "site_file_" #name ": .incbin \"page/site/" file "\"\n"                                        \
    ".size site_file_" #name ", . - site_file_" #name "\n"                                         \
    ".globl site_file_" #name "_end\n"                                                             \
    ".type site_file_" #name "_end, %object\n"                                                     \
    "site_file_" #name "_end: .byte 0\n"                                                           \
    ".size site_file_" #name "_end, 1\n"

/* clang-format off */
__asm__(".pushsection .rodata, \"a\", %progbits\n"
        FILES(EMBED)
        ".popsection\n");
/* clang-format on */

#define DECLARE(name, file, path, type)                                                            \
    extern const char site_file_##name[], site_file_##name##_end[];
FILES(DECLARE)

static const struct {
    const char *path, *type, *bytes, *end;
} files[] = {
#define LIST(name, file, path, type) {path, type, site_file_##name, site_file_##name##_end},
    FILES(LIST)};

bool site_file_find(const char *path, struct site_file *file)
{
    size_t length = strcspn(path, "?");

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strlen(files[i].path) == length && memcmp(files[i].path, path, length) == 0) {
            *file = (struct site_file){files[i].type, files[i].bytes,
                                       (size_t)(files[i].end - files[i].bytes)};
            return true;
        }
    return false;
}
