#include "loadgen/bodies.h"

#include "event.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void no_body_ends_within_a_character(void **state)
{
    static const char path[] = "bodies_test.txt";
    struct body_size size = {.kind = BODY_SIZE_UNIFORM, .from_bytes = 1, .to_bytes = 30};
    struct texts *long_characters;
    struct bodies *bodies;
    struct event event = {0};
    FILE *file = fopen(path, "we");

    (void)state;
    assert_non_null(file);
    fputs("λ文字🙂🙃字λ\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(texts_open(path, &long_characters, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bodies_open(long_characters, &size, 1, &bodies, NULL), 0);
    for (uint64_t i = 0; i < 1000; i++) {
        struct broker_bytes body = bodies_get(bodies, i);
        assert_int_equal(event_parse(&event, false, body.bytes, body.length, NULL), 0);
    }
    event_clear(&event);
    bodies_close(bodies);
    texts_close(long_characters);
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
        cmocka_unit_test(no_body_ends_within_a_character),
        cmocka_unit_test(the_same_seed_and_number_make_the_same_body),
    };

    return cmocka_run_group_tests(tests, open_texts, close_texts);
}
