/* One suite over both stores: operations at random beside a model in memory, turns, farms. */
#include "random.h"
#include "store_fixture.h"
#include "words/turn.h"

/* So many operations without WINNOW_MODEL_OPERATIONS in the environment. */
#define OPERATIONS 4000

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
/* ---- of each kind ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_agrees_with_model),
        cmocka_unit_test(sqlite_one_swap_wins),
        cmocka_unit_test(sqlite_another_farm_is_refused),
        cmocka_unit_test(redis_agrees_with_model),
        cmocka_unit_test(redis_one_swap_wins),
        cmocka_unit_test(redis_another_farm_is_refused),
    };

    make_words();
    return cmocka_run_group_tests(tests, begin_redis, end_redis);
}
