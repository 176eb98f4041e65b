#include "loadgen/bodies.h"

#include "event.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include <cmocka.h>

static struct texts *texts;

static int open_texts(void **state)
{
    (void)state;
    return texts_open(NULL, &texts, NULL);
}

static int close_texts(void **state)
{
    (void)state;
    texts_close(texts);
    return 0;
}

/* Of the built-in texts; size NULL: as long as they are. */
static struct bodies *open_bodies(const char *size_text, uint64_t seed)
{
    struct body_size size = {.kind = BODY_SIZE_OF_TEXT};
    struct bodies *bodies;
    struct why why;

    if (size_text)
        assert_int_equal(body_size_parse(size_text, &size, &why), 0);
    if (bodies_open(texts, &size, seed, &bodies, &why))
        fail_msg("%s", why.text);
    return bodies;
}

static void without_a_size_the_texts_are_sent_in_turn(void **state)
{
    struct bodies *bodies = open_bodies(NULL, 3);

    (void)state;
    for (uint64_t i = 0; i < 3 * texts_count(texts); i++) {
        struct broker_bytes body = bodies_get(bodies, i);
        struct broker_bytes text = texts_get(texts, i % texts_count(texts));
        assert_int_equal(body.length, text.length);
        assert_memory_equal(body.bytes, text.bytes, text.length);
    }
    bodies_close(bodies);
}

static void drawn_bodies_have_their_size_and_are_text(void **state)
{
    struct bodies *bodies = open_bodies("7..90", 3);
    struct event event = {0};
    size_t seen[91] = {0};

    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        struct broker_bytes body = bodies_get(bodies, i);
        assert_true(body.length >= 7 && body.length <= 90);
        seen[body.length]++;
        assert_int_equal(event_parse(&event, false, body.bytes, body.length, NULL), 0);
    }
    /* Uniform over 84 lengths: four standard errors. */
    for (size_t length = 7; length <= 90; length++)
        assert_true(fabs((double)seen[length] - 20000.0 / 84) < 4 * sqrt(20000.0 / 84));
    event_clear(&event);
    bodies_close(bodies);
}

/* The texts from that one on, one after the other, cut to so many bytes. What the cut leaves of a
 * character is dots. */
static void expect_texts(size_t from, char *expected, size_t length)
{
    for (size_t used = 0, next = from; used < length; next = (next + 1) % texts_count(texts)) {
        struct broker_bytes text = texts_get(texts, next);
        for (size_t i = 0; i <= text.length && used < length; i++)
            expected[used++] = i < text.length ? text.bytes[i] : ' ';
    }
    const uint8_t *broken = u8_check((const uint8_t *)expected, length);
    if (broken)
        memset(expected + ((const char *)broken - expected), '.',
               length - (size_t)((const char *)broken - expected));
}

static void a_drawn_body_is_texts_one_after_the_other(void **state)
{
    struct texts *builtin = texts;
    char name[] = "/tmp/winnow-bodies-XXXXXX.txt";
    int fd = mkstemps(name, 4), begun_with[4] = {0};
    struct why why;

    (void)state;
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "aa\n\xe2\x82\xac\n\xc3\xbc\xf0\x9f\x98\x80\nlast one\n") > 0);
    close(fd);
    if (texts_open(name, &texts, &why))
        fail_msg("%s", why.text);
    unlink(name);
    struct bodies *bodies = open_bodies("1..40", 3);
    for (uint64_t i = 0; i < 5000; i++) {
        struct broker_bytes body = bodies_get(bodies, i);
        size_t from = 0;
        char expected[40];
        for (; from < 4; from++) {
            expect_texts(from, expected, body.length);
            if (memcmp(body.bytes, expected, body.length) == 0)
                break;
        }
        if (from == 4)
            fail_msg("'%.*s' is not made of the texts", (int)body.length, body.bytes);
        begun_with[from]++;
    }
    /* Any of them comes first; a body of one byte does not tell which of two it was. */
    for (size_t from = 0; from < 4; from++)
        assert_true(begun_with[from] > 1000);
    bodies_close(bodies);
    texts_close(texts);
    texts = builtin;
}

static void the_same_seed_and_number_make_the_same_body(void **state)
{
    struct bodies *one = open_bodies("exp:300", 3), *same = open_bodies("exp:300", 3);
    struct bodies *other = open_bodies("exp:300", 4);
    int different = 0;
    double sum = 0;

    (void)state;
    for (uint64_t i = 10000; i-- > 0;) {
        struct broker_bytes a = bodies_get(one, i), b = bodies_get(same, i),
                            c = bodies_get(other, i);
        assert_int_equal(a.length, b.length);
        assert_memory_equal(a.bytes, b.bytes, a.length);
        different += a.length != c.length || memcmp(a.bytes, c.bytes, a.length) != 0;
        sum += (double)a.length;
    }
    assert_true(different > 9900);
    assert_true(fabs(sum / 10000 - 300) < 4 * 300 / sqrt(10000));
    bodies_close(one);
    bodies_close(same);
    bodies_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_size_the_texts_are_sent_in_turn),
        cmocka_unit_test(drawn_bodies_have_their_size_and_are_text),
        cmocka_unit_test(a_drawn_body_is_texts_one_after_the_other),
        cmocka_unit_test(the_same_seed_and_number_make_the_same_body),
    };

    return cmocka_run_group_tests(tests, open_texts, close_texts);
}
