/* A store in Redis: restarted, without its data, configured to lose, without our script. */
#include "store_fixture.h"

#include <hiredis/hiredis.h>

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

static void flush_scripts(void)
{
    redisContext *context = redisConnect("127.0.0.1", server.port);
    redisReply *reply = redisCommand(context, "SCRIPT FLUSH");

    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    redisFree(context);
}

static void redis_that_forgets_the_script_is_taught_again(void **state)
{
    struct why why = {0};
    struct store_state before, after;
    bool swapped;
    (void)state;

    require_redis();
    struct store *store = opened(server.url);
    assert_int_equal(store_look(store, &before, &why), 0);
    flush_scripts();
    add(store, "after the script was forgotten", 0, &why);
    flush_scripts();
    assert_int_equal(store_look(store, &after, &why), 0);
    assert_true(after.version == before.version + 1);
    const struct store_turn turn = {"holder", 1, 2};
    flush_scripts();
    assert_int_equal(store_swap_turn(store, &after.turn, &turn, &swapped, &why), 0);
    assert_true(swapped);
    store_close(store);
}

/* A stopped process takes connections, and says nothing. */
static void redis_that_is_silent_is_not_asked_twice(void **state)
{
    struct why why = {0};
    (void)state;

    require_redis();
    struct store *store = opened(server.url);
    int64_t begin_ns = clock_now_ns();
    kill(server.pid, SIGSTOP);
    add(store, "too slow", -ERR_LOCKED, &why);
    assert_non_null(strstr(why.text, "gave no answer within 2 s"));
    kill(server.pid, SIGCONT);
    assert_true(clock_now_ns() - begin_ns >= STORE_PATIENCE_NS);
    store_close(opened(server.url));
    add(store, "quick enough", 0, &why);
    store_close(store);
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
        cmocka_unit_test(redis_restart_loses_nothing),
        cmocka_unit_test(redis_without_its_data_is_refused),
        cmocka_unit_test(redis_that_forgets_the_script_is_taught_again),
        cmocka_unit_test(redis_that_is_silent_is_not_asked_twice),
        cmocka_unit_test(redis_that_may_lose_is_refused),
        cmocka_unit_test(redis_urls_are_checked),
    };

    return cmocka_run_group_tests(tests, begin_redis, end_redis);
}
