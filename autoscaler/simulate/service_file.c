#include "service_file.h"

#include "csv/table.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int read_times(const struct table *table, const char *column_name, struct service *service,
                      int64_t **times_ns, struct why *why)
{
    int column, error = table_need_column(table, column_name, &column, why);
    double sum_s = 0;

    if (error)
        return error;
    service->count = table_rows(table);
    *times_ns = calloc(service->count + 1, sizeof **times_ns);
    if (!*times_ns)
        return error_set(why, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < service->count; i++) {
        double time_s;
        error = table_number(table, i, column, &time_s, why);
        if (error)
            return error;
        if (!(time_s >= 0 && time_s <= (double)SERVICE_MAX_NS / 1e9))
            return table_error(table, i, column, why,
                               "'%.40s' is not such a time, expected seconds from 0 to 86400",
                               table_cell(table, i, column));
        (*times_ns)[i] = (int64_t)(time_s * 1e9 + 0.5);
        sum_s += time_s;
    }
    if (!(sum_s > 0))
        return error_set(why, ERR_CONFIG, "column '%s' holds no time above 0, expected one or more",
                         column_name);
    service->kind = SERVICE_SAMPLE;
    service->times_ns = *times_ns;
    service->mean_ns = sum_s * 1e9 / (double)service->count;
    return 0;
}

static int read_file(const char *text, const char *extension, struct service *service,
                     int64_t **times_ns, struct why *why)
{
    struct table *table = NULL;
    char *path = strndup(text, (size_t)(extension - text) + strlen(".csv"));

    if (!path)
        return error_set(why, ERR_MEMORY, "out of memory");
    int error = table_read(path, &table, why);
    if (!error)
        error = read_times(table, extension + strlen(".csv:"), service, times_ns, why);
    table_close(table);
    free(path);
    if (error) {
        free(*times_ns);
        *times_ns = NULL;
    }
    return error;
}

int service_file_parse(const char *text, int64_t least_ns, uint64_t seed, struct service *service,
                       int64_t **times_ns, struct why *why)
{
    const char *extension = strstr(text, ".csv:");
    bool exponential = strncmp(text, "exp:", 4) == 0;
    int64_t ns;

    *times_ns = NULL;
    *service = (struct service){.random = seed};
    if (extension)
        return read_file(text, extension, service, times_ns, why);
    if (units_parse_duration(text + (exponential ? 4 : 0), &ns) || ns < least_ns ||
        ns > SERVICE_MAX_NS)
        return error_set(why, ERR_INVALID, "'%s' is not such a time; expected " SERVICE_FORM, text);
    service->kind = exponential ? SERVICE_EXPONENTIAL : SERVICE_CONSTANT;
    service->mean_ns = (double)ns;
    return 0;
}
