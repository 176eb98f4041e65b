/* A store in SQLite: its file damaged, removed, and made by many at once. */
#include "store_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_damage_is_refused),
        cmocka_unit_test(sqlite_removed_file_is_refused),
        cmocka_unit_test(sqlite_many_begin_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
