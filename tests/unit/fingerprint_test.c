#include "fingerprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Properties as they stand in a frame. */
#define HEADERS    "\x20\x00"
#define ID         "\x00\x80"
#define HEADERS_ID "\x20\x80"

#define NAME_A       "\1a"
#define TEXT_XY      "S\0\0\0\2xy"
#define DELIVERIES_1 "\x10x-delivery-countl\0\0\0\0\0\0\0\1"
#define DELIVERIES_2 "\x10x-delivery-countl\0\0\0\0\0\0\0\2"
#define DEATH        "\7x-deathA\0\0\0\5S\0\0\0\0"
#define TABLE        "F\0\0\0\4\1bt\1"
#define ARRAY        "A\0\0\0\2t\1"

#define OF(properties, body)                                                                       \
    fingerprint_of(properties, sizeof(properties) - 1, body, sizeof(body) - 1)

static bool same(struct scoreboard_fingerprint a, struct scoreboard_fingerprint b)
{
    return a.high == b.high && a.low == b.low;
}

static void events_that_share_a_message_id_are_told_apart(void **state)
{
    (void)state;
    assert_true(same(OF(ID "\2id", "body"), OF(ID "\2id", "body")));
    assert_false(same(OF(ID "\2id", "body"), OF(ID "\2id", "other")));
    assert_false(same(OF(ID "\2id", "body"), OF(ID "\2ix", "body")));
    assert_false(same(OF(ID "\2id", "body"), OF("\x02\x00\2id", "body"))); /* a reply_to */
    assert_false(same(OF(ID "\2id", ""), OF("\0\0", "")));
    assert_false(same(OF(ID "\1i", "d"), OF(ID "\2id", "")));
    assert_false(same(OF("\x10\0\1", ""), OF("\x10\0\2", ""))); /* delivery_mode */
}

static void what_the_broker_adds_does_not_count(void **state)
{
    struct scoreboard_fingerprint plain = OF(ID "\2id", "body");
    struct scoreboard_fingerprint with = OF(HEADERS_ID "\0\0\0\x09" NAME_A TEXT_XY "\2id", "body");

    (void)state;
    assert_false(same(plain, with));
    assert_true(same(plain, OF(HEADERS_ID "\0\0\0\0\2id", "body")));
    assert_true(same(plain, OF(HEADERS_ID "\0\0\0\x1a" DELIVERIES_1 "\2id", "body")));
    assert_true(same(plain, OF(HEADERS_ID "\0\0\0\x1a" DELIVERIES_2 "\2id", "body")));
    assert_true(same(plain, OF(HEADERS_ID "\0\0\0\x12" DEATH "\2id", "body")));
    assert_true(same(with, OF(HEADERS_ID "\0\0\0\x23" NAME_A TEXT_XY DELIVERIES_1 "\2id", "body")));
    assert_true(same(with, OF(HEADERS_ID "\0\0\0\x23" DELIVERIES_1 NAME_A TEXT_XY "\2id", "body")));
}

static void the_order_and_the_width_of_headers_do_not_count(void **state)
{
    (void)state;
    assert_true(same(OF(HEADERS "\0\0\0\x08"
                                "\1ab\5"
                                "\1bb\6",
                        ""),
                     OF(HEADERS "\0\0\0\x08"
                                "\1bb\6"
                                "\1ab\5",
                        "")));
    assert_false(same(OF(HEADERS "\0\0\0\x08"
                                 "\1ab\5"
                                 "\1bb\6",
                         ""),
                      OF(HEADERS "\0\0\0\x08"
                                 "\1ab\6"
                                 "\1bb\5",
                         "")));
    assert_true(same(OF(HEADERS "\0\0\0\4"
                                "\1ab\xfb",
                        ""),
                     OF(HEADERS "\0\0\0\7"
                                "\1aI\xff\xff\xff\xfb",
                        "")));
    assert_false(same(OF(HEADERS "\0\0\0\4"
                                 "\1ab\xfb",
                         ""),
                      OF(HEADERS "\0\0\0\4"
                                 "\1aB\xfb",
                         "")));
    assert_false(same(OF(HEADERS "\0\0\0\x09" NAME_A TEXT_XY, ""),
                      OF(HEADERS "\0\0\0\x09" NAME_A "S\0\0\0\2xz", "")));
}

static void every_kind_of_header_is_passed_over(void **state)
{
    /* After each a header that counts. */
    static const struct {
        const char *value;
        size_t length;
    } kinds[] = {
#define KIND(value) {value, sizeof(value) - 1}
        KIND("t\1"),       KIND("b\1"),       KIND("B\1"),   KIND("s12"),
        KIND("u12"),       KIND("I1234"),     KIND("i1234"), KIND("l12345678"),
        KIND("L12345678"), KIND("T12345678"), KIND("f1234"), KIND("d12345678"),
        KIND("D12345"),    KIND("V"),         KIND(TEXT_XY), KIND("x\0\0\0\3abc"),
        KIND(TABLE),       KIND(ARRAY),
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct scoreboard_fingerprint of[2];
        for (int k = 0; k < 2; k++) {
            char raw[64] = HEADERS "\0\0\0";
            size_t end = 6;
            memcpy(raw + end, NAME_A, 2);
            memcpy(raw + end + 2, kinds[i].value, kinds[i].length);
            end += 2 + kinds[i].length;
            memcpy(raw + end, "\1zb", 3);
            raw[end + 3] = (char)k;
            end += 4;
            raw[5] = (char)(end - 6);
            of[k] = fingerprint_of(raw, end, "", 0);
        }
        assert_false(same(of[0], of[1]));
    }
}

static void what_cannot_be_read_counts_byte_by_byte(void **state)
{
    (void)state;
    assert_false(same(OF("", ""), OF("\x20", "")));
    assert_false(same(OF(HEADERS "\0\0\0\4\1a?\1", ""), OF(HEADERS "\0\0\0\4\1a?\2", "")));
    assert_false(same(OF(HEADERS "\xff\xff\xff\xff", ""), OF(HEADERS "\xff\xff\xff\xfe", "")));
    assert_false(same(OF(ID "\5id", ""), OF(ID "\6id", "")));
    /* Words of flags that never end. */
    assert_true(OF("\0\1\0\1\0\1", "").low & 1);
}

static void both_halves_tell_events_apart(void **state)
{
    enum { ALL = 100 };
    struct scoreboard_fingerprint found[ALL];

    (void)state;
    for (int i = 0; i < ALL; i++) {
        char raw[] = ID "\1?";
        raw[3] = (char)i;
        found[i] = i % 2 ? fingerprint_of(raw, sizeof raw - 1, "", 0)
                         : fingerprint_of(ID "\1x", 4, &raw[3], 1);
        assert_true(found[i].low & 1); /* 0 is no event */
        for (int k = 0; k < i; k++)
            assert_true(found[k].high != found[i].high && found[k].low != found[i].low);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_that_share_a_message_id_are_told_apart),
        cmocka_unit_test(what_the_broker_adds_does_not_count),
        cmocka_unit_test(the_order_and_the_width_of_headers_do_not_count),
        cmocka_unit_test(every_kind_of_header_is_passed_over),
        cmocka_unit_test(what_cannot_be_read_counts_byte_by_byte),
        cmocka_unit_test(both_halves_tell_events_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
