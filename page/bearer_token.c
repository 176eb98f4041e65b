#include "bearer_token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What may stand behind "Bearer" (RFC 6750). */
#define CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

/* Chance makes no token of fewer different ones. */
#define LEAST_DIFFERENT 8

static size_t count_different(const struct bearer_token *token)
{
    bool seen[256] = {false};
    size_t count = 0;

    for (size_t i = 0; i < token->length; i++) {
        unsigned char byte = (unsigned char)token->text[i];
        count += !seen[byte];
        seen[byte] = true;
    }
    return count;
}

static int take(const char *path, const char *bytes, size_t length, struct bearer_token *token,
                struct why *why)
{
    const char *end = memchr(bytes, '\n', length);
    size_t line = end ? (size_t)(end - bytes) : length;

    *token = (struct bearer_token){0};
    if (line && bytes[line - 1] == '\r')
        line--;
    if (line < BEARER_TOKEN_LEAST || line > BEARER_TOKEN_MOST)
        return error_set(why, ERR_CONFIG,
                         "%s: a token of %zu characters; expected " BEARER_TOKEN_FORM, path, line);
    for (size_t i = 0; i < line; i++)
        if (!bytes[i] || !strchr(CHARACTERS, bytes[i]))
            return error_set(why, ERR_CONFIG,
                             "%s: character %zu is not one of a token; expected " BEARER_TOKEN_FORM,
                             path, i + 1);
    token->length = line;
    memcpy(token->text, bytes, line);
    if (count_different(token) >= LEAST_DIFFERENT)
        return 0;
    *token = (struct bearer_token){0};
    return error_set(why, ERR_CONFIG,
                     "%s: too few different characters; expected " BEARER_TOKEN_FORM, path);
}

/* Whether nobody but its owner, who is this user or root, may read it. */
static int check_mode(const char *path, const struct stat *file, struct why *why)
{
    if (!S_ISREG(file->st_mode))
        return error_set(why, ERR_CONFIG, "%s: expected a file", path);
    if (file->st_mode & 077)
        return error_set(why, ERR_CONFIG,
                         "%s: others may read or write the token; chmod 600 it, and make another "
                         "token if they could",
                         path);
    if (file->st_uid != geteuid() && file->st_uid != 0)
        return error_set(why, ERR_CONFIG, "%s: the token belongs to somebody else", path);
    return 0;
}

int bearer_token_read(const char *path, struct bearer_token *token, struct why *why)
{
    char bytes[BEARER_TOKEN_MOST + 3];
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &file)) {
        int error = error_set(why, ERR_CONFIG, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return error;
    }
    int error = check_mode(path, &file, why);
    ssize_t got = error ? 0 : read(fd, bytes, sizeof bytes);
    if (got < 0)
        error = error_set(why, ERR_CONFIG, "%s: %s", path, strerror(errno));
    close(fd);
    if (!error)
        error = take(path, bytes, got > 0 ? (size_t)got : 0, token, why);
    explicit_bzero(bytes, sizeof bytes);
    return error;
}

bool bearer_token_is(const struct bearer_token *token, const char *text, size_t length)
{
    volatile unsigned char different = token->length != length || !token->length;

    for (size_t i = 0; i < token->length; i++)
        different |= (unsigned char)(token->text[i] ^ (length ? text[i % length] : 0));
    return !different;
}
