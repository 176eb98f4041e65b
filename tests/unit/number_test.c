#include "csv/number.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_number_is_written_with_the_digits_that_it_needs(void **state)
{
    char text[NUMBER_TEXT_SIZE];

    (void)state;
    assert_int_equal(number_format(2, text), 1);
    assert_string_equal(text, "2");
    assert_int_equal(number_format(-0.1, text), 20);
    assert_string_equal(text, "-0.10000000000000001");
}

static void an_unknown_number_is_an_empty_text(void **state)
{
    static const double unknown[] = {NAN, INFINITY, -INFINITY};

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        char text[NUMBER_TEXT_SIZE] = "as before";
        assert_int_equal(number_format(unknown[i], text), 0);
        assert_string_equal(text, "");
    }
}

static void the_callers_locale_stays(void **state)
{
    char text[NUMBER_TEXT_SIZE];
    locale_t mine = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);

    (void)state;
    assert_true(mine != (locale_t)0);
    uselocale(mine);
    number_format(0.5, text);
    assert_true(uselocale((locale_t)0) == mine);
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_written_with_the_digits_that_it_needs),
        cmocka_unit_test(an_unknown_number_is_an_empty_text),
        cmocka_unit_test(the_callers_locale_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
