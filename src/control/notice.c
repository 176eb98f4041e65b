#include "notice.h"

#include "fields.h"

static const struct field fields[] = {
    FIELD(FIELD_TEXT, notice, level),
    FIELD(FIELD_TEXT, notice, event),
    FIELD(FIELD_TEXT, notice, text),
    {0},
};

int notice_write(const struct envelope *envelope, const struct notice *notice, char **text,
                 size_t *length)
{
    return envelope_write(envelope, fields_write(fields, notice), text, length);
}

int notice_read(const struct json_t *message, struct notice *notice, struct why *why)
{
    return fields_read(fields, message, notice, why);
}
