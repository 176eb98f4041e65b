/* One suite over both stores: operations at random beside a model in memory, and what a store
 * refuses. Redis is started here; without redis-server its tests are skipped. */
#include "words/store.h"

#include "clock.h"
#include "random.h"
#include "words/turn.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* So many operations without WINNOW_MODEL_OPERATIONS in the environment. */
#define OPERATIONS 4000

/* ---- a Redis of our own ---- */

struct redis_server {
    pid_t pid;
    int port;
    char url[64];
};
static struct redis_server server;

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void start_redis(const char *folder, const char *appendonly)
{
    char port[16];

    snprintf(port, sizeof port, "%d", server.port);
    mkdir(folder, 0700);
    server.pid = fork();
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
               folder, "--appendonly", appendonly, "--appendfsync", "always", "--save", "",
               (char *)NULL);
        _exit(127);
    }
}

static void stop_redis(void)
{
    kill(server.pid, SIGKILL);
    waitpid(server.pid, NULL, 0);
}

static bool has_redis(void)
{
    static int known = -1;

    if (known < 0)
        known = system("redis-server --version >/dev/null 2>&1") == 0;
    return known;
}

/* Tries until it opens or the deadline has passed. */
static struct store *open_store(const char *where, const char *farm, int *error, struct why *why)
{
    const struct store_settings settings = {.where = where, .farm = farm};
    int64_t deadline_ns = clock_now_ns() + 20 * CLOCK_NS_PER_S;
    struct store *store = NULL;

    while ((*error = store_open(&settings, &store, why)) == -ERR_UNAVAILABLE ||
           *error == -ERR_LOCKED) {
        if (clock_now_ns() > deadline_ns)
            break;
        usleep(10000);
    }
    return store;
}

static struct store *opened(const char *where)
{
    struct why why = {0};
    int error;
    struct store *store = open_store(where, "farm", &error, &why);

    if (error)
        print_message("%s\n", why.text);
    assert_int_equal(error, 0);
    return store;
}

/* ---- the model ---- */

/* Among them there are beginnings of others, allowed ones, and letters of several bytes. */
#define WORDS 48
static char words[WORDS][32];

struct model {
    int severity[WORDS]; /* -1: it is not there */
    int64_t version;
    bool on;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void make_words(void)
{
    static const char *const forms[] = {"w%d", "w%d x", "*w%d*", "!w%d", "\xc3\xa0%d", "w%dw"};

    for (int i = 0; i < WORDS; i++) {
        const char *form = forms[i % 6];
        const char *number = strchr(form, '%');
        snprintf(words[i], sizeof words[i], "%.*s%d%s", (int)(number - form), form, i / 6,
                 number + 2);
    }
    qsort(words, WORDS, sizeof words[0], by_bytes);
}

static uint64_t seed = 20261128;

static size_t below(size_t limit)
{
    return (size_t)(random_uniform(&seed) * (double)limit);
}

static void choose_entries(struct store_operation *operation)
{
    bool chosen[WORDS] = {false};

    for (size_t i = 1 + below(6); i > 0; i--) {
        size_t word = below(WORDS);
        const struct lines_entry entry = {words[word], strlen(words[word]), (int)below(4)};
        if (!chosen[word])
            assert_int_equal(lines_add(&operation->entries, &entry), 0);
        chosen[word] = true;
    }
}

static struct store_operation choose(void)
{
    static const char *const beginnings[] = {"", "w", "w1", "!", "*w", "\xc3", "zzz", "w3 x"};
    struct store_operation operation = {.verb = (enum store_verb)below(5)};

    switch (operation.verb) {
    case STORE_ADD:
    case STORE_REMOVE:
        choose_entries(&operation);
        break;
    case STORE_LIST:
        operation.prefix = beginnings[below(8)];
        operation.prefix_length = strlen(operation.prefix);
        operation.after = below(2) ? "" : below(4) ? words[below(WORDS)] : beginnings[below(8)];
        operation.after_length = strlen(operation.after);
        operation.limit = below(2) ? 1 + below(9) : SIZE_MAX;
        operation.most_bytes = SIZE_MAX;
        break;
    case STORE_RANDOM:
        operation.limit = 1 + below(WORDS);
        break;
    case STORE_BROADCAST:
    default:
        operation.to = (enum store_switch)below(3);
        break;
    }
    return operation;
}

static size_t index_of(const struct lines_entry *entry)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strlen(words[i]) == entry->length && memcmp(words[i], entry->text, entry->length) == 0)
            return i;
    fail_msg("'%.*s' was never added", (int)entry->length, entry->text);
    return 0;
}

static void check_change(struct model *model, const struct store_operation *operation)
{
    struct lines_entry entry;
    size_t known = 0, unknown = 0;
    bool changed = false;

    for (size_t at = 0; lines_next(&operation->entries, &at, &entry);) {
        int *severity = &model->severity[index_of(&entry)];
        int to = operation->verb == STORE_REMOVE ? -1
                 : entry.severity > *severity    ? entry.severity
                                                 : *severity;
        *(*severity >= 0 ? &known : &unknown) += 1;
        changed = changed || to != *severity;
        *severity = to;
    }
    model->version += changed;
    assert_int_equal(operation->known, known);
    assert_int_equal(operation->unknown, unknown);
}

static void check_list(const struct model *model, const struct store_operation *operation)
{
    struct lines_entry entry;
    size_t at = 0, taken = 0;
    bool more = false;

    for (size_t i = 0; i < WORDS; i++) {
        if (model->severity[i] < 0 || strcmp(words[i], operation->after) <= 0 ||
            strncmp(words[i], operation->prefix, operation->prefix_length) != 0)
            continue;
        more = taken == operation->limit;
        if (more)
            break;
        assert_true(lines_next(&operation->found, &at, &entry));
        assert_int_equal(index_of(&entry), i);
        assert_int_equal(entry.severity, model->severity[i]);
        taken++;
    }
    assert_false(lines_next(&operation->found, &at, &entry));
    assert_int_equal(operation->found.count, taken);
    assert_int_equal(operation->more, more);
}

static void check_random(const struct model *model, const struct store_operation *operation)
{
    struct lines_entry entry;
    bool seen[WORDS] = {false};
    size_t insults = 0, count = 0;

    for (size_t i = 0; i < WORDS; i++)
        insults += model->severity[i] >= 0 && words[i][0] != '!';
    for (size_t at = 0; lines_next(&operation->found, &at, &entry); count++) {
        size_t i = index_of(&entry);
        assert_int_equal(entry.severity, model->severity[i]);
        assert_true(words[i][0] != '!' && !seen[i]);
        seen[i] = true;
    }
    assert_int_equal(count, insults < operation->limit ? insults : operation->limit);
}

static void check_operation(struct model *model, const struct store_operation *operation)
{
    switch (operation->verb) {
    case STORE_ADD:
    case STORE_REMOVE:
        check_change(model, operation);
        break;
    case STORE_LIST:
        check_list(model, operation);
        break;
    case STORE_RANDOM:
        check_random(model, operation);
        break;
    case STORE_BROADCAST:
    default:
        model->on = operation->to == STORE_START || (operation->to == STORE_ASK && model->on);
        assert_int_equal(operation->on, model->on);
        break;
    }
    assert_int_equal(operation->version, model->version);
}

/* One of several handles does a batch of operations. */
static size_t apply_some(struct store *store, struct model *model)
{
    struct store_operation operations[8], *pointers[8];
    struct why why = {0};
    size_t count = 1 + below(8);

    for (size_t i = 0; i < count; i++) {
        operations[i] = choose();
        pointers[i] = &operations[i];
    }
    int error = store_apply(store, pointers, count, &why);
    if (error)
        print_message("%s\n", why.text);
    assert_int_equal(error, 0);
    for (size_t i = 0; i < count; i++) {
        check_operation(model, &operations[i]);
        store_clear_operation(&operations[i]);
    }
    return count;
}

static void agrees_with_model(const char *where)
{
    const char *wanted = getenv("WINNOW_MODEL_OPERATIONS");
    size_t most = wanted ? strtoull(wanted, NULL, 10) : OPERATIONS;
    struct store *stores[2] = {opened(where), opened(where)};
    struct model model = {.version = 0};
    struct store_state state;

    memset(model.severity, -1, sizeof model.severity);
    for (size_t done = 0; done < most;) {
        size_t which = below(2);
        done += apply_some(stores[which], &model);
        if (below(100) == 0) {
            store_close(stores[which]);
            stores[which] = opened(where);
        }
        if (below(10) == 0) {
            assert_int_equal(store_look(stores[which], &state, NULL), 0);
            assert_int_equal(state.version, model.version);
            assert_int_equal(state.on, model.on);
        }
    }
    store_close(stores[0]);
    store_close(stores[1]);
}

/* ---- turns ---- */

static void one_swap_wins(const char *where)
{
    struct store *stores[2] = {opened(where), opened(where)};
    struct store_state state;
    bool swapped;

    assert_int_equal(store_look(stores[0], &state, NULL), 0);
    struct store_turn old = state.turn;
    const struct store_turn first = {"first", INT64_C(1) << 60, 7}, second = {"second", 1, 2};
    assert_int_equal(store_swap_turn(stores[0], &old, &first, &swapped, NULL), 0);
    assert_true(swapped);
    assert_int_equal(store_swap_turn(stores[1], &old, &second, &swapped, NULL), 0);
    assert_false(swapped);
    assert_int_equal(store_look(stores[1], &state, NULL), 0);
    assert_string_equal(state.turn.holder, "first");
    assert_true(state.turn.due_ns == INT64_C(1) << 60);
    assert_int_equal(state.turn.free_ns, 7);
    int64_t before_ns = state.now_ns;
    assert_int_equal(store_look(stores[0], &state, NULL), 0);
    assert_true(state.now_ns >= before_ns && state.now_ns < before_ns + 20 * CLOCK_NS_PER_S);
    store_close(stores[0]);
    store_close(stores[1]);
}

static void another_farm_is_refused(const char *where)
{
    struct why why;
    int error;

    store_close(opened(where));
    assert_null(open_store(where, "other", &error, &why));
    assert_int_equal(error, -ERR_CONFIG);
    assert_non_null(strstr(why.text, "the words of the farm 'farm', not of 'other'"));
}

/* ---- SQLite ---- */

static void sqlite_agrees_with_model(void **state)
{
    (void)state;
    agrees_with_model("model.db");
}

static void sqlite_one_swap_wins(void **state)
{
    (void)state;
    one_swap_wins("swap.db");
}

static void sqlite_another_farm_is_refused(void **state)
{
    (void)state;
    another_farm_is_refused("farm.db");
}

static void add(struct store *store, const char *text, int expected, struct why *why)
{
    struct store_operation operation = {.verb = STORE_ADD}, *pointer = &operation;
    struct lines_fault fault;
    size_t repeated;

    assert_int_equal(lines_read(&operation.entries, text, strlen(text), &repeated, &fault), 0);
    assert_int_equal(store_apply(store, &pointer, 1, why), expected);
    store_clear_operation(&operation);
}

static void sqlite_damage_is_refused(void **state)
{
    struct why why;
    int error;
    (void)state;

    struct store *store = opened("damaged.db");
    for (int i = 0; i < 2000; i++) {
        char text[32];
        snprintf(text, sizeof text, "word number %d", i);
        if (i % 200 == 0)
            add(store, text, 0, &why);
    }
    store_close(store);
    FILE *file = fopen("damaged.db", "r+");
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    for (long at = 4096; at < length; at += 512) {
        fseek(file, at, SEEK_SET);
        fputs("damaged damaged damaged", file);
    }
    fclose(file);
    assert_null(open_store("damaged.db", "farm", &error, &why));
    assert_int_equal(error, -ERR_CONFIG);
}

static void sqlite_removed_file_is_refused(void **state)
{
    struct why why;
    (void)state;

    struct store *store = opened("removed.db");
    add(store, "before", 0, &why);
    unlink("removed.db");
    add(store, "after", -ERR_CONFIG, &why);
    store_close(store);
}

/* What a new instance does, in a process of its own: 0 if all is well. */
static int begin_and_add(const char *where)
{
    struct store_operation operation = {.verb = STORE_ADD}, *pointer = &operation;
    const struct lines_entry entry = {"word", 4, 1};
    const struct store_settings settings = {.where = where, .farm = "farm"};
    struct store *store = NULL;
    int error = store_open(&settings, &store, NULL);

    if (!error)
        error = lines_add(&operation.entries, &entry);
    if (!error)
        error = store_apply(store, &pointer, 1, NULL);
    store_clear_operation(&operation);
    store_close(store);
    return error;
}

static void sqlite_many_begin_at_once(void **state)
{
    (void)state;

    for (int round = 0; round < 10; round++) {
        pid_t pids[4];
        char where[32];
        snprintf(where, sizeof where, "new%d.db", round);
        for (int i = 0; i < 4; i++) {
            pids[i] = fork();
            if (pids[i] == 0)
                _exit(-begin_and_add(where));
        }
        for (int i = 0; i < 4; i++) {
            int status;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 0);
        }
        struct store *store = opened(where);
        struct store_state now;
        assert_int_equal(store_look(store, &now, NULL), 0);
        assert_int_equal(now.version, 1);
        store_close(store);
    }
}

/* ---- Redis ---- */

static int begin_redis(void **state)
{
    (void)state;
    if (has_redis()) {
        server.port = free_port();
        snprintf(server.url, sizeof server.url, "redis://127.0.0.1:%d/3", server.port);
        start_redis("redis", "yes");
    }
    return 0;
}

static int end_redis(void **state)
{
    (void)state;
    if (has_redis())
        stop_redis();
    return 0;
}

static void require_redis(void)
{
    if (!has_redis()) {
        print_message("redis-server is not installed\n");
        skip();
    }
}

static void redis_agrees_with_model(void **state)
{
    (void)state;
    require_redis();
    agrees_with_model(server.url);
}

static void redis_one_swap_wins(void **state)
{
    (void)state;
    require_redis();
    one_swap_wins(server.url);
}

static void redis_another_farm_is_refused(void **state)
{
    (void)state;
    require_redis();
    another_farm_is_refused(server.url);
}

static void redis_restart_loses_nothing(void **state)
{
    struct why why = {0};
    struct store_state before, after;
    (void)state;

    require_redis();
    struct store *store = opened(server.url);
    add(store, "kept over a restart", 0, &why);
    assert_int_equal(store_look(store, &before, &why), 0);
    stop_redis();
    add(store, "while it is away", -ERR_UNAVAILABLE, &why);
    start_redis("redis", "yes");
    store_close(opened(server.url)); /* waits until it answers */
    assert_int_equal(store_look(store, &after, &why), 0);
    assert_true(after.version >= before.version);
    add(store, "kept over a restart", 0, &why);
    store_close(store);
}

/* A Redis that comes back without its data is refused by who has seen them, even when somebody else
 * has begun a new store there. */
static void redis_without_its_data_is_refused(void **state)
{
    struct why why = {0};
    (void)state;

    require_redis();
    struct store *store = opened(server.url), *fresh = opened(server.url);
    add(store, "to be lost", 0, &why);
    stop_redis();
    start_redis("empty", "yes");
    /* Another database of the same Redis, so that this one stays empty. */
    char other[64];
    snprintf(other, sizeof other, "redis://127.0.0.1:%d/4", server.port);
    store_close(opened(other));
    add(store, "too late", -ERR_CONFIG, &why);
    assert_non_null(strstr(why.text, "the words are gone"));
    store_close(opened(server.url));
    add(store, "too late", -ERR_CONFIG, &why);
    assert_non_null(strstr(why.text, "another store is there"));
    stop_redis();
    start_redis("redis", "yes");
    store_close(opened(server.url));
    add(store, "to be lost", 0, &why);
    store_close(store);
    store_close(fresh);
}

static void redis_that_may_lose_is_refused(void **state)
{
    struct why why = {0};
    int error;
    struct store *store = NULL;
    (void)state;

    require_redis();
    stop_redis();
    start_redis("redis", "no");
    assert_null(open_store(server.url, "farm", &error, &why));
    assert_int_equal(error, -ERR_CONFIG);
    assert_non_null(strstr(why.text, "--redis-relaxed"));
    const struct store_settings relaxed = {.where = server.url, .farm = "farm", .relaxed = true};
    assert_int_equal(store_open(&relaxed, &store, &why), 0);
    store_close(store);
}

static void redis_urls_are_checked(void **state)
{
    static const char *const wrong[] = {"redis://",        "redis://:1/0",  "redis://h:0",
                                        "redis://h:70000", "redis://h:1/x", "redis://h:1/1x",
                                        "redis://h:1x/1",  "redis://h/-1",  "redis://u:p@h:1"};
    struct store *store;
    struct why why;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct store_settings settings = {.where = wrong[i], .farm = "farm"};
        assert_int_equal(store_open(&settings, &store, &why), -ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_agrees_with_model),
        cmocka_unit_test(sqlite_one_swap_wins),
        cmocka_unit_test(sqlite_another_farm_is_refused),
        cmocka_unit_test(sqlite_damage_is_refused),
        cmocka_unit_test(sqlite_removed_file_is_refused),
        cmocka_unit_test(sqlite_many_begin_at_once),
        cmocka_unit_test(redis_agrees_with_model),
        cmocka_unit_test(redis_one_swap_wins),
        cmocka_unit_test(redis_another_farm_is_refused),
        cmocka_unit_test(redis_restart_loses_nothing),
        cmocka_unit_test(redis_without_its_data_is_refused),
        cmocka_unit_test(redis_that_may_lose_is_refused),
        cmocka_unit_test(redis_urls_are_checked),
    };

    make_words();
    return cmocka_run_group_tests(tests, begin_redis, end_redis);
}
