#include "cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "cache-test.XXXXXX";

static struct cache_key key_of(const char *text)
{
    struct cache_key key = {0};

    cache_key_add(&key, text, strlen(text));
    return key;
}

static struct cache *open_cache(void)
{
    struct cache *cache = NULL;
    struct why why;

    if (cache_open(&cache, &why))
        fail_msg("%s", why.text);
    return cache;
}

static void keep(const struct cache *cache, const char *name, const char *content)
{
    struct why why;

    if (cache_keep(cache, key_of(name), content, strlen(content), &why))
        fail_msg("%s", why.text);
}

/* What is kept under a name is this; NULL: nothing, and why not says so. */
static void assert_kept(const struct cache *cache, const char *name, const char *content,
                        const char *disbelief)
{
    struct cache_image image;
    struct why why;
    int error = cache_map(cache, key_of(name), &image, &why);

    if (content) {
        assert_int_equal(error, 0);
        assert_int_equal(image.length, strlen(content));
        assert_memory_equal(image.bytes, content, image.length);
        assert_int_equal((uintptr_t)image.bytes % 64, 0);
    } else {
        assert_int_equal(error, -ERR_MISSING);
        assert_null(image.bytes);
        assert_non_null(strstr(why.text, disbelief));
    }
    cache_unmap(&image);
}

/* The path of the file that holds what is kept under a name. */
static const char *path_of(const char *name)
{
    static char path[128]; /* until the next call */
    struct cache_key key = key_of(name);

    snprintf(path, sizeof path, "%s/%016llx%016llx.image", directory, (unsigned long long)key.high,
             (unsigned long long)key.low);
    return path;
}

static size_t count_files(void)
{
    char command[128];
    size_t count = 0;

    snprintf(command, sizeof command, "ls %s", directory);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    for (int byte; (byte = fgetc(list)) != EOF;)
        count += byte == '\n';
    assert_int_equal(pclose(list), 0);
    return count;
}

static void what_was_kept_is_mapped(void **state)
{
    struct cache *cache = open_cache();
    (void)state;

    assert_kept(cache, "first", NULL, "");
    keep(cache, "first", "some content");
    keep(cache, "second", "");
    assert_kept(cache, "first", "some content", NULL);
    assert_kept(cache, "second", "", NULL);
    keep(cache, "first", "other content");
    assert_kept(cache, "first", "other content", NULL);
    keep(cache, "third", "x");
    assert_kept(cache, "third", "x", NULL);
    assert_int_equal(count_files(), 3);
    cache_close(cache);
}

static void what_is_not_there_needs_no_reason(void **state)
{
    struct cache *cache = open_cache();
    struct cache_image image;
    struct why why = {.text = "as before"};
    (void)state;

    assert_int_equal(cache_map(cache, key_of("first"), &image, &why), -ERR_MISSING);
    assert_string_equal(why.text, "");
    cache_close(cache);
}

static size_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void no_descriptor_stays_open(void **state)
{
    size_t before = open_descriptors();
    struct cache *cache = open_cache();
    struct why why;
    int lock;
    (void)state;

    keep(cache, "first", "some content");
    assert_kept(cache, "first", "some content", NULL);
    assert_int_equal(truncate(path_of("first"), 10), 0);
    assert_kept(cache, "first", NULL, "not whole");
    assert_int_equal(cache_lock(cache, key_of("first"), 0, &lock, &why), 0);
    cache_unlock(cache, key_of("first"), lock);
    cache_close(cache);
    assert_int_equal(chmod(directory, 0777), 0);
    assert_int_equal(cache_open(&cache, &why), -ERR_SYSTEM);
    assert_int_equal(open_descriptors(), before);
}

static void what_cannot_be_written_whole_leaves_nothing(void **state)
{
    struct rlimit limit, before;
    char content[5000] = "";
    struct cache *cache = open_cache();
    struct why why;
    (void)state;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int error = cache_keep(cache, key_of("first"), content, sizeof content, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(error, -ERR_SYSTEM);
    assert_non_null(strstr(why.text, "File too large"));
    assert_int_equal(count_files(), 0);
    cache_close(cache);
}

static void a_mapping_outlives_its_file(void **state)
{
    struct cache *cache = open_cache();
    struct cache_image image;
    (void)state;

    keep(cache, "first", "some content");
    assert_int_equal(cache_map(cache, key_of("first"), &image, NULL), 0);
    assert_int_equal(unlink(path_of("first")), 0);
    cache_close(cache);
    assert_memory_equal(image.bytes, "some content", image.length);
    cache_unmap(&image);
}

static void keys_depend_on_every_part_and_their_order(void **state)
{
    struct cache_key keys[] = {key_of(""), key_of("a"), key_of("ab"), key_of("b"), {0}, {0}, {0}};
    (void)state;

    cache_key_add(&keys[5], "a", 1);
    cache_key_add(&keys[5], "b", 1);
    cache_key_add(&keys[6], "b", 1);
    cache_key_add(&keys[6], "a", 1);
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(keys[i].high != keys[j].high && keys[i].low != keys[j].low);
}

static void a_damaged_file_is_not_believed(void **state)
{
    struct cache *cache = open_cache();
    char byte;
    (void)state;

    keep(cache, "first", "some content");
    const char *path = path_of("first");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    /* Every byte that is no padding counts. */
    for (off_t at = 0; at < status.st_size; at++) {
        if (at >= 40 && at < 64)
            continue;
        int fd = open(path, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_kept(cache, "first", NULL, ".image: it");
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    assert_kept(cache, "first", "some content", NULL);
    assert_int_equal(truncate(path, status.st_size - 1), 0);
    assert_kept(cache, "first", NULL, "not whole");
    assert_int_equal(truncate(path, 10), 0);
    assert_kept(cache, "first", NULL, "not whole");
    assert_int_equal(truncate(path, 0), 0);
    assert_kept(cache, "first", NULL, "not whole");
    keep(cache, "first", "anew");
    assert_kept(cache, "first", "anew", NULL);
    char moved[128];
    snprintf(moved, sizeof moved, "%s", path_of("first"));
    assert_int_equal(rename(moved, path_of("second")), 0);
    assert_kept(cache, "second", NULL, "something else");
    cache_close(cache);
}

static void what_others_may_write_is_not_believed(void **state)
{
    struct cache *cache = open_cache();
    struct why why;
    (void)state;

    keep(cache, "first", "some content");
    assert_int_equal(chmod(path_of("first"), 0660), 0);
    assert_kept(cache, "first", NULL, "others");
    keep(cache, "second", "some content");
    char target[128];
    snprintf(target, sizeof target, "%s", path_of("second") + strlen(directory) + 1);
    assert_int_equal(symlink(target, path_of("third")), 0);
    assert_kept(cache, "third", NULL, "symbolic links");
    cache_close(cache);

    assert_int_equal(chmod(directory, 0777), 0);
    assert_int_equal(cache_open(&cache, &why), -ERR_SYSTEM);
    assert_non_null(strstr(why.text, "others may write"));
    assert_int_equal(chmod(directory, 0700), 0);

    assert_int_equal(setenv(CACHE_VARIABLE, "link", 1), 0);
    assert_int_equal(symlink(directory, "link"), 0);
    assert_int_equal(cache_open(&cache, &why), -ERR_SYSTEM);
    assert_int_equal(setenv(CACHE_VARIABLE, "/nowhere/at/all", 1), 0);
    assert_int_equal(cache_open(&cache, &why), -ERR_SYSTEM);
    assert_non_null(strstr(why.text, "/nowhere/at/all"));
    /* Only root can try this: a directory of somebody else's. */
    if (geteuid() == 0) {
        assert_int_equal(mkdir("theirs", 0755), 0);
        assert_int_equal(chown("theirs", 1, 1), 0);
        assert_int_equal(setenv(CACHE_VARIABLE, "theirs", 1), 0);
        assert_int_equal(cache_open(&cache, &why), -ERR_SYSTEM);
        assert_non_null(strstr(why.text, "another user"));
    }
}

static void the_directory_follows_the_environment(void **state)
{
    char here[256], path[300];
    struct stat status;
    (void)state;

    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(unsetenv(CACHE_VARIABLE), 0);
    assert_int_equal(unsetenv("CACHE_DIRECTORY"), 0);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_int_equal(setenv("HOME", here, 1), 0);
    cache_close(open_cache());
    assert_int_equal(stat(".cache/winnow", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/xdg", here);
    assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
    cache_close(open_cache());
    assert_int_equal(stat("xdg/winnow", &status), 0);
    snprintf(path, sizeof path, "%s/systemd", here);
    assert_int_equal(setenv("CACHE_DIRECTORY", path, 1), 0);
    cache_close(open_cache());
    assert_int_equal(stat("systemd", &status), 0);
}

static void nobody_waits_for_ever_for_a_process_that_stands_still(void **state)
{
    struct cache *cache = open_cache();
    struct why why;
    int held, lock;
    (void)state;

    /* Another descriptor locks like another process. */
    assert_int_equal(cache_lock(cache, key_of("slow"), 0, &held, &why), 0);
    assert_int_equal(cache_lock(cache, key_of("slow"), 20000000, &lock, &why), -ERR_SYSTEM);
    assert_non_null(strstr(why.text, "another process has held it for too long"));
    cache_unlock(cache, key_of("slow"), held);
    assert_int_equal(cache_lock(cache, key_of("slow"), 0, &lock, &why), 0);
    cache_unlock(cache, key_of("slow"), lock);
    cache_close(cache);
}

static void one_process_makes_while_others_wait(void **state)
{
    enum { PROCESSES = 6 };
    struct cache *cache = open_cache();
    int made[2];
    (void)state;

    assert_int_equal(pipe(made), 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork())
            continue;
        struct cache_image image;
        struct why why;
        int lock;
        if (cache_lock(cache, key_of("shared"), INT64_C(60000000000), &lock, &why))
            _exit(1);
        if (cache_map(cache, key_of("shared"), &image, &why)) {
            usleep(50000);
            if (write(made[1], "x", 1) != 1 ||
                cache_keep(cache, key_of("shared"), "made", 4, &why) ||
                cache_map(cache, key_of("shared"), &image, &why))
                _exit(2);
        }
        cache_unlock(cache, key_of("shared"), lock);
        _exit(image.length == 4 ? 0 : 3);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    char bytes[PROCESSES];
    assert_int_equal(read(made[0], bytes, sizeof bytes), 1);
    assert_int_equal(count_files(), 1);
    close(made[0]);
    close(made[1]);
    cache_close(cache);
}

static void what_nobody_asks_for_is_removed(void **state)
{
    struct cache *cache = open_cache();
    char name[16], path[64];
    (void)state;

    for (int i = 0; i < CACHE_FILES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        keep(cache, name, name);
        struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
    }
    /* Somebody else's file stays, however old; what a dead process left goes. */
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    snprintf(path, sizeof path, "%s/letter.txt", directory);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    snprintf(path, sizeof path, "%s/0123456789abcdef0123456789abcdef.77.new", directory);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);

    assert_kept(cache, "n0", "n0", NULL); /* asked for: now n1 is the oldest */
    keep(cache, "one more", "one more");
    assert_int_equal(count_files(), CACHE_FILES + 1);
    assert_kept(cache, "n0", "n0", NULL);
    assert_kept(cache, "n1", NULL, "");
    assert_int_equal(access(path_of("n2"), F_OK), 0);
    assert_int_equal(access(path, F_OK), -1);
    /* Whatever order they are found in, the next to go is always the oldest. */
    for (int i = 2; i < CACHE_FILES; i++) {
        char more[16];
        snprintf(name, sizeof name, "n%d", i);
        snprintf(more, sizeof more, "m%d", i);
        assert_int_equal(access(path_of(name), F_OK), 0);
        keep(cache, more, more);
        assert_int_equal(access(path_of(name), F_OK), -1);
    }
    cache_close(cache);
}

static int fresh_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "cache-test.XXXXXX");
    return !mkdtemp(directory) || setenv(CACHE_VARIABLE, directory, 1);
}

#define TEST(claim) cmocka_unit_test_setup(claim, fresh_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_kept_is_mapped),
        TEST(what_is_not_there_needs_no_reason),
        TEST(no_descriptor_stays_open),
        TEST(what_cannot_be_written_whole_leaves_nothing),
        TEST(a_mapping_outlives_its_file),
        TEST(keys_depend_on_every_part_and_their_order),
        TEST(a_damaged_file_is_not_believed),
        TEST(what_others_may_write_is_not_believed),
        TEST(the_directory_follows_the_environment),
        TEST(nobody_waits_for_ever_for_a_process_that_stands_still),
        TEST(one_process_makes_while_others_wait),
        TEST(what_nobody_asks_for_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
