#include "list_compile.h"

#include "log.h"
#include "wordlist.h"

/* A file that is no word list may earn a warning for each of its lines. */
#define MAX_WARNINGS 5

static void log_warning(void *context, const char *text)
{
    size_t *count = context;

    if ((*count)++ < MAX_WARNINGS)
        log_event(LOG_WARN, "word_list", "why=\"%s\"", text);
}

static int read_entries(const struct list_recipe *recipe, struct wordlist *list, struct why *why)
{
    int error = 0;

    for (size_t i = 0; !error && i < recipe->files.count; i++) {
        const struct list_file *file = &recipe->files.items[i];
        error = wordlist_add(list, file->name, file->bytes, file->length, why);
    }
    if (!error && list->count == 0)
        error = error_set(why, ERR_CONFIG,
                          "the word list '%s' has no entry of severity %d or more; expected one "
                          "word or phrase a line, or --match none",
                          recipe->files.items[0].name, recipe->min_severity);
    return error;
}

int list_compile(const struct list_recipe *recipe, struct matcher **matcher, struct why *why)
{
    struct wordlist list;
    size_t warnings = 0;

    wordlist_init(&list);
    list.min_severity = recipe->min_severity;
    list.warnings = (struct wordlist_warnings){log_warning, &warnings};
    int error = read_entries(recipe, &list, why);
    if (!error) {
        wordlist_check(&list);
        if (warnings > MAX_WARNINGS)
            log_event(LOG_WARN, "word_list", "why=\"and %zu more of this kind\"",
                      warnings - MAX_WARNINGS);
        error = matcher_open(&list, recipe->level, matcher);
        if (error)
            error_set(why, ERR_MEMORY, "cannot compile the word list: %s", error_text(error));
    }
    wordlist_clear(&list);
    return error;
}
