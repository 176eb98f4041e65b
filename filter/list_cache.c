#include "list_cache.h"

#include "clock.h"
#include "log.h"
#include "version.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* Longer than any list takes to compile. */
#define PATIENCE_NS (60 * CLOCK_NS_PER_S)

static void log_not_used(const char *reason)
{
    log_event(LOG_WARN, "cache_not_used", "why=\"%s\"", reason);
}

/* Hashes the recipe, and what tells this program from all others: one that is built anew has a file
 * of its own, whether or not its version has changed. */
static struct cache_key key_of(const struct list_recipe *recipe)
{
    struct cache_key key = {0};
    struct stat program = {0};

    cache_key_add(&key, WINNOW_VERSION, strlen(WINNOW_VERSION));
    (void)stat("/proc/self/exe", &program);
    cache_key_add(&key, &program.st_mtim, sizeof program.st_mtim);
    cache_key_add(&key, &program.st_size, sizeof program.st_size);
    cache_key_add(&key, &recipe->level, sizeof recipe->level);
    cache_key_add(&key, &recipe->min_severity, sizeof recipe->min_severity);
    for (size_t i = 0; i < recipe->files.count; i++)
        cache_key_add(&key, recipe->files.items[i].bytes, recipe->files.items[i].length);
    return key;
}

static bool map(const struct cache *cache, struct cache_key key, struct compiled_list *list)
{
    struct why reason;

    if (cache_map(cache, key, &list->image, &reason)) {
        if (reason.text[0])
            log_not_used(reason.text);
        return false;
    }
    if (!matcher_from_image(list->image.bytes, list->image.length, &list->matcher))
        return true;
    log_not_used("it holds no compiled list of this version");
    cache_unmap(&list->image);
    return false;
}

/* Compiles and keeps the list, and maps what was kept, so that this process shares it too. */
static int compile_and_keep(const struct list_recipe *recipe, const struct cache *cache,
                            struct cache_key key, struct compiled_list *list, struct why *why)
{
    struct matcher *own = NULL;
    const void *bytes;
    size_t length;
    struct why reason;

    int error = list_compile(recipe, &own, why);
    if (error)
        return error;
    matcher_image(own, &bytes, &length);
    if (cache_keep(cache, key, bytes, length, &reason))
        log_not_used(reason.text);
    else if (map(cache, key, list)) {
        matcher_close(own);
        return 0;
    }
    list->matcher = own;
    return 0;
}

/* Compiles the list unless another process does so at this moment: then waits for it. */
static int obtain_locked(const struct list_recipe *recipe, const struct cache *cache,
                         struct cache_key key, struct compiled_list *list, struct why *why)
{
    struct why reason;
    int lock, error = 0;

    if (cache_lock(cache, key, PATIENCE_NS, &lock, &reason)) {
        log_not_used(reason.text);
        return list_compile(recipe, &list->matcher, why);
    }
    if (!map(cache, key, list))
        error = compile_and_keep(recipe, cache, key, list, why);
    cache_unlock(cache, key, lock);
    return error;
}

int list_cache_obtain(const struct list_recipe *recipe, struct compiled_list *list, struct why *why)
{
    struct cache_key key = key_of(recipe);
    struct cache *cache;
    struct why reason;
    int error = 0;

    *list = (struct compiled_list){0};
    if (cache_open(&cache, &reason)) {
        log_not_used(reason.text);
        return list_compile(recipe, &list->matcher, why);
    }
    if (!map(cache, key, list))
        error = obtain_locked(recipe, cache, key, list, why);
    cache_close(cache);
    return error;
}

void list_cache_release(struct compiled_list *list)
{
    matcher_close(list->matcher);
    cache_unmap(&list->image);
    *list = (struct compiled_list){0};
}
