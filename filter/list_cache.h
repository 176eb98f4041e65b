/* list_cache.h - compiled word lists that the processes of a user share: the first that needs a
 * list compiles it and keeps the result in a file (cache.h), the others map that. */
#ifndef WINNOW_LIST_CACHE_H
#define WINNOW_LIST_CACHE_H

#include "cache.h"
#include "list_compile.h"

struct compiled_list {
    struct matcher *matcher;
    struct cache_image image; /* what the matcher reads when it is mapped; else nothing */
};

/* Maps what a process of this program compiled from the same recipe, or compiles it and keeps the
 * result. Where no cache can be used, which is logged, the list is this process's alone.
 *
 * Returns 0, or what list_compile returns; then there is nothing to release. */
int list_cache_obtain(const struct list_recipe *recipe, struct compiled_list *list,
                      struct why *why);

void list_cache_release(struct compiled_list *list);

#endif
