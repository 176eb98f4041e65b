#include "fleet_file.h"

#include "broker/broker.h"
#include "config.h"
#include "input.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER     "worker"
#define TOTAL_MAX  "total-max"
#define MOST_WORDS 256

/* A file that is being read. */
struct reading {
    struct fleet_file *file;
    struct config config;
    struct fleet_file_farm *farm; /* whose section it is in; NULL: in none, or ... */
    bool general, had_general;    /* ... in that of the whole process, or that was before */
    size_t total_line;
    struct why *why;
};

static int refuse(const struct fleet_file *file, size_t line, struct why *why)
{
    error_prefix(why, "%s:%zu", file->path, line);
    return -ERR_CONFIG;
}

int fleet_file_refuse(const struct fleet_file *file, const struct fleet_file_farm *farm, int error,
                      struct why *why)
{
    if (error == -ERR_MEMORY)
        return error;
    error_prefix(why, "%s:%zu: pool '%s'", file->path, farm->line, farm->name);
    return error;
}

/* ---- entries ---- */

static bool is_repeatable(const char *key)
{
    return strcmp(key, "count-from") == 0;
}

static bool is_yes(const char *value)
{
    return strcmp(value, "yes") == 0;
}

static const struct fleet_file_entry *find_entry(const struct fleet_file_farm *farm,
                                                 const char *key)
{
    for (size_t i = 0; i < farm->count; i++)
        if (strcmp(farm->entries[i].key, key) == 0)
            return &farm->entries[i];
    return NULL;
}

/* 0, or why a section may not have this entry. */
static int check_entry(const struct fleet_file_farm *farm, const struct config_item *item,
                       struct why *why)
{
    const struct argp_option *option = autoscaler_options_find(item->key);
    const struct fleet_file_entry *before = find_entry(farm, item->key);

    if (option ? autoscaler_options_is_no_pools(item->key) : strcmp(item->key, WORKER) != 0)
        return error_set(why, ERR_CONFIG,
                         "%s: not a key of a pool; expected " WORKER
                         " or an option of " AUTOSCALER_PROGRAM " that is of one farm on one host",
                         item->key);
    if (before && !is_repeatable(item->key))
        return error_set(why, ERR_CONFIG, "%s: given in line %zu already; expected it once",
                         item->key, before->line);
    if (!*item->value)
        return error_set(why, ERR_CONFIG, "%s: without a value", item->key);
    if (option && !option->arg && !is_yes(item->value) && strcmp(item->value, "no") != 0)
        return error_set(why, ERR_CONFIG, "%s: '%.60s' is neither yes nor no", item->key,
                         item->value);
    return 0;
}

static int out_of_memory(struct why *why)
{
    return error_set(why, ERR_MEMORY, "out of memory");
}

static int add_entry(struct reading *reading, const struct config_item *item)
{
    struct fleet_file_farm *farm = reading->farm;
    int error = check_entry(farm, item, reading->why);

    if (error)
        return error;
    struct fleet_file_entry *entries =
        reallocarray(farm->entries, farm->count + 1, sizeof *entries);
    if (!entries)
        return out_of_memory(reading->why);
    farm->entries = entries;
    struct fleet_file_entry *entry = &entries[farm->count++];
    *entry = (struct fleet_file_entry){
        .key = strdup(item->key), .value = strdup(item->value), .line = reading->config.line};
    return entry->key && entry->value ? 0 : out_of_memory(reading->why);
}

static int take_general(struct reading *reading, const struct config_item *item)
{
    struct why *why = reading->why;
    uint64_t workers;

    if (strcmp(item->key, TOTAL_MAX) != 0)
        return error_set(why, ERR_CONFIG, "%s: not a key of [autoscaler]; expected " TOTAL_MAX,
                         item->key);
    if (reading->total_line)
        return error_set(why, ERR_CONFIG, TOTAL_MAX ": given in line %zu already; expected it once",
                         reading->total_line);
    if (units_parse_count(item->value, &workers) || !workers ||
        workers > (uint64_t)FLEET_FILE_MOST * POOL_MAX_WORKERS)
        return error_set(why, ERR_CONFIG, TOTAL_MAX ": '%.60s' is not in range; expected 1 to %d",
                         item->value, FLEET_FILE_MOST * POOL_MAX_WORKERS);
    reading->file->total_workers = (uint32_t)workers;
    reading->total_line = reading->config.line;
    return 0;
}

static int take_entry(struct reading *reading, const struct config_item *item)
{
    if (reading->general)
        return take_general(reading, item);
    if (reading->farm)
        return add_entry(reading, item);
    return error_set(reading->why, ERR_CONFIG, "%s: outside of a section; expected [pool NAME]",
                     item->key);
}

/* ---- sections ---- */

static int begin_pool(struct reading *reading, const char *name)
{
    struct fleet_file *file = reading->file;

    if (!*name)
        return error_set(reading->why, ERR_CONFIG, "a pool without a name; expected [pool NAME]");
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->farms[i].name, name) == 0)
            return error_set(reading->why, ERR_CONFIG,
                             "pool '%.100s': its section begins in line %zu already; expected one",
                             name, file->farms[i].line);
    if (file->count == FLEET_FILE_MOST)
        return error_set(reading->why, ERR_CONFIG, "more than %d pools; expected at most %d",
                         FLEET_FILE_MOST, FLEET_FILE_MOST);
    if (!file->farms && !(file->farms = calloc(FLEET_FILE_MOST, sizeof *file->farms)))
        return out_of_memory(reading->why);
    reading->farm = &file->farms[file->count++];
    *reading->farm = (struct fleet_file_farm){.name = strdup(name), .line = reading->config.line};
    return reading->farm->name ? 0 : out_of_memory(reading->why);
}

static int take_section(struct reading *reading, const struct config_item *item)
{
    reading->general = strcmp(item->kind, "autoscaler") == 0 && !*item->name;
    reading->farm = NULL;
    if (strcmp(item->kind, "pool") == 0)
        return begin_pool(reading, item->name);
    if (!reading->general)
        return error_set(reading->why, ERR_CONFIG,
                         "no section is called '%.60s'; expected [autoscaler] or [pool NAME]",
                         item->kind);
    if (reading->had_general)
        return error_set(reading->why, ERR_CONFIG, "a second section [autoscaler]; expected one");
    reading->had_general = true;
    return 0;
}

/* ---- from entries to settings ---- */

/* Arguments that are being put together. */
struct words {
    char **at;
    int count;
    bool failed;
};

static void add_word(struct words *words, char *owned)
{
    words->failed |= !owned;
    if (owned)
        words->at[words->count++] = owned;
}

static void add_option(struct words *words, const char *key, const char *value)
{
    char *word = NULL;

    if ((value ? asprintf(&word, "--%s=%s", key, value) : asprintf(&word, "--%s", key)) < 0)
        word = NULL;
    add_word(words, word);
}

/* The worker's words, of the file or else of the command line. */
static int add_worker(struct words *words, const struct fleet_file_farm *farm,
                      const struct fleet_file_common *common, struct why *why)
{
    const struct fleet_file_entry *entry = find_entry(farm, WORKER);
    char *split[MOST_WORDS];

    add_word(words, strdup("--"));
    if (!entry) {
        for (char *const *word = common->worker; word && *word; word++)
            add_word(words, strdup(*word));
        return 0;
    }
    char *value = strdup(entry->value);
    int count = value ? config_words(value, split, MOST_WORDS, why) : 0;
    for (int i = 0; i < count; i++)
        add_word(words, strdup(split[i]));
    words->failed |= !value;
    free(value);
    if (count < 0)
        error_prefix(why, WORKER);
    return count < 0 ? count : 0;
}

/* Where the arguments of the entries begin: behind the command line's and the farm's name. */
static int first_of(const struct fleet_file_common *common)
{
    return common->count + 1;
}

static int put_together(struct fleet_file_farm *farm, const struct fleet_file_common *common,
                        struct why *why)
{
    size_t most = (size_t)first_of(common) + farm->count + MOST_WORDS + 2;

    for (char *const *word = common->worker; word && *word; word++)
        most++;
    struct words words = {.at = calloc(most, sizeof *words.at)};
    if (!words.at)
        return out_of_memory(why);
    farm->argv = words.at;
    for (int i = 0; i < common->count; i++)
        add_word(&words, strdup(common->arguments[i]));
    add_option(&words, "farm", farm->name);
    for (size_t i = 0; i < farm->count; i++) {
        const struct fleet_file_entry *entry = &farm->entries[i];
        const struct argp_option *option = autoscaler_options_find(entry->key);
        if (option && (option->arg || is_yes(entry->value)))
            add_option(&words, entry->key, option->arg ? entry->value : NULL);
    }
    int error = add_worker(&words, farm, common, why);
    farm->argc = words.count;
    return words.failed ? out_of_memory(why) : error;
}

/* The line of the entry that an argument was made of; else of the section. */
static size_t line_of(const struct fleet_file_farm *farm, const struct fleet_file_common *common,
                      int argument)
{
    int at = first_of(common);

    for (size_t i = 0; i < farm->count; i++) {
        const struct fleet_file_entry *entry = &farm->entries[i];
        const struct argp_option *option = autoscaler_options_find(entry->key);
        if (option && (option->arg || is_yes(entry->value)) && at++ == argument)
            return entry->line;
    }
    return farm->line;
}

static int make_settings(const struct fleet_file *file, struct fleet_file_farm *farm,
                         const struct fleet_file_common *common, struct why *why)
{
    struct options_refusal refusal;
    const struct fleet_file_entry *worker = find_entry(farm, WORKER);
    int error = put_together(farm, common, why);

    if (error == -ERR_MEMORY)
        return error;
    if (error)
        return refuse(file, worker ? worker->line : farm->line, why);
    char *program = farm->argv[0]; /* which is replaced */
    error = autoscaler_options_read(&farm->settings, farm->argc, farm->argv, &refusal);
    farm->argv[0] = program;
    if (!error)
        return 0;
    *why = refusal.why;
    if (error == -ERR_MEMORY)
        return error;
    error_prefix(why, "pool '%s'", farm->name);
    return refuse(file, line_of(farm, common, refusal.argument), why);
}

/* ---- what the farms mean together ---- */

const char *fleet_file_shared(const struct autoscaler_options *a,
                              const struct autoscaler_options *b)
{
    const char *history = a->farm.leader.history_path, *other = b->farm.leader.history_path;

    if (history && other && strcmp(history, other) == 0)
        return "history";
    bool queue = strcmp(a->options.topology.work, b->options.topology.work) == 0;
    bool farm = strcmp(a->options.topology.farm, b->options.topology.farm) == 0;
    if (!(queue || farm) || !broker_same_host(a->options.amqp_url, b->options.amqp_url))
        return NULL;
    return queue ? "queue" : "farm";
}

static int check_pairs(const struct fleet_file *file, struct why *why)
{
    for (size_t j = 1; j < file->count; j++)
        for (size_t i = 0; i < j; i++) {
            const struct fleet_file_farm *a = &file->farms[i], *b = &file->farms[j];
            const char *what = fleet_file_shared(&a->settings, &b->settings);
            if (!what)
                continue;
            error_set(why, ERR_CONFIG,
                      "pool '%s': its %s is that of the pool '%s' in line %zu; expected one for "
                      "each",
                      b->name, what, a->name, a->line);
            return refuse(file, b->line, why);
        }
    return 0;
}

static int check_total(const struct reading *reading)
{
    const struct fleet_file *file = reading->file;
    uint64_t least = 0;

    for (size_t i = 0; i < file->count; i++)
        least += file->farms[i].settings.farm.leader.params.min_workers;
    if (!file->total_workers || least <= file->total_workers)
        return 0;
    error_set(reading->why, ERR_CONFIG,
              TOTAL_MAX ": %u is less than the min of all pools together, %llu",
              file->total_workers, (unsigned long long)least);
    return refuse(file, reading->total_line, reading->why);
}

/* ---- the file ---- */

static int read_items(struct reading *reading)
{
    struct config_item item;
    int got, error = 0;

    while (!error && (got = config_next(&reading->config, &item, reading->why)) != 0)
        error = got < 0                       ? got
                : item.type == CONFIG_SECTION ? take_section(reading, &item)
                                              : take_entry(reading, &item);
    if (error == -ERR_CONFIG)
        return refuse(reading->file, reading->config.line, reading->why);
    if (!error && !reading->file->count)
        return error_set(reading->why, ERR_CONFIG, "%s: no pool; expected a section [pool NAME]",
                         reading->file->path);
    return error;
}

/* All of the file, with room for a byte more. */
static int read_text(const char *path, char **text, size_t *length, struct why *why)
{
    int error = input_check_repeatable(path, why);
    if (error)
        return error;

    int fd = input_open(path, INPUT_PATIENCE_MS);
    ssize_t got = fd < 0 ? -1 : 1;
    *text = malloc(FLEET_FILE_MOST_BYTES + 2);
    while (*text && got > 0 && *length <= FLEET_FILE_MOST_BYTES) {
        got =
            input_read(fd, *text + *length, FLEET_FILE_MOST_BYTES + 1 - *length, INPUT_PATIENCE_MS);
        *length += got > 0 ? (size_t)got : 0;
    }
    int reason = errno;
    if (fd >= 0)
        close(fd);
    if (!*text)
        return out_of_memory(why);
    if (got < 0)
        return error_set(why, ERR_CONFIG, "%s: %s", path, input_reason(reason));
    return *length <= FLEET_FILE_MOST_BYTES
               ? 0
               : error_set(why, ERR_CONFIG, "%s: more than 1 MiB; expected a configuration", path);
}

int fleet_file_read(const char *path, const struct fleet_file_common *common,
                    struct fleet_file *file, struct why *why)
{
    struct reading reading = {.file = file, .why = why};
    char *text = NULL;
    size_t length = 0;

    *file = (struct fleet_file){.path = path};
    int error = read_text(path, &text, &length, why);
    if (!error) {
        config_begin(&reading.config, text, length);
        error = read_items(&reading);
    }
    free(text);
    for (size_t i = 0; i < file->count && !error; i++)
        error = make_settings(file, &file->farms[i], common, why);
    if (!error)
        error = check_pairs(file, why);
    return error ? error : check_total(&reading);
}

void fleet_file_clear_farm(struct fleet_file_farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        free(farm->entries[i].key);
        free(farm->entries[i].value);
    }
    for (int i = 0; i < farm->argc; i++)
        free(farm->argv[i]);
    free(farm->argv);
    free(farm->entries);
    free(farm->name);
    *farm = (struct fleet_file_farm){0};
}

void fleet_file_clear(struct fleet_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        fleet_file_clear_farm(&file->farms[i]);
    free(file->farms);
    *file = (struct fleet_file){0};
}

/* ---- a file read anew ---- */

/* A farm that runs can be told these. */
static bool is_limit(const char *key)
{
    static const char *const limits[] = {"min",     "max",       "headroom", "scale-down-delay",
                                         "step-up", "step-down", NULL};

    for (const char *const *limit = limits; *limit; limit++)
        if (strcmp(key, *limit) == 0)
            return true;
    return false;
}

/* How often it has the entry. */
static size_t times(const struct fleet_file_farm *farm, const struct fleet_file_entry *entry)
{
    size_t count = 0;

    for (size_t i = 0; i < farm->count; i++)
        count += strcmp(farm->entries[i].key, entry->key) == 0 &&
                 strcmp(farm->entries[i].value, entry->value) == 0;
    return count;
}

/* What the second has that the first has not. */
static enum fleet_file_change added(const struct fleet_file_farm *a,
                                    const struct fleet_file_farm *b)
{
    enum fleet_file_change change = FLEET_FILE_SAME;

    for (size_t i = 0; i < b->count; i++) {
        const struct fleet_file_entry *entry = &b->entries[i];
        if (times(a, entry) >= times(b, entry))
            continue;
        if (!is_limit(entry->key))
            return FLEET_FILE_OTHER;
        change = FLEET_FILE_LIMITS;
    }
    return change;
}

enum fleet_file_change fleet_file_compare(const struct fleet_file_farm *running,
                                          const struct fleet_file_farm *farm)
{
    enum fleet_file_change more = added(running, farm), less = added(farm, running);

    return more > less ? more : less;
}

void fleet_file_swap_entries(struct fleet_file_farm *a, struct fleet_file_farm *b)
{
    struct fleet_file_entry *entries = a->entries;
    size_t count = a->count;

    a->entries = b->entries;
    a->count = b->count;
    b->entries = entries;
    b->count = count;
}
