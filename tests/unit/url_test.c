#include "broker/broker.h"
#include "broker/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_url(const char *text, const char *user, const char *password, const char *host,
                       int port, const char *vhost, bool tls)
{
    struct broker_url url;
    struct why why;

    if (broker_url_parse(text, 0, &url, &why))
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

static void any_byte_may_be_percent_encoded_in_any_part(void **state)
{
    (void)state;
    assert_url("amqp://usuari%C3%A0:contrase%C3%B1a@host/tend%c3%a8ncia", "usuari\u00e0",
               "contrase\u00f1a", "host", 5672, "tend\u00e8ncia", false);
    assert_url("amqp://%FF:%01%7f@h%6Fst/%E2%98%A0", "\xFF", "\x01\x7f", "host", 5672, "\u2620",
               false);
    assert_url("amqp://u:%25%32%35@host/%3F%23%5B%5D", "u", "%25", "host", 5672, "?#[]", false);
    /* Bytes that nothing could be confused with need not be. */
    assert_url("amqp://usuari\u00e0:a b,c;d=e!$&'()*+@host/a:b,c", "usuari\u00e0",
               "a b,c;d=e!$&'()*+", "host", 5672, "a:b,c", false);
    /* Colons after the first belong to the password. */
    assert_url("amqp://me:a:b:@host", "me", "a:b:", "host", 5672, "/", false);
}

static void addresses_of_ipv6_stand_in_brackets(void **state)
{
    struct broker_url url;
    struct why why;
    char where[BROKER_WHERE_SIZE];

    (void)state;
    assert_url("amqp://[::1]", "guest", "guest", "::1", 5672, "/", false);
    assert_url("amqps://me:secret@[2001:db8::1]:5673/shop", "me", "secret", "2001:db8::1", 5673,
               "shop", true);
    assert_url("amqp://[::ffff:127.0.0.1]:5672", "guest", "guest", "::ffff:127.0.0.1", 5672, "/",
               false);
    assert_url("amqp://[fe80::1%25eth0]/", "guest", "guest", "fe80::1%eth0", 5672, "", false);

    assert_int_equal(broker_url_parse("amqps://[::1]", 0, &url, &why), 0);
    broker_url_where(&url, where);
    assert_string_equal(where, "[::1]:5671");
    broker_url_clear(&url);
    assert_int_equal(broker_url_parse("amqp://127.0.0.1:1", 0, &url, &why), 0);
    broker_url_where(&url, where);
    assert_string_equal(where, "127.0.0.1:1");
    broker_url_clear(&url);
}

static void parts_that_are_left_out_are_the_brokers_defaults(void **state)
{
    (void)state;
    assert_url("amqp://host", "guest", "guest", "host", 5672, "/", false);
    assert_url("amqps://host", "guest", "guest", "host", 5671, "/", true);
    assert_url("amqp://me:secret@host", "me", "secret", "host", 5672, "/", false);
    assert_url("amqp://me:secret@", "me", "secret", "localhost", 5672, "/", false);
    assert_url("amqp://", "guest", "guest", "localhost", 5672, "/", false);
    assert_url("amqp://:5673/shop", "guest", "guest", "localhost", 5673, "shop", false);
    assert_url("amqp://me@host", "me", "guest", "host", 5672, "/", false);
    assert_url("amqp://me:@host", "me", "", "host", 5672, "/", false);
    assert_url("amqp://:@host", "", "", "host", 5672, "/", false);
    /* A slash alone is the virtual host without a name. */
    assert_url("amqp://host/", "guest", "guest", "host", 5672, "", false);
}

static void a_mistake_is_named_without_telling_the_password(void **state)
{
    static const char scheme[] = "it does not begin with amqp:// or amqps://";
    static const char escaped[] = "@ : / # [ ] are written %40 %3A %2F %23";
    static const char port[] = "its port is not a number from 1 to 65535";
    static const char percent[] = "a % is not followed by two hexadecimal digits";
    static const char vhost[] = "in the name of a virtual host, / is written %2F";
    static const char address[] = "an IPv6 one is written [2001:db8::1]";
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
        {"amqp://me:sec?ret@host", "as a letter, ? is written %3F"},
        {"amqp://me:sec#ret@host", escaped},
        {"amqp://me:sec[ret@host", escaped},
        {"amqp://me:12/sec@host", escaped},
        {"amqp://me:secret@host/shop\n", "is it one line?"},
        {"amqp://me:sec\tret@host", "is it one line?"},
        {"amqp://me:sec%00ret@host", "written %00"},
        {"amqp://me:sec%+1ret@host", percent},
        {"amqp://me:sec% 1ret@host", percent},
        {"amqp://me:sec%1", port},
        {"amqp://me:secret@host:+5672", port},
        {"amqp://me:secret@host: 5672", port},
        {"amqp://me:secret@host:5672:1", port},
        {"amqp://me:secret@host:%35", port},
        {"amqp://me:secret@[::1]:", port},
        {"amqp://me:secret@::1", port},
        {"amqp://me:secret@[]", address},
        {"amqp://me:secret@[host]", address},
        {"amqp://me:secret@[127.0.0.1]", address},
        {"amqp://me:secret@[::1", address},
        {"amqp://me:secret@[::1]5672", address},
        {"amqp://me:secret@host]", address},
        {"amqp://me:secret@%3A%3A1", address},
        {"amqp://me:secret@[1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20]", address},
        {"amqp://me:secret@host/[]", vhost},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct broker_url url;
        struct why why;

        if (broker_url_parse(cases[i].text, 0, &url, &why) != -ERR_INVALID)
            fail_msg("'%s' is accepted", cases[i].text);
        if (!strstr(why.text, cases[i].said))
            fail_msg("'%s' is refused with: %s", cases[i].text, why.text);
        assert_non_null(strstr(why.text, BROKER_URL_FORM));
        assert_null(strstr(why.text, "sec"));
        assert_null(url.buffer);
        assert_int_equal(broker_check_url(cases[i].text, &why), -ERR_INVALID);
    }
}

static void a_virtual_hosts_name_has_at_most_255_bytes(void **state)
{
    char text[400];
    struct why why;

    (void)state;
    snprintf(text, sizeof text, "amqp://host/%%C3%%A8%0253d", 0);
    assert_int_equal(broker_check_url(text, &why), 0);
    snprintf(text, sizeof text, "amqp://host/%%C3%%A8%0254d", 0);
    assert_int_equal(broker_check_url(text, &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, "more than 255 bytes"));
}

static void assert_nth(const char *text, size_t turn, const char *password, const char *host,
                       int port)
{
    struct broker_url url;
    struct why why;

    assert_int_equal(broker_url_parse(text, turn, &url, &why), 0);
    assert_string_equal(url.password, password);
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    broker_url_clear(&url);
}

static void several_are_separated_by_commas(void **state)
{
    static const char text[] = "amqp://me:a,b@one:1,amqps://me:c,amqp@two,amqp://me:,,@three:3";
    struct why why;

    (void)state;
    assert_int_equal(broker_url_count("amqp://host"), 1);
    assert_int_equal(broker_check_url("amqp://one/v,w,amqps://two/v%2cw", &why), 0);
    assert_int_equal(broker_url_count(text), 3);
    assert_int_equal(broker_check_url(text, &why), 0);
    for (size_t round = 0; round < 9; round += 3) {
        assert_nth(text, round, "a,b", "one", 1);
        assert_nth(text, round + 1, "c,amqp", "two", 5671);
        assert_nth(text, round + 2, ",,", "three", 3);
    }
}

static void each_of_several_is_checked(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"amqp://one:1,amqp://two,three", "URL 2 of 2: malformed AMQP URL: between two URLs"},
        {"amqp://one, amqp://two", "no blank"},
        {"amqp://one ,amqp://two", "URL 1 of 2: malformed AMQP URL: its host"},
        {"amqp://one amqp://two", "one comma"},
        {"amqp://one;amqps://me:secret@two", "one comma"},
        {"amqp://one,amqp://two:x", "URL 2 of 2: "},
        {"amqp://a:secret@b:0,amqp://c", "URL 1 of 2: "},
        {"amqp://one,amqp://", NULL},
        {"amqp://one:1,two:2", "one comma"},
        {"amqp://one,,amqp://two", "URL 1 of 2: malformed AMQP URL: between two URLs"},
        {",amqp://one", "URL 1 of 2: malformed AMQP URL: it does not begin with"},
        {"amqp://me:secret@one:1,", "one comma"},
        {"amqp://one/shop,amqp://me:secret@two/stock", "URL 2 of 2: it names another virtual host"},
        {"amqp://one,amqp://two,amqp://three/", "URL 3 of 3: it names another virtual host"},
        {"amqp://one,amqp://two/%2F", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct why why = {0};
        int error = broker_check_url(cases[i].text, &why);
        assert_int_equal(error, cases[i].said ? -ERR_INVALID : 0);
        if (error && (!strstr(why.text, cases[i].said) || strstr(why.text, "secret")))
            fail_msg("'%s' is refused with: %s", cases[i].text, why.text);
    }
}

static void several_name_one_broker_when_one_of_them_does(void **state)
{
    static const char both[] = "amqp://one,amqp://two/shop";

    (void)state;
    assert_true(broker_same_host(both, "amqp://me:secret@one:5672"));
    assert_true(broker_same_host("amqp://three,amqp://two/shop", both));
    assert_true(broker_same_host(both, both));
    assert_false(broker_same_host(both, "amqp://two"));
    assert_false(broker_same_host("amqp://three,amqp://one/shop", both));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_url_is_read),
        cmocka_unit_test(any_byte_may_be_percent_encoded_in_any_part),
        cmocka_unit_test(addresses_of_ipv6_stand_in_brackets),
        cmocka_unit_test(a_virtual_hosts_name_has_at_most_255_bytes),
        cmocka_unit_test(parts_that_are_left_out_are_the_brokers_defaults),
        cmocka_unit_test(a_mistake_is_named_without_telling_the_password),
        cmocka_unit_test(several_are_separated_by_commas),
        cmocka_unit_test(each_of_several_is_checked),
        cmocka_unit_test(several_name_one_broker_when_one_of_them_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
