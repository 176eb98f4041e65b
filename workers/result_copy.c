#include "result_copy.h"

#include <stdlib.h>
#include <string.h>

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t size_of(const struct job_result *result)
{
    size_t size = sizeof *result + result->header_count * sizeof *result->headers +
                  result->body.length + result->content_type.length +
                  result->content_encoding.length;

    for (size_t i = 0; i < result->header_count; i++)
        size += text_size(result->headers[i].name) + text_size(result->headers[i].text);
    return size;
}

/* Copies to *end and moves it behind the copy. NULL stays NULL. */
static const char *copy(char **end, const char *bytes, size_t length)
{
    char *begin = *end;

    if (!bytes)
        return NULL;
    memcpy(begin, bytes, length);
    *end += length;
    return begin;
}

static struct broker_bytes copy_bytes(char **end, struct broker_bytes bytes)
{
    return (struct broker_bytes){copy(end, bytes.bytes, bytes.length), bytes.length};
}

struct job_result *result_copy(const struct job_result *result)
{
    struct job_result *kept = malloc(size_of(result));

    if (!kept)
        return NULL;
    struct job_header *headers = (struct job_header *)(kept + 1);
    char *end = (char *)(headers + result->header_count);
    for (size_t i = 0; i < result->header_count; i++) {
        const struct job_header *header = &result->headers[i];
        headers[i] = (struct job_header){
            .name = copy(&end, header->name, text_size(header->name)),
            .text = copy(&end, header->text, text_size(header->text)),
            .number = header->number,
        };
    }
    *kept = (struct job_result){
        .body = copy_bytes(&end, result->body),
        .content_type = copy_bytes(&end, result->content_type),
        .content_encoding = copy_bytes(&end, result->content_encoding),
        .headers = headers,
        .header_count = result->header_count,
    };
    return kept;
}
