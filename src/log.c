#include "log.h"

#include "clock.h"
#include "control/lamport.h"
#include "error.h"
#include "printable.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

/* State of the whole process, because there is one log for it. */
static const char *log_program = "winnow";
static enum log_level log_threshold = LOG_INFO;
static struct lamport clock_of_all;
static struct log_scope process;
static _Thread_local struct log_scope *scope;

void log_open(const char *program, enum log_level level)
{
    log_program = program;
    log_threshold = level;
}

int log_parse_level(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    return -ERR_INVALID;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_enabled(enum log_level level)
{
    return level <= log_threshold;
}

struct lamport *log_clock(void)
{
    return &clock_of_all;
}

void log_listen(log_listener *listener, void *context)
{
    struct log_scope *present = scope ? scope : &process;

    present->listener = listener;
    present->context = context;
}

void log_enter(struct log_scope *entered)
{
    scope = entered;
}

/* ---- a line ---- */

struct line {
    char text[2048];
    size_t length;
    bool quoted; /* within double quotes */
};

/* What is left for text: a line ends with a newline, and while it is made with a NUL. */
static size_t space(const struct line *line)
{
    return sizeof line->text - 1 - line->length;
}

/* A value from outside. One that has no quotes around it gets some when it is not a plain word. */
static void add_value(struct line *line, const char *value, size_t length)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-.:/@+,*#%";
    bool quote = !line->quoted && (!length || strspn(value, plain) < length);

    if (quote && space(line) > 3)
        line->text[line->length++] = '"';
    line->length += printable_write(value, length, true, line->text + line->length, space(line));
    if (quote && space(line) > 1)
        line->text[line->length++] = '"';
}

/* In a struct, a va_list can be handed on by its address. */
struct arguments {
    va_list list;
};

/* A conversion of the format, from its %: "%.*s", "%016llx". */
struct conversion {
    char form[16];
    char kind;    /* its last character */
    int longs;    /* how many l there are */
    bool is_size; /* z */
    bool has_precision_argument;
};

/* Returns what follows it. */
static const char *read_conversion(const char *at, struct conversion *conversion)
{
    size_t length = 1 + strspn(at + 1, "0123456789.*lz-+ #");

    *conversion = (struct conversion){.kind = at[length]};
    snprintf(conversion->form, sizeof conversion->form, "%.*s", (int)length + 1, at);
    for (const char *c = conversion->form; *c; c++) {
        conversion->longs += *c == 'l';
        conversion->is_size |= *c == 'z';
        conversion->has_precision_argument |= *c == '*';
    }
    return at + length + 1;
}

static const char *text_argument(const struct conversion *conversion, struct arguments *args,
                                 size_t *length)
{
    int most = conversion->has_precision_argument ? va_arg(args->list, int) : -1;
    const char *text = va_arg(args->list, const char *);

    *length = !text ? 0 : most < 0 ? strlen(text) : strnlen(text, (size_t)most);
    return text ? text : "";
}

/* The compiler has checked form and argument where log_event was called. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void add_number(struct line *line, const struct conversion *conversion,
                       struct arguments *args)
{
    char *to = line->text + line->length;
    size_t size = space(line);
    int written;

    /* NOLINTBEGIN(bugprone-branch-clone): each takes another type. */
    if (strchr("fgeFGE", conversion->kind))
        written = snprintf(to, size, conversion->form, va_arg(args->list, double));
    else if (conversion->longs == 2)
        written = snprintf(to, size, conversion->form, va_arg(args->list, long long));
    else if (conversion->longs == 1 || conversion->is_size) /* of one size */
        written = snprintf(to, size, conversion->form, va_arg(args->list, long));
    else
        written = snprintf(to, size, conversion->form, va_arg(args->list, int));
    /* NOLINTEND(bugprone-branch-clone) */
    if (written > 0)
        line->length += (size_t)written < size ? (size_t)written : size - 1;
}
#pragma GCC diagnostic pop

static void add_argument(struct line *line, const struct conversion *conversion, bool is_value,
                         struct arguments *args)
{
    size_t length;

    if (conversion->kind != 's') {
        add_number(line, conversion, args);
        return;
    }
    const char *text = text_argument(conversion, args, &length);
    if (is_value) {
        add_value(line, text, length);
        return;
    }
    length = length < space(line) ? length : space(line) - 1;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void add_formatted(struct line *line, const char *format, struct arguments *args)
{
    char before = ' ';

    while (*format && space(line) > 1) {
        struct conversion conversion;
        if (*format != '%' || format[1] == '%') {
            before = *format;
            line->quoted ^= before == '"';
            line->text[line->length++] = before;
            format += 1 + (before == '%');
            continue;
        }
        format = read_conversion(format, &conversion);
        add_argument(line, &conversion, line->quoted || before == '=', args);
        before = conversion.kind;
    }
}

/* A log that nobody reads, or that cannot be written, must not stop the work it tells of. */
static void write_line(const struct line *line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (poll(&out, 1, 0) != 1)
        return;
    ssize_t written = write(STDERR_FILENO, line->text, line->length);
    (void)written;
}

static void tell_listener(const struct log_heard *heard)
{
    static _Thread_local bool telling;
    const struct log_scope *present = scope ? scope : &process;

    if (!present->listener || telling)
        return;
    telling = true;
    present->listener(present->context, heard);
    telling = false;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_enabled(level))
        return;

    struct line line = {0};
    char stamp[CLOCK_STAMP_SIZE];
    int64_t time = lamport_send(&clock_of_all);
    clock_stamp(stamp);
    line.length = (size_t)snprintf(
        line.text, sizeof line.text, "time=%s level=%s program=%s pid=%d clock=%lld event=%s ",
        stamp, level_names[level], log_program, (int)getpid(), (long long)time, event);
    if (scope && scope->farm) {
        line.length += (size_t)snprintf(line.text + line.length, space(&line), "farm=");
        add_value(&line, scope->farm, strlen(scope->farm));
        line.text[line.length++] = ' ';
    }
    size_t head = line.length;
    struct arguments args;
    va_start(args.list, format);
    add_formatted(&line, format, &args);
    va_end(args.list);
    line.text[line.length++] = '\n';
    write_line(&line);
    line.text[line.length - 1] = '\0';
    tell_listener(&(struct log_heard){
        .level = level, .clock = time, .event = event, .pairs = line.text + head});
}
