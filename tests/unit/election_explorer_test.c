/* Explores histories of candidates, queue and nodes, one for each seed: what must always hold does,
 * and each rule that is broken is found out.
 *
 *     election_explorer_test SEED [MISTAKE]    prints that history; MISTAKE as enum mistake counts
 */
#include "election_histories.h"

#include <setjmp.h>

#include <cmocka.h>

#define HISTORIES 20000

static void every_history_keeps_what_must_always_hold(void **state)
{
    const struct tally *tally = &model.tally;
    (void)state;

    model.tally = (struct tally){0};
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        if (!history(seed, NO_MISTAKE, false))
            fail_msg("seed %llu: %s", (unsigned long long)seed, model.violation);
    print_message("# %llu histories: %llu terms, %llu successions, %llu with two leaders, "
                  "%llu redelivered, %llu returned, %llu forgotten, %llu yields, %llu orders "
                  "refused, %llu of them of leaders that were succeeded\n",
                  (unsigned long long)tally->histories, (unsigned long long)tally->terms,
                  (unsigned long long)tally->successions, (unsigned long long)tally->overlaps,
                  (unsigned long long)tally->redelivered, (unsigned long long)tally->returns,
                  (unsigned long long)tally->forgotten, (unsigned long long)tally->yields,
                  (unsigned long long)tally->refused, (unsigned long long)tally->stale);
    /* The histories went where it matters. */
    assert_true(tally->successions > 2 * HISTORIES);
    assert_true(tally->overlaps > HISTORIES / 20);
    assert_true(tally->redelivered > HISTORIES);
    assert_true(tally->yields > HISTORIES / 5);
    assert_true(tally->returns > HISTORIES / 100);
    assert_true(tally->forgotten > HISTORIES / 500);
    assert_true(tally->stale > HISTORIES / 100);
}

static void a_broken_rule_is_found_out(void **state)
{
    enum mistake mistake = (enum mistake)(intptr_t)*state;
    uint64_t seed = 1;

    while (seed <= HISTORIES && history(seed, mistake, false))
        seed++;
    print_message("# %s: seed %llu: %s\n", mistake_names[mistake], (unsigned long long)seed,
                  model.violation);
    assert_true(seed <= HISTORIES);
}

#define finds(mistake)                                                                             \
    {                                                                                              \
        "finds_one_that_" #mistake, a_broken_rule_is_found_out, NULL, NULL, (void *)(mistake)      \
    }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_history_keeps_what_must_always_hold),
        finds(LEADS_WHEN_CONFIRMED),
        finds(TAKES_WHAT_COMES_AGAIN),
        finds(COUNTS_ON_FROM_WHAT_WAS_HEARD_ALONE),
        finds(LOOKS_AT_NO_TOKEN_OF_OTHERS),
        finds(ACKNOWLEDGES_THE_NEWEST),
        finds(YIELDS_AND_KEEPS_WHAT_IT_HOLDS),
        finds(YIELDS_WITHOUT_LIMIT),
        finds(KNOCKS_ONCE),
        finds(COUNTS_THE_LEASE_FROM_THE_DELIVERY),
        finds(HOLDS_WHAT_WAS_TAKEN_BACK),
        finds(CLAIMS_WHILE_ANOTHER_GIVES_ORDERS),
    };

    if (argc > 1)
        return !history(strtoull(argv[1], NULL, 10),
                        argc > 2 ? (enum mistake)atoi(argv[2]) : NO_MISTAKE, true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
