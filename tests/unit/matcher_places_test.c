/* The matcher goes through a text in blocks of 64 bytes. What it finds must not depend on where in
 * a block that stands, or on what is before and after it. */
#include "open_matcher.h"

#include <stdio.h>
#include <string.h>

#define MOST_BEFORE 200
#define MOST_BYTES  (MOST_BEFORE + 200)

/* What stands before a match; none of it looks like one. Each ends with what bounds a word. */
static const char *const befores[] = {",;-,;:", "wxyz, ", "WXYZ vwxy\n", "\xc3\xbcwxy\xe2\x82\xac ",
                                      "3w5y.8x "};

/* Each list has all of those before it. The more freely entries begin and end, the less the matcher
 * can pass over; some of it is for ASCII texts alone. */
static const char *const lists[] = {
    "fool\nbad egg\nshit\ncaf\xc3\xa9\n",
    "fool\nbad egg\nshit\ncaf\xc3\xa9\nidiot*\n",
    "fool\nbad egg\nshit\ncaf\xc3\xa9\nidiot*\n*tard\n*damn*\n",
};
#define LISTS (sizeof lists / sizeof lists[0])

struct occurrence {
    const char *text;
    size_t start, length; /* of the match in it; length 0: there is none */
    size_t from;          /* the first list that has the entry */
};

static const struct occurrence exact[] = {
    {"fool", 0, 4, 0},         {"FOOL", 0, 4, 0},   {"foolx", 0, 0, 0},    {"bad egg", 0, 7, 0},
    {"bad \t egg", 0, 9, 0},   {"badegg", 0, 0, 0}, {"idiotwx", 0, 5, 1},  {"wxidiot", 0, 0, 0},
    {"wxtard", 2, 4, 2},       {"tardwx", 0, 0, 0}, {"wxdamnyz", 2, 4, 2}, {"caf\xc3\xa9", 0, 5, 0},
    {"CAFE\xcc\x81", 0, 6, 0}, {"cafe", 0, 0, 0},   {"f00l", 0, 0, 0},
};
static const struct occurrence folded[] = {
    {"fool", 0, 4, 0},
    {"f\xc3\xb3ol", 0, 5, 0},
    {"\xef\xbd\x86ool", 0, 6, 0},
    {"fo\xe2\x80\x8bol", 0, 7, 0}, /* with a space of no width */
    {"bad\xc2\xa0"
     "egg",
     0, 8, 0},
    {"cafe", 0, 4, 0},
    {"wxd\xc3\xa1mnyz", 2, 5, 2},
};
static const struct occurrence loose[] = {
    {"fool", 0, 4, 0},       {"f00l", 0, 4, 0},    {"fooooool", 0, 8, 0}, {"f.o.o.l", 0, 7, 0},
    {"f o o l", 0, 7, 0},    {"F-O-O-L", 0, 7, 0}, {"$h1t", 0, 4, 0},     {"b@d egg", 0, 7, 0},
    {"wx b@d egg", 3, 7, 0}, {"b4d 3gg", 0, 7, 0}, {"wxd4mnyz", 2, 4, 2},
};

/* So many bytes of this, again and again, so that they end as it does. */
static void fill(char *to, const char *with, size_t bytes)
{
    size_t length = strlen(with);

    for (size_t i = 0; i < bytes; i++)
        to[i] = with[length - 1 - (bytes - 1 - i) % length];
    /* What is left of a character that was cut. */
    for (size_t i = 0; i < bytes && ((unsigned char)to[i] & 0xc0) == 0x80; i++)
        to[i] = ',';
}

static void assert_found(const struct matcher *matcher, const char *text, size_t length,
                         size_t start, size_t found)
{
    struct matcher_spans spans;

    matcher_spans_init(&spans);
    assert_int_equal(matcher_find(matcher, text, length, &spans), 0);
    if (spans.count != (found > 0) ||
        (found && (spans.items[0].start != start || spans.items[0].length != found)))
        fail_msg("%zu matches, the first at %zu of %zu bytes, not %zu of %zu, in '%.*s'",
                 spans.count, spans.count ? (size_t)spans.items[0].start : 0,
                 spans.count ? (size_t)spans.items[0].length : 0, start, found, (int)length, text);
    matcher_spans_clear(&spans);
}

static void assert_places(const struct matcher *matcher, const struct occurrence *occurrence,
                          bool listed)
{
    size_t length = strlen(occurrence->text);
    char text[MOST_BYTES];

    for (size_t kind = 0; kind < sizeof befores / sizeof befores[0]; kind++)
        for (size_t before = 0; before <= MOST_BEFORE; before++)
            for (size_t after = 0; after <= 130; after += 65) {
                fill(text, befores[kind], before);
                memcpy(text + before, occurrence->text, length);
                for (size_t i = 0; i < after; i++)
                    text[before + length + i] = i % 6 ? "vwxyz"[i % 6 - 1] : ' ';
                assert_found(matcher, text, before + length + after, before + occurrence->start,
                             listed ? occurrence->length : 0);
            }
}

static void assert_all(enum matcher_level level, const struct occurrence *all, size_t count)
{
    for (size_t list = 0; list < LISTS; list++) {
        struct matcher *matcher = open_matcher(level, lists[list]);
        for (size_t i = 0; i < count; i++)
            assert_places(matcher, &all[i], list >= all[i].from);
        matcher_close(matcher);
    }
}

#define PLACES(level, all) assert_all(level, all, sizeof(all) / sizeof((all)[0]))

static void an_exact_match_is_found_at_every_place(void **state)
{
    (void)state;
    PLACES(MATCHER_EXACT, exact);
}

static void a_folded_match_is_found_at_every_place(void **state)
{
    (void)state;
    PLACES(MATCHER_FOLDED, folded);
}

static void a_loose_match_is_found_at_every_place(void **state)
{
    (void)state;
    PLACES(MATCHER_LOOSE, loose);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_match_is_found_at_every_place),
        cmocka_unit_test(a_folded_match_is_found_at_every_place),
        cmocka_unit_test(a_loose_match_is_found_at_every_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
