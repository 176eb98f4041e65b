/* Entries as a list has them: what is written is read as the same, in one form each. */
#include "words/lines.h"

#include "error.h"
#include "filter/wordlist.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool same(const struct wordlist_entry *a, const struct wordlist_entry *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0 &&
           a->open_start == b->open_start && a->open_end == b->open_end && a->allowed == b->allowed;
}

/* Reads one line; false when it has no entry. */
static bool read_entry(struct wordlist *list, const char *line, size_t length)
{
    wordlist_init(list);
    if (!wordlist_add(list, "test", line, length, NULL) && list->count == 1)
        return true;
    wordlist_clear(list);
    return false;
}

static void what_is_written_is_read_as_the_same(void **state)
{
    static const char letters[] = "\\#!*a \t1";
    uint64_t seed = 11;
    int entries = 0;
    (void)state;

    for (int i = 0; i < 200000; i++) {
        char line[12], written[WORDLIST_WRITTEN_SIZE], again[WORDLIST_WRITTEN_SIZE];
        size_t length = 1 + random_bits(&seed) % 9;
        struct wordlist first, second;
        for (size_t j = 0; j < length; j++)
            line[j] = letters[random_bits(&seed) % 8];
        if (!read_entry(&first, line, length))
            continue;
        entries++;
        size_t size = wordlist_write_entry(&first.entries[0], written);
        assert_true(size <= length);
        assert_true(read_entry(&second, written, size));
        assert_true(same(&first.entries[0], &second.entries[0]));
        wordlist_write_entry(&second.entries[0], again);
        assert_string_equal(written, again);
        wordlist_clear(&first);
        wordlist_clear(&second);
    }
    assert_true(entries > 10000);
}

static void a_fault_has_its_line(void **state)
{
    struct lines lines = {0};
    struct lines_fault fault;
    size_t repeated;
    const char *text = "good\n# comment\nbad\x01\n";
    (void)state;

    assert_int_equal(lines_read(&lines, text, strlen(text), &repeated, &fault), -ERR_INVALID);
    assert_int_equal(fault.line, 3);
    assert_true(strncmp(fault.why.text, "control character U+0001", 24) == 0);
    lines_clear(&lines);
}

static void lines_are_what_was_read(void **state)
{
    static const struct lines_entry expected[] = {{"b c", 3, 7}, {"*a*", 3, 1}, {"!d", 2, 1}};
    struct lines lines = {0};
    struct lines_fault fault;
    struct lines_entry entry;
    size_t repeated, at = 0;
    const char *text = "\xef\xbb\xbf b  c\t7\r\n*a*\nb c\n\n!  d";
    (void)state;

    assert_int_equal(lines_read(&lines, text, strlen(text), &repeated, &fault), 0);
    assert_int_equal(lines.count, 3);
    assert_int_equal(repeated, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_true(lines_next(&lines, &at, &entry));
        assert_int_equal(lines_compare(&entry, &expected[i]), 0);
        assert_int_equal(entry.severity, expected[i].severity);
    }
    assert_false(lines_next(&lines, &at, &entry));
    assert_int_equal(lines.length, strlen("b c\t7\n*a*\t1\n!d\t1\n"));
    lines_clear(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_as_the_same),
        cmocka_unit_test(a_fault_has_its_line),
        cmocka_unit_test(lines_are_what_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
