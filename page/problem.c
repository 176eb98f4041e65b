#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

static const struct description {
    unsigned status;
    const char *title, *code;
} descriptions[PROBLEM_KINDS] = {
    [PROBLEM_NONE] = {200, "OK", ""},
    [PROBLEM_MALFORMED] = {400, "Bad Request", "malformed"},
    [PROBLEM_TOKEN] = {401, "Unauthorized", "token"},
    [PROBLEM_CONTROL] = {403, "Forbidden", "control"},
    [PROBLEM_ORIGIN] = {403, "Forbidden", "origin"},
    [PROBLEM_PERMISSION] = {403, "Forbidden", "permission"},
    [PROBLEM_MISSING] = {404, "Not Found", "missing"},
    [PROBLEM_METHOD] = {405, "Method Not Allowed", "method"},
    [PROBLEM_NOBODY] = {409, "Conflict", "nobody"},
    [PROBLEM_REFUSED] = {409, "Conflict", "refused"},
    [PROBLEM_STALE] = {409, "Conflict", "stale"},
    [PROBLEM_NODES] = {409, "Conflict", "nodes"},
    [PROBLEM_SIZE] = {413, "Content Too Large", "size"},
    [PROBLEM_CONTENT] = {415, "Unsupported Media Type", "type"},
    [PROBLEM_HOST] = {421, "Misdirected Request", "host"},
    [PROBLEM_DEAD] = {422, "Unprocessable Content", "dead"},
    [PROBLEM_AWAY] = {503, "Service Unavailable", "away"},
    [PROBLEM_UNKNOWN] = {503, "Service Unavailable", "unknown"},
    [PROBLEM_FULL] = {503, "Service Unavailable", "full"},
    [PROBLEM_LATE] = {504, "Gateway Timeout", "late"},
    [PROBLEM_MEMORY] = {503, "Service Unavailable", "memory"},
};

bool problem_set(struct problem *problem, enum problem_kind kind, const char *format, ...)
{
    va_list args;

    problem->kind = kind;
    va_start(args, format);
    vsnprintf(problem->detail, sizeof problem->detail, format, args);
    va_end(args);
    return false;
}

unsigned problem_status(enum problem_kind kind)
{
    return descriptions[kind].status;
}

const char *problem_title(enum problem_kind kind)
{
    return descriptions[kind].title;
}

const char *problem_code(enum problem_kind kind)
{
    return descriptions[kind].code;
}
