/* open_matcher.h - for unit tests: a matcher from the text of a word list. */
#ifndef WINNOW_TESTS_OPEN_MATCHER_H
#define WINNOW_TESTS_OPEN_MATCHER_H

#include "error.h"
#include "filter/matcher.h"
#include "filter/wordlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The test fails when the list is not accepted. Free the matcher with matcher_close. */
static inline struct matcher *open_matcher(enum matcher_level level, const char *words)
{
    struct wordlist list;
    struct matcher *matcher = NULL;
    struct why why = {0};

    wordlist_init(&list);
    if (wordlist_add(&list, "words.txt", words, strlen(words), &why))
        fail_msg("%s", why.text);
    assert_int_equal(matcher_open(&list, level, &matcher), 0);
    wordlist_clear(&list);
    return matcher;
}

#endif
