#include "filter/stream.h"

#include "open_matcher.h"

#include <stdio.h>
#include <stdlib.h>

/* A text that comes in pieces of random sizes has the matches of the whole. Returns how many pieces
 * came out. */
static size_t assert_as_whole(const struct matcher *matcher, const char *text, size_t length,
                              size_t reach, unsigned *seed)
{
    struct matcher_spans whole = {0};
    struct stream_piece piece;
    struct stream stream;
    size_t given = 0, matched = 0, came = 0, pieces = 0;
    bool at_end = false;

    assert_int_equal(matcher_find(matcher, text, length, &whole), 0);
    stream_init(&stream, matcher, 0, reach);
    while (!at_end) {
        char *at;
        size_t space, size = (size_t)rand_r(seed) % (rand_r(seed) % 4 ? 5 * reach : 9);
        assert_int_equal(stream_reserve(&stream, &at, &space), 0);
        assert_true(space > 0);
        size = size > space ? space : size;
        size = size > length - came ? length - came : size;
        memcpy(at, text + came, size);
        came += size;
        at_end = came == length;
        stream_received(&stream, size);
        bool pauses = !at_end && rand_r(seed) % 2;
        for (int more; (more = stream_next(&stream, at_end, &piece)) ||
                       (pauses && (more = stream_pause(&stream, &piece)));) {
            assert_int_equal(more, 1);
            assert_int_equal(piece.offset, given);
            assert_true(piece.length > 0 && given + piece.length <= length);
            assert_memory_equal(piece.text, text + given, piece.length);
            for (size_t i = 0; i < piece.count; i++, matched++) {
                assert_true(matched < whole.count);
                if (piece.spans[i].start + given != whole.items[matched].start ||
                    piece.spans[i].length != whole.items[matched].length ||
                    piece.spans[i].entry != whole.items[matched].entry)
                    fail_msg("match %zu at %zu, expected at %zu", matched,
                             piece.spans[i].start + given, whole.items[matched].start);
            }
            given += piece.length;
            pieces++;
        }
    }
    assert_int_equal(given, length);
    assert_int_equal(matched, whole.count);
    stream_clear(&stream);
    matcher_spans_clear(&whole);
    return pieces;
}

static void pieces_give_what_the_whole_gives(void **state)
{
    /* Entries that chain, that overlap, and that are allowed across a cut. */
    static const char words[] =
        "a b\nb a\nb c d\nfool\n!fool egg\n!b c d e\negg*\n*tard\nd e\n!x fool d\n";
    static const char *const parts[] = {"a",   "b",    "c",       "d",    "e",     "x", "fool",
                                        "egg", "eggs", "bastard", " ",    " ",     " ", "\n",
                                        ". ",  "-",    "\u00e9",  "\xff", "  \n\n"};
    unsigned seed = 11;
    size_t pieces = 0, rounds = 400;
    (void)state;

    struct matcher *matcher = open_matcher(MATCHER_EXACT, words);
    for (size_t round = 0; round < rounds; round++) {
        char text[20000];
        size_t length = 0, kinds = 3 + (size_t)rand_r(&seed) % 17,
               shift = (size_t)rand_r(&seed) % 19;
        size_t wanted = (size_t)rand_r(&seed) % (sizeof text - 16);
        while (length < wanted) {
            const char *part = parts[(shift + (size_t)rand_r(&seed) % kinds) % 19];
            memcpy(text + length, part, strlen(part));
            length += strlen(part);
            if (rand_r(&seed) % 2)
                text[length++] = ' ';
        }
        pieces += assert_as_whole(matcher, text, length, 64, &seed);
    }
    /* Without cuts the comparison would say nothing. */
    assert_true(pieces > 10 * rounds);
    matcher_close(matcher);
}

/* What comes out of a pause after this text, when that came in one. */
static void assert_settled(enum matcher_level level, const char *text, const char *settled)
{
    struct matcher *matcher = open_matcher(level, "fool\nbad egg\n!fool of all fools\nass\n");
    struct stream_piece piece = {.text = ""};
    struct stream stream;
    char *at;
    size_t space;

    stream_init(&stream, matcher, STREAM_BUFFER_BYTES, STREAM_REACH_BYTES);
    assert_int_equal(stream_reserve(&stream, &at, &space), 0);
    memcpy(at, text, strlen(text));
    stream_received(&stream, strlen(text));
    assert_int_equal(stream_pause(&stream, &piece), settled[0] != '\0');
    assert_int_equal(piece.length, strlen(settled));
    assert_memory_equal(piece.text, settled, piece.length);
    stream_clear(&stream);
    matcher_close(matcher);
}

static void a_pause_gives_the_lines_that_are_settled(void **state)
{
    (void)state;
    assert_settled(MATCHER_EXACT, "a fool. \nI", "a fool. \n");
    assert_settled(MATCHER_EXACT, "a dunce\nI am", "a dunce\n");
    assert_settled(MATCHER_EXACT, "one\nbad\n", "one\n");
    assert_settled(MATCHER_EXACT, "one\nbad\napple\n", "one\nbad\napple\n");
    assert_settled(MATCHER_EXACT, "bad\n", "");
    assert_settled(MATCHER_EXACT, "no line", "");
    assert_settled(MATCHER_EXACT, "one\nfool of\nall\n", "one\n");
    assert_settled(MATCHER_EXACT, "\u00e9\nbad  \n", "\u00e9\n");
    assert_settled(MATCHER_LOOSE, "one\na\ns\n", "one\n");
    assert_settled(MATCHER_LOOSE, "one\nvitamin \u00e9\n", "one\n");
    assert_settled(MATCHER_LOOSE, "one\nas.\n", "one\nas.\n");
}

/* When only the beginning of a text has come, what a pause gives and the rest searched by itself
 * have the matches of the whole. */
static void assert_settled_is_final(const struct matcher *matcher, const char *text, size_t length,
                                    size_t came, size_t *settled)
{
    struct matcher_spans whole = {0}, rest = {0};
    struct stream_piece piece = {0};
    struct stream stream;
    char *at;
    size_t space, i;

    stream_init(&stream, matcher, 0, 1024);
    assert_int_equal(stream_reserve(&stream, &at, &space), 0);
    memcpy(at, text, came);
    stream_received(&stream, came);
    assert_true(stream_pause(&stream, &piece) >= 0);
    assert_int_equal(matcher_find(matcher, text, length, &whole), 0);
    assert_int_equal(matcher_find(matcher, text + piece.length, length - piece.length, &rest), 0);
    if (piece.count + rest.count != whole.count)
        fail_msg("\"%.*s\" | \"%s\"", (int)piece.length, text, text + piece.length);
    for (i = 0; i < piece.count; i++) {
        assert_int_equal(piece.spans[i].start, whole.items[i].start);
        assert_int_equal(piece.spans[i].length, whole.items[i].length);
        assert_int_equal(piece.spans[i].entry, whole.items[i].entry);
    }
    for (; i < whole.count; i++)
        assert_int_equal(rest.items[i - piece.count].start + piece.length, whole.items[i].start);
    *settled += piece.length;
    stream_clear(&stream);
    matcher_spans_clear(&whole);
    matcher_spans_clear(&rest);
}

static void what_a_pause_gives_is_final(void **state)
{
    static const char *const parts[] = {
        "a", "s", "bad",    "egg",    "fool",   ".",    " ",      "\n",     "\n",     "@",
        "_", "-", "\u00e9", "\u0301", "\u0436", "\r\n", "\u200b", "\u3000", "\u7b28", "x"};
    unsigned seed = 7;
    (void)state;

    for (unsigned level = 0; level <= MATCHER_LOOSE; level++) {
        struct matcher *matcher =
            open_matcher((enum matcher_level)level,
                         "bad egg\nass\n*fool\n!bad fool egg\n\u0436a\u0436\na s\nx*\n!\u7b28 "
                         "x\n\u7b28\n\u00e9 - a\n");
        size_t settled = 0;
        for (int round = 0; round < 4000; round++) {
            char text[128];
            size_t length = 0, kinds = 2 + (size_t)rand_r(&seed) % 19,
                   shift = (size_t)rand_r(&seed) % 20;
            while (length < 60) {
                const char *part = parts[(shift + (size_t)rand_r(&seed) % kinds) % 20];
                length += (size_t)sprintf(text + length, "%s", rand_r(&seed) % 5 ? part : "\n");
            }
            assert_settled_is_final(matcher, text, length, (size_t)rand_r(&seed) % length,
                                    &settled);
        }
        /* A pause that gives nothing would be right, too. */
        assert_true(settled > (size_t)4000 * 5);
        matcher_close(matcher);
    }
}

static void a_text_of_one_chain_is_cut_all_the_same(void **state)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "a a\na b\n");
    char text[30000];
    unsigned seed = 5;
    (void)state;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ' ' : 'a';
    assert_true(assert_as_whole(matcher, text, sizeof text, 64, &seed) > 50);
    matcher_close(matcher);
}

static void nothing_and_one_byte_are_texts(void **state)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "a\n");
    unsigned seed = 5;
    (void)state;

    assert_int_equal(assert_as_whole(matcher, "", 0, 64, &seed), 0);
    assert_int_equal(assert_as_whole(matcher, "a", 1, 64, &seed), 1);
    matcher_close(matcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_give_what_the_whole_gives),
        cmocka_unit_test(a_pause_gives_the_lines_that_are_settled),
        cmocka_unit_test(what_a_pause_gives_is_final),
        cmocka_unit_test(a_text_of_one_chain_is_cut_all_the_same),
        cmocka_unit_test(nothing_and_one_byte_are_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
