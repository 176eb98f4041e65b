/* Who is let in to winnow-page: routes, hosts, tokens, writes. */
#include "page/bearer_token.h"
#include "page/guard.h"
#include "page/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define READ    "0123456789abcdef0123456789abcdef"
#define CONTROL "fedcba9876543210fedcba9876543210"

/* ---- routes ---- */

static enum route_found find(const char *method, const char *path, struct route *route)
{
    char allow[ROUTE_ALLOW_SIZE];

    return route_find(method, path, route, allow);
}

static void a_path_says_what_is_wanted(void **state)
{
    static const struct {
        const char *method, *path;
        enum route_kind kind;
        enum route_need need;
    } rows[] = {
        {"GET", "/", ROUTE_SITE, ROUTE_FOR_ALL},
        {"HEAD", "/style.css?v=1", ROUTE_SITE, ROUTE_FOR_ALL},
        {"GET", "/healthz", ROUTE_HEALTHZ, ROUTE_FOR_ALL},
        {"GET", "/api/v1/farms", ROUTE_FARMS, ROUTE_TO_READ},
        {"GET", "/api/v1/farms/shop/status", ROUTE_STATUS, ROUTE_TO_READ},
        {"GET", "/api/v1/farms/shop/scale", ROUTE_SCALE, ROUTE_TO_READ},
        {"PUT", "/api/v1/farms/shop/scale", ROUTE_SET_SCALE, ROUTE_TO_CONTROL},
        {"POST", "/api/v1/farms/shop/events", ROUTE_EVENTS, ROUTE_TO_CONTROL},
        {"POST", "/api/v1/farms/shop/workers/local/3/stop", ROUTE_STOP, ROUTE_TO_CONTROL},
        {"POST", "/api/v1/farms/shop/nodes/a/drain", ROUTE_DRAIN, ROUTE_TO_CONTROL},
        {"POST", "/api/v1/farms/shop/nodes/a/undrain", ROUTE_UNDRAIN, ROUTE_TO_CONTROL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct route route;
        assert_int_equal(find(rows[i].method, rows[i].path, &route), ROUTE_FOUND);
        assert_int_equal(route.kind, rows[i].kind);
        assert_int_equal(route.need, rows[i].need);
    }
}

static void names_in_a_path_are_decoded(void **state)
{
    struct route route;

    (void)state;
    assert_int_equal(find("POST", "/api/v1/farms/a%2Fb%20%3c/workers/h%C3%b6/12/stop?x=/y", &route),
                     ROUTE_FOUND);
    assert_string_equal(route.farm, "a/b <");
    assert_string_equal(route.node, "h\xc3\xb6");
    assert_int_equal(route.slot, 12);
}

static void a_path_that_cannot_be_is_refused(void **state)
{
    static const char *const malformed[] = {
        "/api/v1/farms//status",      "/api/v1/farms/%/status",   "/api/v1/farms/a%0/status",
        "/api/v1/farms/a%00b/status", "/api/v1/farms/%zz/status",
    };
    static const char *const slots[] = {"", "-1", "+1", " 1", "1x", "0x1", "1.0", "9999999999"};
    static const char *const missing[] = {
        "",
        "//",
        "/api/v1/farms/",
        "/api/v1/farms/a/b/status",
        "*",
        "/../",
        "/api/v1/farms/a/status/",
        "/API/v1/farms",
        "/healthz/",
        "/page.js/",
        "http://x/api/v1/farms/shop/status",
    };
    char path[100];
    struct route route;

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_int_equal(find("GET", malformed[i], &route), ROUTE_MALFORMED);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        snprintf(path, sizeof path, "/api/v1/farms/a/workers/local/%s/stop", slots[i]);
        assert_int_equal(find("POST", path, &route), ROUTE_MALFORMED);
    }
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
        assert_int_equal(find("GET", missing[i], &route), ROUTE_MISSING);
}

static void a_name_has_its_room_and_no_more(void **state)
{
    char path[2 * ROUTE_NAME_SIZE];
    struct route route;

    (void)state;
    snprintf(path, sizeof path, "/api/v1/farms/%0*d/status", ROUTE_NAME_SIZE - 1, 1);
    assert_int_equal(find("GET", path, &route), ROUTE_FOUND);
    assert_int_equal(strlen(route.farm), ROUTE_NAME_SIZE - 1);
    snprintf(path, sizeof path, "/api/v1/farms/%0*d/status", ROUTE_NAME_SIZE, 1);
    assert_int_equal(find("GET", path, &route), ROUTE_MALFORMED);
}

static void another_method_is_told_which_there_are(void **state)
{
    char allow[ROUTE_ALLOW_SIZE];
    struct route route;

    (void)state;
    assert_int_equal(route_find("POST", "/api/v1/farms/a/scale", &route, allow), ROUTE_METHOD);
    assert_string_equal(allow, "GET, HEAD, PUT");
    assert_int_equal(route_find("DELETE", "/", &route, allow), ROUTE_METHOD);
    assert_string_equal(allow, "GET, HEAD");
    assert_int_equal(route_find("get", "/healthz", &route, allow), ROUTE_METHOD);
    assert_int_equal(route_find("GET", "/api/v1/farms/a/pause", &route, allow), ROUTE_METHOD);
    assert_string_equal(allow, "POST");
}

/* ---- targets ---- */

/* What is not decoded here: whoever knows a path's parts does that. */
static void a_target_is_split_where_its_host_ends(void **state)
{
    static const struct {
        const char *target, *authority, *path;
    } rows[] = {
        {"", NULL, ""},
        {"/", NULL, "/"},
        {"*", NULL, "*"},
        {"a:80", NULL, "a:80"},
        {"//evil/x", NULL, "//evil/x"},
        {"http", NULL, "http"},
        {"http:", NULL, "http:"},
        {"http:/x", NULL, "http:/x"},
        {"ftp://a/x", NULL, "ftp://a/x"},
        {" http://a/x", NULL, " http://a/x"},
        {"/http://a/x", NULL, "/http://a/x"},
        {"/a//b/", NULL, "/a//b/"},
        {"/%2F/%00/../.", NULL, "/%2F/%00/../."},
        {"/h\xc3\xb6\xff", NULL, "/h\xc3\xb6\xff"},
        {"http://", "", "/"},
        {"https://", "", "/"},
        {"http:///", "", "/"},
        {"http:////x", "", "//x"},
        {"http://?x", "", "/?x"},
        {"http://a", "a", "/"},
        {"HtTpS://a:1", "a:1", "/"},
        {"http://a/", "a", "/"},
        {"http://a//", "a", "//"},
        {"http://a?/b", "a", "/?/b"},
        {"http://a#/b", "a", "/#/b"},
        {"http://[::1]:80/x?y#z", "[::1]:80", "/x?y#z"},
        {"http://u:p@a/x", "u:p@a", "/x"},
        {"http://a%2F@b/x", "a%2F@b", "/x"},
        {"http://a%00b/%00", "a%00b", "/%00"},
        {"http://a\\b/x", "a\\b", "/x"},
        {"http://../..", "..", "/.."},
        {"http://http://a/x", "http:", "//a/x"},
        {"http://\xc3\xb6/\xff", "\xc3\xb6", "/\xff"},
    };
    char target[40];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *authority = "none was said";
        snprintf(target, sizeof target, "%s", rows[i].target);
        const char *path = route_split(target, &authority);
        assert_string_equal(path, rows[i].path);
        if (rows[i].authority)
            assert_string_equal(authority, rows[i].authority);
        else
            assert_null(authority);
    }
}

/* In memory of its exact size, for the sanitizers. */
static void a_target_may_have_any_length(void **state)
{
    enum { LONG = 100000 };
    static const char *const ends[] = {"", "/", "?", "/%"};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t size = strlen("http://") + LONG + strlen(ends[i]) + 1;
        char *target = malloc(size);
        const char *authority;
        assert_non_null(target);
        snprintf(target, size, "http://%0*d%s", LONG, 0, ends[i]);
        const char *path = route_split(target, &authority);
        assert_int_equal(strspn(authority, "0"), LONG);
        assert_int_equal(strlen(authority), LONG);
        assert_int_equal(*path, '/');
        assert_string_equal(path + (*ends[i] != '/'), ends[i]);
        free(target);
    }
}

/* Dots mean nothing: a farm may be called so, and no file is ever looked for. */
static void parts_of_a_path_are_names_and_nothing_else(void **state)
{
    static const struct {
        const char *path;
        enum route_found found;
        const char *farm;
    } rows[] = {
        {"/api/v1/farms/../status", ROUTE_FOUND, ".."},
        {"/api/v1/farms/%2e%2e%2f/status", ROUTE_FOUND, "../"},
        {"/api/v1/farms/%2F/status", ROUTE_FOUND, "/"},
        {"/api/v1/farms/%252F/status", ROUTE_FOUND, "%2F"},
        {"/api/v1/farms/\xff/status", ROUTE_FOUND, "\xff"},
        {"/api/v1/farms/a;b=c/status", ROUTE_FOUND, "a;b=c"},
        {"/api/v1/farms/a/status?", ROUTE_FOUND, "a"},
        {"/api/v1/farms/%00/status", ROUTE_MALFORMED, ""},
        {"/api/v1/farms/%/status", ROUTE_MALFORMED, ""},
        {"/api/v1/farms/a%2/status", ROUTE_MALFORMED, ""},
        {"/api/v1/farms//status", ROUTE_MALFORMED, ""},
        {"/api/v1/farms/a//status", ROUTE_MISSING, ""},
        {"//api/v1/farms/a/status", ROUTE_MISSING, ""},
        {"/api/v1/farms/a/%73tatus", ROUTE_MISSING, ""},
        {"/api/v1/farms/a/./status", ROUTE_MISSING, ""},
        {"/api/v1/farms/x/../a/status", ROUTE_MISSING, ""},
        {"/api/v1/farms/a/status#x", ROUTE_MISSING, ""},
        {"/api/v1/farms/a/status%3F", ROUTE_MISSING, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct route route;
        assert_int_equal(find("GET", rows[i].path, &route), rows[i].found);
        if (rows[i].found == ROUTE_FOUND)
            assert_string_equal(route.farm, rows[i].farm);
    }
}

/* ---- hosts ---- */

static void a_host_is_known_by_name(void **state)
{
    const struct guard guard = {.hosts = {"localhost", "127.0.0.1", "[::1]", "page.example:8080"},
                                .host_count = 4};
    static const char *const own[] = {"localhost", "LOCALHOST:1", "127.0.0.1:8672",
                                      "[::1]",     "[::1]:8672",  "Page.Example:8080"};
    static const char *const foreign[] = {
        "",
        "evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "localhost.",
        "page.example",
        "page.example:80",
        "[::1",
        "::1",
        "localhost:80:80x",

        "127.0.0.1.evil.example:8672",
        "localhost@evil.example",
    };

    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        assert_true(guard_is_own_host(&guard, own[i]));
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_false(guard_is_own_host(&guard, foreign[i]));
}

static void one_host_is_expected(void **state)
{
    const struct guard guard = {.hosts = {"localhost"}, .host_count = 1};
    struct problem problem;

    (void)state;
    assert_true(guard_admits_host(
        &guard, &(struct guard_request){.host = "localhost", .host_count = 1}, &problem));
    assert_false(guard_admits_host(
        &guard, &(struct guard_request){.host = "localhost", .host_count = 2}, &problem));
    assert_false(guard_admits_host(&guard, &(struct guard_request){0}, &problem));
    assert_int_equal(problem_status(problem.kind), 421);
    assert_false(guard_admits_host(
        &guard, &(struct guard_request){.host = "localhost", .host_count = 1, .unclear = "Origin"},
        &problem));
    assert_int_equal(problem.kind, PROBLEM_MALFORMED);
}

/* ---- tokens and writes ---- */

static struct bearer_token token_of(const char *text)
{
    struct bearer_token token = {.length = strlen(text)};

    memcpy(token.text, text, token.length);
    return token;
}

static struct guard guard_with(bool read, bool control)
{
    struct guard guard = {.hosts = {"localhost"}, .host_count = 1};

    if (read)
        guard.read = token_of(READ);
    if (control)
        guard.control = token_of(CONTROL);
    return guard;
}

/* The status of HTTP; 200: let in. */
static unsigned ask(const struct guard *guard, const char *method, const char *path,
                    const struct guard_request *request)
{
    struct problem problem = {0};
    struct route route;

    assert_int_equal(find(method, path, &route), ROUTE_FOUND);
    return guard_admits(guard, &route, request, &problem) ? 200 : problem_status(problem.kind);
}

static unsigned look(const struct guard *guard, const char *authorization)
{
    return ask(guard, "GET", "/api/v1/farms",
               &(struct guard_request){
                   .host = "localhost", .host_count = 1, .authorization = authorization});
}

static unsigned steer(const struct guard *guard, const char *authorization, const char *type,
                      const char *origin)
{
    return ask(guard, "POST", "/api/v1/farms/a/pause",
               &(struct guard_request){.host = "localhost:1",
                                       .host_count = 1,
                                       .authorization = authorization,
                                       .content_type = type,
                                       .origin = origin});
}

static void tokens_let_look_or_steer(void **state)
{
    static const struct {
        bool read, control;
        const char *given;
        unsigned looks, steers;
    } rows[] = {
        {false, false, NULL, 200, 403},
        {false, false, "Bearer x", 200, 403},
        {true, false, NULL, 401, 403},
        {true, false, "Bearer " READ, 200, 403},
        {false, true, NULL, 200, 401},
        {false, true, "Bearer " CONTROL, 200, 200},
        {false, true, "Bearer " READ, 401, 401},
        {true, true, NULL, 401, 401},
        {true, true, "Bearer " READ, 200, 403},
        {true, true, "bearer  " CONTROL, 200, 200},
        {true, true, "Bearer " CONTROL "x", 401, 401},
        {true, true, "Bearer " CONTROL " ", 401, 401},
        {true, true, "Bearer", 401, 401},
        {true, true, "Bearer ", 401, 401},
        {true, true, "Basic " READ, 401, 401},
        {true, true, READ, 401, 401},
        {true, true, "Bearer " READ CONTROL, 401, 401},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct guard guard = guard_with(rows[i].read, rows[i].control);
        assert_int_equal(look(&guard, rows[i].given), rows[i].looks);
        assert_int_equal(steer(&guard, rows[i].given, "application/json", NULL), rows[i].steers);
        assert_int_equal(ask(&guard, "GET", "/healthz", &(struct guard_request){0}), 200);
    }
}

static void a_write_is_json_from_our_own_page(void **state)
{
    const struct guard guard = guard_with(true, true);
    const char *given = "Bearer " CONTROL;

    (void)state;
    assert_int_equal(steer(&guard, given, "Application/JSON; charset=utf-8", NULL), 200);
    assert_int_equal(steer(&guard, given, NULL, NULL), 415);
    assert_int_equal(steer(&guard, given, "application/jsonx", NULL), 415);
    assert_int_equal(steer(&guard, given, "application/x-www-form-urlencoded", NULL), 415);
    assert_int_equal(steer(&guard, given, "text/plain; application/json", NULL), 415);
    assert_int_equal(steer(&guard, given, "application/json", "http://localhost:1"), 200);
    assert_int_equal(steer(&guard, given, "application/json", "https://LOCALHOST:1"), 200);
    for (const char *const *origin =
             (const char *const[]){"null", "", "http://localhost", "http://localhost:2",
                                   "http://evil.example", "http://localhost:1.evil.example",
                                   "localhost:1", "ftp://localhost:1", NULL};
         *origin; origin++) {
        assert_int_equal(steer(&guard, given, "application/json", *origin), 403);
        assert_int_equal(steer(&guard, NULL, "application/json", *origin), 403);
    }
}

/* ---- token files ---- */

static int read_file(const char *text, mode_t mode, struct bearer_token *token, struct why *why)
{
    FILE *file = fopen("token", "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod("token", mode);
    int error = bearer_token_read("token", token, why);
    unlink("token");
    return error;
}

static void a_token_is_the_first_line_of_its_file(void **state)
{
    struct bearer_token token;
    struct why why;

    (void)state;
    assert_int_equal(read_file(READ "\r\nmore\n", 0600, &token, &why), 0);
    assert_true(bearer_token_is(&token, READ, strlen(READ)));
    assert_false(bearer_token_is(&token, READ, strlen(READ) - 1));
    assert_false(bearer_token_is(&token, CONTROL, strlen(CONTROL)));
    assert_false(bearer_token_is(&token, "", 0));
    assert_int_equal(read_file(READ, 0400, &token, &why), 0);
    assert_false(bearer_token_is(&(struct bearer_token){0}, "", 0));
}

static void a_file_that_is_no_secret_is_refused(void **state)
{
    char longest[BEARER_TOKEN_MOST + 2];
    struct bearer_token token;
    struct why why;

    (void)state;
    for (mode_t mode = 0601; mode <= 0677; mode++) {
        assert_int_equal(read_file(READ, mode, &token, &why), -ERR_CONFIG);
        assert_non_null(strstr(why.text, "chmod 600"));
    }
    assert_int_equal(read_file("0123456789abcdef0123456789abcde", 0600, &token, &why), -ERR_CONFIG);
    assert_null(strstr(why.text, "abcde"));
    assert_int_equal(read_file("", 0600, &token, &why), -ERR_CONFIG);
    assert_int_equal(read_file(READ " ", 0600, &token, &why), -ERR_CONFIG);
    assert_int_equal(read_file("00000000000000000000000000000000", 0600, &token, &why),
                     -ERR_CONFIG);
    for (size_t i = 0; i <= BEARER_TOKEN_MOST; i++)
        longest[i] = (char)('a' + i % 26);
    longest[BEARER_TOKEN_MOST + 1] = '\0';
    assert_int_equal(read_file(longest, 0600, &token, &why), -ERR_CONFIG);
    longest[BEARER_TOKEN_MOST] = '\0';
    assert_int_equal(read_file(longest, 0600, &token, &why), 0);
    assert_int_equal(bearer_token_read("nowhere", &token, &why), -ERR_CONFIG);
    assert_int_equal(bearer_token_read("/dev/null", &token, &why), -ERR_CONFIG);
    assert_int_equal(bearer_token_read(".", &token, &why), -ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_says_what_is_wanted),
        cmocka_unit_test(names_in_a_path_are_decoded),
        cmocka_unit_test(a_path_that_cannot_be_is_refused),
        cmocka_unit_test(a_name_has_its_room_and_no_more),
        cmocka_unit_test(another_method_is_told_which_there_are),
        cmocka_unit_test(a_target_is_split_where_its_host_ends),
        cmocka_unit_test(a_target_may_have_any_length),
        cmocka_unit_test(parts_of_a_path_are_names_and_nothing_else),
        cmocka_unit_test(a_host_is_known_by_name),
        cmocka_unit_test(one_host_is_expected),
        cmocka_unit_test(tokens_let_look_or_steer),
        cmocka_unit_test(a_write_is_json_from_our_own_page),
        cmocka_unit_test(a_token_is_the_first_line_of_its_file),
        cmocka_unit_test(a_file_that_is_no_secret_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
