#include "broker/broker.h"
#include "broker/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_url(const char *text, const char *user, const char *password, const char *host,
                       int port, const char *vhost, bool tls)
{
    struct broker_url url;
    struct why why;

    if (broker_url_parse(text, &url, &why))
        fail_msg("%s: %s", text, why.text);
    assert_string_equal(url.user, user);
    assert_string_equal(url.password, password);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    assert_string_equal(url.vhost, vhost);
    assert_int_equal(url.tls, tls);
    broker_url_clear(&url);
    assert_null(url.buffer);
    assert_int_equal(broker_check_url(text, &why), 0);
}

static void every_part_of_a_url_is_read(void **state)
{
    (void)state;
    assert_url("amqp://me:secret@host:5673/shop", "me", "secret", "host", 5673, "shop", false);
    assert_url("amqps://me:secret@host:1/shop", "me", "secret", "host", 1, "shop", true);
    assert_url("amqp://m%40e:s%2Fe%3Ac%25@host:65535/a%2Fb", "m@e", "s/e:c%", "host", 65535, "a/b",
               false);
}

static void parts_that_are_left_out_are_the_brokers_defaults(void **state)
{
    (void)state;
    assert_url("amqp://host", "guest", "guest", "host", 5672, "/", false);
    assert_url("amqps://host", "guest", "guest", "host", 5671, "/", true);
    assert_url("amqp://me:secret@host", "me", "secret", "host", 5672, "/", false);
    assert_url("amqp://me:secret@", "me", "secret", "localhost", 5672, "/", false);
    /* A slash alone is the virtual host without a name. */
    assert_url("amqp://host/", "guest", "guest", "host", 5672, "", false);
}

static void a_mistake_is_named_without_telling_the_password(void **state)
{
    static const char scheme[] = "it does not begin with amqp:// or amqps://";
    static const char escaped[] = "@ : / are written %40 %3A %2F";
    static const char port[] = "its port is not a number from 1 to 65535";
    static const char percent[] = "a % is not followed by two hexadecimal digits";
    static const char vhost[] = "in the name of a virtual host, / is written %2F";
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", scheme},
        {"host", scheme},
        {"http://me:secret@host", scheme},
        {"amqp:/me:secret@host", scheme},
        {"AMQP://me:secret@host", scheme},
        {"amqp://me:sec@ret@host", escaped},
        {"amqp://me:sec/ret@host", escaped},
        {"amqp://me:secret@host:0", port},
        {"amqp://me:secret@host:65536", port},
        {"amqp://me:secret@host:", port},
        {"amqp://me:secret@host:x", port},
        {"amqp://me:secret@host:1x/shop", port},
        {"amqp://me:secret@host:99999999999", port},
        {"amqps://me:secret@host:5671/a%2", percent},
        {"amqp://me:secret@host/a%x2", percent},
        {"amqp://me:secret@host/a%2x", percent},
        {"amqp://me:secret@host/a%", percent},
        {"amqp://me:secret@host/a/b", vhost},
        {"amqp://me:secret@host:5672/a/", vhost},
        {"amqp://me:secret@host/shop?heartbeat=5", "has a query part (?...)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct broker_url url;
        struct why why;

        if (broker_url_parse(cases[i].text, &url, &why) != -ERR_INVALID)
            fail_msg("'%s' is accepted", cases[i].text);
        if (!strstr(why.text, cases[i].said))
            fail_msg("'%s' is refused with: %s", cases[i].text, why.text);
        assert_non_null(strstr(why.text, BROKER_URL_FORM));
        assert_null(strstr(why.text, "sec"));
        assert_null(url.buffer);
        assert_int_equal(broker_check_url(cases[i].text, &why), -ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_url_is_read),
        cmocka_unit_test(parts_that_are_left_out_are_the_brokers_defaults),
        cmocka_unit_test(a_mistake_is_named_without_telling_the_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
