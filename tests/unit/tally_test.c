/* node/tally and leader/docket: what hosts hold against events, told to each other. */
#include "autoscaler/leader/docket.h"
#include "autoscaler/node/tally.h"
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HOSTS = 3, MAX_ATTEMPTS = 3 };

/* Two that share an entry's place, and one that does not. */
static const struct scoreboard_fingerprint event = {8191, 0xabcdef0123456789},
                                           near_it = {8191 + 8192, 0x1111111111111111},
                                           other = {5, 0x2222222222222222};

static struct host {
    struct scoreboard *board;
    struct tally tally;
} hosts[HOSTS];
static struct roster roster;
static int64_t now_ns;

static int open_hosts(void **state)
{
    (void)state;
    now_ns = CLOCK_NS_PER_S;
    roster = (struct roster){0};
    for (size_t i = 0; i < HOSTS; i++) {
        hosts[i] = (struct host){0};
        if (scoreboard_create(1, MAX_ATTEMPTS, CLOCK_NS_PER_S, &hosts[i].board, NULL))
            return -1;
        roster.nodes[roster.count++] = calloc(1, sizeof *roster.nodes[0]);
    }
    return 0;
}

static int close_hosts(void **state)
{
    (void)state;
    roster_clear(&roster);
    for (size_t i = 0; i < HOSTS; i++)
        scoreboard_close(hosts[i].board);
    return 0;
}

static void report(size_t host)
{
    struct report_message *last = &roster.nodes[host]->report;
    struct event_record records[EVENT_RECORDS_MOST];

    report_message_clear(last);
    last->event_count = tally_tell(&hosts[host].tally, hosts[host].board, now_ns, records);
    last->events = calloc(last->event_count + 1, sizeof *records);
    assert_non_null(last->events);
    memcpy(last->events, records, last->event_count * sizeof *records);
}

static void order(size_t host)
{
    struct event_record records[EVENT_RECORDS_MOST];
    struct docket docket;

    assert_int_equal(docket_gather(&docket, &roster), 0);
    size_t count = docket_for(&docket, host, records);
    tally_hear(&hosts[host].tally, hosts[host].board, now_ns, records, count);
    docket_clear(&docket);
}

/* Every host reports, and is sent an order. */
static void exchange(void)
{
    now_ns += 100 * CLOCK_NS_PER_MS;
    for (size_t i = 0; i < HOSTS; i++)
        report(i);
    for (size_t i = 0; i < HOSTS; i++)
        order(i);
}

static uint32_t crash(size_t host, struct scoreboard_fingerprint which)
{
    now_ns += 2;
    return scoreboard_count_attempt(hosts[host].board, which, now_ns - 1, now_ns);
}

static void assert_attempts(struct scoreboard_fingerprint which, uint32_t expected)
{
    for (size_t i = 0; i < HOSTS; i++) {
        uint32_t found = scoreboard_look_up(hosts[i].board, which).attempts;
        if (found != expected)
            fail_msg("host %zu has %u attempts; expected %u", i, found, expected);
    }
}

static void assert_suspect(struct scoreboard_fingerprint which, bool expected)
{
    for (size_t i = 0; i < HOSTS; i++)
        assert_int_equal(scoreboard_look_up(hosts[i].board, which).suspect, expected);
}

static void attempts_on_different_hosts_add_up(void **state)
{
    (void)state;
    crash(0, event);
    exchange();
    assert_attempts(event, 1);
    assert_int_equal(crash(1, event), 2);
    exchange();
    assert_attempts(event, 2);
    assert_int_equal(crash(2, event), 3);
    crash(0, other);
    exchange();
    assert_attempts(event, 3);
    assert_attempts(other, 1);
    assert_attempts(near_it, 0);
    exchange();
    exchange();
    assert_attempts(event, 3);
}

static void attempts_in_a_reports_way_are_not_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTS; i++)
        crash(i, event);
    report(0);
    crash(0, event);
    order(1);
    crash(1, event);
    exchange();
    assert_attempts(event, 5);
}

static void an_event_that_is_answered_is_forgiven_everywhere(void **state)
{
    (void)state;
    crash(0, event);
    crash(0, event);
    crash(1, event);
    crash(1, near_it);
    exchange();
    assert_attempts(event, 3);
    scoreboard_forgive(hosts[2].board, event);
    exchange();
    exchange();
    assert_attempts(event, 0);
    assert_attempts(near_it, 1);
    now_ns += TALLY_FORGIVEN_NS;
    exchange();
    exchange();
    assert_attempts(event, 0);
    /* From then on it is as new. */
    crash(1, event);
    exchange();
    assert_attempts(event, 1);
    for (size_t i = 0; i < HOSTS; i++)
        assert_int_equal(hosts[i].tally.count, i == 1 ? 0 : 2);
}

static void one_that_kills_again_after_that_is_counted_in_the_end(void **state)
{
    (void)state;
    crash(0, event);
    exchange();
    scoreboard_forgive(hosts[1].board, event);
    exchange();
    for (int second = 0; second < 6; second++) {
        now_ns += CLOCK_NS_PER_S;
        crash(0, event);
        exchange();
        exchange();
    }
    assert_true(scoreboard_look_up(hosts[1].board, event).attempts >= 2);
}

static void suspects_are_the_farms(void **state)
{
    (void)state;
    scoreboard_suspect(hosts[0].board, event);
    scoreboard_suspect(hosts[0].board, near_it);
    exchange();
    assert_suspect(event, true);
    assert_suspect(near_it, true);
    crash(1, event);
    exchange();
    assert_suspect(event, true);
    assert_attempts(event, 1);
    scoreboard_forgive(hosts[2].board, event);
    exchange();
    exchange();
    assert_suspect(event, false);
    assert_suspect(near_it, true);
    scoreboard_forgive(hosts[0].board, near_it);
    exchange();
    assert_suspect(near_it, false);
}

static void a_node_that_is_gone_takes_its_counts_with_it(void **state)
{
    (void)state;
    crash(0, event);
    crash(1, event);
    exchange();
    roster.nodes[0]->lost = true;
    order(1);
    order(2);
    assert_int_equal(scoreboard_look_up(hosts[1].board, event).attempts, 1);
    assert_int_equal(scoreboard_look_up(hosts[2].board, event).attempts, 1);
}

static void of_too_many_events_those_that_failed_last_are_told(void **state)
{
    enum { EVENTS = EVENT_RECORDS_MOST + 50 };
    struct event_record records[EVENT_RECORDS_MOST];
    struct scoreboard_fingerprint last = {0};

    (void)state;
    for (uint64_t i = 0; i < EVENTS; i++) {
        last = (struct scoreboard_fingerprint){20 * i, (i + 1) << SCOREBOARD_TAG_SHIFT | 1};
        crash(0, last);
        scoreboard_suspect(hosts[0].board, (struct scoreboard_fingerprint){20 * i, ~i});
    }
    assert_int_equal(tally_tell(&hosts[0].tally, hosts[0].board, now_ns, records),
                     EVENT_RECORDS_MOST);
    for (size_t i = 0; i < EVENT_RECORDS_MOST; i++)
        assert_int_equal(records[i].attempts, 1);
    exchange();
    assert_int_equal(scoreboard_look_up(hosts[1].board, last).attempts, 1);
    exchange();
    assert_int_equal(scoreboard_look_up(hosts[2].board, last).attempts, 1);
}

/* From outside anything may come. */
static void nonsense_from_others_does_no_harm(void **state)
{
    struct event_record records[EVENT_RECORDS_MOST];

    (void)state;
    crash(0, event);
    for (size_t i = 0; i < EVENT_RECORDS_MOST; i++)
        records[i] = (struct event_record){.event = i % 3 ? 7 : UINT64_MAX >> 4,
                                           .attempts = i % 2 ? EVENT_RECORDS_MOST_ATTEMPTS : 0,
                                           .suspect = i % 5,
                                           .forgiven = i == 17};
    for (int round = 0; round < 3; round++)
        tally_hear(&hosts[0].tally, hosts[0].board, now_ns, records, EVENT_RECORDS_MOST);
    assert_in_range(hosts[0].tally.count, 0, 2);
    tally_hear(&hosts[0].tally, hosts[0].board, now_ns, records, 0);
    assert_int_equal(scoreboard_look_up(hosts[0].board, event).attempts, 1);
    assert_int_equal(scoreboard_look_up(hosts[0].board, scoreboard_event(7)).attempts, 0);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_hosts, close_hosts)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(attempts_on_different_hosts_add_up),
        claim(attempts_in_a_reports_way_are_not_lost),
        claim(an_event_that_is_answered_is_forgiven_everywhere),
        claim(one_that_kills_again_after_that_is_counted_in_the_end),
        claim(suspects_are_the_farms),
        claim(a_node_that_is_gone_takes_its_counts_with_it),
        claim(of_too_many_events_those_that_failed_last_are_told),
        claim(nonsense_from_others_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
