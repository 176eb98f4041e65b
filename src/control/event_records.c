#include "event_records.h"

#include "fields.h"
#include "members.h"
#include "scoreboard.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NAME "events"

/* 60 bits are more than a number of JSON holds in every reader. */
#define DIGITS     (SCOREBOARD_EVENT_BITS / 4)
#define HEX_DIGITS "0123456789abcdef"

_Static_assert(EVENT_RECORDS_MOST_ATTEMPTS == (1 << SCOREBOARD_COUNT_BITS) - 1, "as many as fit");

struct written {
    char event[DIGITS + 2]; /* room for one too many */
    int64_t attempts;
    bool suspect, forgiven;
};

static const struct field fields[] = {
    FIELD(FIELD_TEXT, written, event),
    FIELD(FIELD_INTEGER, written, attempts),
    FIELD(FIELD_BOOL, written, suspect),
    FIELD(FIELD_BOOL, written, forgiven),
    {0},
};

static json_t *write_record(const struct event_record *record)
{
    struct written written = {
        .attempts = record->attempts, .suspect = record->suspect, .forgiven = record->forgiven};

    snprintf(written.event, sizeof written.event, "%0*" PRIx64, DIGITS, record->event);
    return fields_write(fields, &written);
}

int event_records_write(json_t *members, const struct event_record *records, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < count; i++)
        if (json_array_append_new(array, write_record(&records[i]))) {
            json_decref(array);
            array = NULL;
        }
    return json_object_set_new(members, NAME, array) ? -ERR_MEMORY : 0;
}

static int read_record(const json_t *object, struct event_record *record, struct why *why)
{
    struct written written;
    int error = fields_read(fields, object, &written, why);

    if (error)
        return error;
    if (strspn(written.event, HEX_DIGITS) != DIGITS)
        return error_set(why, ERR_INVALID, "\"event\" cannot be so; expected %d digits of base 16",
                         DIGITS);
    if (written.attempts > EVENT_RECORDS_MOST_ATTEMPTS)
        return error_set(why, ERR_INVALID, "\"attempts\" cannot be so; expected at most %d",
                         EVENT_RECORDS_MOST_ATTEMPTS);
    *record = (struct event_record){.event = strtoull(written.event, NULL, 16),
                                    .attempts = written.attempts,
                                    .suspect = written.suspect,
                                    .forgiven = written.forgiven};
    return 0;
}

int event_records_read(const json_t *message, struct event_record **records, size_t *count,
                       struct why *why)
{
    const json_t *array;

    *records = NULL;
    *count = 0;
    if (members_kind(message, NAME) == MEMBERS_ABSENT)
        return 0;
    int error = members_array(message, NAME, &array, why);
    if (error)
        return error;
    size_t length = json_array_size(array);
    if (length > EVENT_RECORDS_MOST)
        return error_set(why, ERR_INVALID, "%zu events; expected at most %d", length,
                         EVENT_RECORDS_MOST);
    *records = calloc(length + 1, sizeof **records);
    if (!*records)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (size_t i = 0; !error && i < length; i++)
        error = read_record(json_array_get(array, i), &(*records)[i], why);
    if (error) {
        free(*records);
        *records = NULL;
        return error_prefix(why, "in \"" NAME "\""), error;
    }
    *count = length;
    return 0;
}

bool event_records_are_same(const struct event_record *a, size_t a_count,
                            const struct event_record *b, size_t b_count)
{
    bool same = a_count == b_count;

    for (size_t i = 0; same && i < a_count; i++)
        same = a[i].event == b[i].event && a[i].attempts == b[i].attempts &&
               a[i].suspect == b[i].suspect && a[i].forgiven == b[i].forgiven;
    return same;
}
