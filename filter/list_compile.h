/* list_compile.h - word lists compiled for matching. */
#ifndef WINNOW_LIST_COMPILE_H
#define WINNOW_LIST_COMPILE_H

#include "error.h"
#include "list_files.h"
#include "matcher.h"

#include <stdint.h>

/* All that the compiled form depends on, beside the program that compiles. */
struct list_recipe {
    struct list_files files;
    enum matcher_level level;
    int32_t min_severity; /* entries of a lower one are left out */
};

/* Compiles the lists. What a list says that is hardly meant, such as an entry that is there twice,
 * is logged as a warning.
 *
 * matcher  written only on success; free it with matcher_close
 *
 * Returns 0; -ERR_CONFIG with "FILE:LINE: ..." for a malformed list, or when no entry is left;
 * -ERR_MEMORY. */
int list_compile(const struct list_recipe *recipe, struct matcher **matcher, struct why *why);

#endif
