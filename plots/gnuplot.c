#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unictype.h>
#include <unistd.h>
#include <unistr.h>

/* In single quotes gnuplot 5.4 mistakes two quotes in a row. In double quotes nothing but quotes,
 * backslashes and `commands` is special, and whatever is written as a number is not. It escapes
 * what XML must not hold but for one sequence, which is broken up. */
void gnuplot_write_text(FILE *script, const char *name, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);

    fprintf(script, "%s = \"", name);
    while (left) {
        ucs4_t character;
        int length = u8_mbtouc(&character, at, left);
        if (character < 0x20 || character == 0x7f)
            fputc(' ', script);
        else if (character == 0xfffd || !uc_is_print(character))
            fputs("\xef\xbf\xbd", script);
        else if (character == '>' && at - (const uint8_t *)text >= 2 &&
                 memcmp(at - 2, "]]", 2) == 0)
            fputs(" >", script);
        else if (character < 0x80 && strchr("\"\\`", (int)character))
            fprintf(script, "\\%03o", *at);
        else
            fwrite(at, 1, (size_t)length, script);
        at += length;
        left -= (size_t)length;
    }
    fputs("\"\n", script);
}

void gnuplot_write_number(FILE *script, const char *name, double number)
{
    if (isnan(number))
        fprintf(script, "%s = NaN\n", name);
    else
        fprintf(script, "%s = %.17g\n", name, number);
}

void gnuplot_write_count(FILE *script, const char *name, size_t count)
{
    fprintf(script, "%s_count = %zu\n", name, count);
}

void gnuplot_begin_data(FILE *script, const char *name)
{
    fprintf(script, "$%s << EOD\n", name);
}

void gnuplot_end_data(FILE *script)
{
    fputs("EOD\n", script);
}

FILE *gnuplot_scratch(struct why *why)
{
    const char *directory = getenv("TMPDIR");
    char *path = NULL;
    FILE *file = NULL;

    if (!directory || !directory[0])
        directory = "/tmp";
    if (asprintf(&path, "%s/winnow-plot.XXXXXX", directory) < 0) {
        error_set(why, ERR_MEMORY, "out of memory");
        return NULL;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
        file = fdopen(fd, "w+");
        if (!file)
            close(fd);
    }
    if (!file)
        error_set(why, ERR_SYSTEM, "cannot make a temporary file in '%s': %s", directory,
                  strerror(errno));
    free(path);
    return file;
}

/* gnuplot points at what it did not like over several lines; the last one that says something, and
 * does not merely warn, is the message. */
static void last_words(FILE *errors, char *words, size_t size)
{
    char line[256];

    snprintf(words, size, "it did not say why");
    rewind(errors);
    while (fgets(line, sizeof line, errors)) {
        const char *start = line + strspn(line, " \t^");
        size_t length = strcspn(start, "\r\n");
        if (length && !strstr(start, "warning: "))
            snprintf(words, size, "%.*s", (int)length, start);
    }
}

static int spawn(FILE *script, FILE *picture, FILE *errors, pid_t *pid)
{
    /* Without the person's own settings, which could change the picture. */
    char *arguments[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);

    if (failed)
        return failed;
    failed = posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, fileno(picture), STDOUT_FILENO);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
    if (!failed)
        failed = posix_spawnp(pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int run(FILE *script, FILE *picture, FILE *errors, struct why *why)
{
    int status;
    pid_t pid;

    if (fflush(script) || lseek(fileno(script), 0, SEEK_SET) < 0)
        return error_set(why, ERR_SYSTEM, "cannot write the script for gnuplot: %s",
                         strerror(errno));
    int failed = spawn(script, picture, errors, &pid);
    if (failed == ENOENT)
        return error_set(why, ERR_UNAVAILABLE,
                         "gnuplot is not installed, or not in $PATH; install it (apt install "
                         "gnuplot-nox) and draw again");
    if (failed)
        return error_set(why, ERR_SYSTEM, "cannot start gnuplot: %s", strerror(failed));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_set(why, ERR_SYSTEM, "lost sight of gnuplot: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return error_set(why, ERR_CONFIG, "gnuplot was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0 || lseek(fileno(picture), 0, SEEK_END) <= 0) {
        char words[256];
        last_words(errors, words, sizeof words);
        return error_set(why, ERR_CONFIG, "gnuplot could not draw the picture: %s", words);
    }
    if (lseek(fileno(picture), 0, SEEK_SET) < 0)
        return error_set(why, ERR_SYSTEM, "cannot read the picture: %s", strerror(errno));
    return 0;
}

int gnuplot_run(FILE *script, FILE **picture, struct why *why)
{
    int error = -ERR_SYSTEM;
    FILE *drawn = gnuplot_scratch(why);
    FILE *errors = drawn ? gnuplot_scratch(why) : NULL;

    if (drawn && errors)
        error = run(script, drawn, errors, why);
    if (errors)
        fclose(errors);
    if (!error)
        *picture = drawn;
    else if (drawn)
        fclose(drawn);
    return error;
}
