#include "words/turn.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S     INT64_C(1000000000)
#define MS    INT64_C(1000000)
#define EVERY (5 * S)

static struct store_state at(int64_t now_ns, const char *holder, int64_t due_ns, int64_t free_ns)
{
    struct store_state state = {
        .on = true, .turn = {.due_ns = due_ns, .free_ns = free_ns}, .now_ns = now_ns};

    snprintf(state.turn.holder, sizeof state.turn.holder, "%s", holder);
    return state;
}

static void a_new_store_is_due_at_once(void **unused)
{
    struct store_state state = at(1000 * S, "", 0, 0);
    struct store_turn claim;
    int64_t wait_ns;
    (void)unused;

    assert_true(turn_claim(&state, "a", EVERY, &claim, &wait_ns));
    assert_string_equal(claim.holder, "a");
    assert_true(claim.due_ns == 1000 * S && claim.free_ns == 1000 * S + TURN_GRACE_NS);
    struct store_turn next = turn_sent(&claim, EVERY);
    assert_true(next.due_ns == 1005 * S && next.free_ns == 1005 * S + TURN_GRACE_NS);
    state.on = false;
    assert_false(turn_claim(&state, "a", EVERY, &claim, &wait_ns));
    assert_true(wait_ns == INT64_MAX);
}

static void others_wait_for_the_grace(void **unused)
{
    struct store_state state = at(1005 * S, "a", 1005 * S, 1005 * S + TURN_GRACE_NS);
    struct store_turn claim;
    int64_t wait_ns;
    (void)unused;

    assert_false(turn_claim(&state, "b", EVERY, &claim, &wait_ns));
    assert_true(wait_ns == TURN_GRACE_NS);
    assert_true(turn_claim(&state, "a", EVERY, &claim, &wait_ns));
    state.now_ns -= MS;
    assert_false(turn_claim(&state, "a", EVERY, &claim, &wait_ns));
    assert_true(wait_ns == MS);
    state.now_ns += TURN_GRACE_NS + MS;
    assert_true(turn_claim(&state, "b", EVERY, &claim, &wait_ns));
    assert_true(claim.due_ns == 1005 * S);
}

static void what_was_given_up_is_anybodys(void **unused)
{
    const struct store_turn own = {"a", 1005 * S, 1005 * S + TURN_GRACE_NS};
    struct store_state state = {.on = true, .turn = turn_give_up(&own), .now_ns = 1005 * S};
    struct store_turn claim;
    int64_t wait_ns;
    (void)unused;

    assert_true(turn_claim(&state, "b", EVERY, &claim, &wait_ns));
    assert_true(claim.due_ns == 1005 * S);
}

static void late_ones_begin_a_grid(void **unused)
{
    struct store_state state = at(1006 * S, "a", 1005 * S, 1005 * S);
    struct store_turn claim;
    int64_t wait_ns;
    (void)unused;

    assert_true(turn_claim(&state, "a", EVERY, &claim, &wait_ns));
    assert_true(claim.due_ns == 1005 * S);
    state.now_ns = 1007 * S;
    assert_true(turn_claim(&state, "a", EVERY, &claim, &wait_ns));
    assert_true(claim.due_ns == 1007 * S);
}

static void a_clock_that_was_stepped_back_stops_nothing(void **unused)
{
    struct store_state state = at(10 * S, "a", 1000000 * S, 1000001 * S);
    struct store_turn claim;
    int64_t wait_ns;
    (void)unused;

    assert_true(turn_claim(&state, "b", EVERY, &claim, &wait_ns));
    assert_true(claim.due_ns == 10 * S);
    state = at(1000000 * S, "a", 10 * S, 11 * S);
    assert_true(turn_claim(&state, "b", EVERY, &claim, &wait_ns));
    assert_true(claim.due_ns == 1000000 * S);
}

/* Three instances, of which one dies every ten seconds, also between its claim and the rest. */
static void one_sends_whoever_dies(void **unused)
{
    static const char *const names[] = {"a", "b", "c"};
    struct store_state state = at(1000 * S, "", 0, 0);
    int64_t look_ns[3] = {0}, back_ns[3] = {0}, last_ns = 0, killed_ns = 0;
    uint64_t seed = 7;
    (void)unused;

    for (int sent = 0; sent < 5000; state.now_ns += 10 * MS)
        for (int i = 0; i < 3; i++) {
            struct store_turn claim;
            int64_t wait_ns;
            if (state.now_ns < back_ns[i] || state.now_ns < look_ns[i])
                continue;
            bool claims = turn_claim(&state, names[i], EVERY, &claim, &wait_ns);
            look_ns[i] = state.now_ns + (wait_ns < S ? wait_ns : S);
            bool dies = state.now_ns > killed_ns + 10 * S && random_uniform(&seed) < 0.1;
            if (dies) {
                killed_ns = state.now_ns;
                back_ns[i] = state.now_ns + (int64_t)(random_uniform(&seed) * 8e9);
            }
            if (!claims)
                continue;
            state.turn = claim;
            look_ns[i] = state.now_ns;
            if (dies)
                continue;
            int64_t since_ns = state.now_ns - last_ns;
            assert_true(!sent || (since_ns >= 4500 * MS && since_ns <= 5500 * MS));
            last_ns = state.now_ns;
            state.turn = turn_sent(&claim, EVERY);
            sent++;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_due_at_once),
        cmocka_unit_test(others_wait_for_the_grace),
        cmocka_unit_test(what_was_given_up_is_anybodys),
        cmocka_unit_test(late_ones_begin_a_grid),
        cmocka_unit_test(a_clock_that_was_stepped_back_stops_nothing),
        cmocka_unit_test(one_sends_whoever_dies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
