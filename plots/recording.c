#include "recording.h"

#include "control/envelope.h"
#include "control/members.h"
#include "control/status.h"
#include "input.h"
#include "units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a node is among those that were met, in the order of their names; it is added if it is new.
 * RECORDING_MOST_NODES: there are too many. */
static size_t place_of(struct recording *recording, const char *name)
{
    size_t place = 0;

    while (place < recording->node_count && strcmp(recording->nodes[place], name) < 0)
        place++;
    if (place < recording->node_count && strcmp(recording->nodes[place], name) == 0)
        return place;
    if (recording->node_count == RECORDING_MOST_NODES)
        return RECORDING_MOST_NODES;
    size_t behind = recording->node_count++ - place;
    memmove(recording->nodes[place + 1], recording->nodes[place],
            behind * sizeof *recording->nodes);
    snprintf(recording->nodes[place], sizeof recording->nodes[place], "%s", name);
    for (size_t i = 0; i < recording->count; i++) {
        struct recording_moment *moment = &recording->moments[i];
        memmove(moment->workers + place + 1, moment->workers + place,
                behind * sizeof *moment->workers);
        moment->workers[place] = 0;
        moment->leader += moment->leader >= place;
    }
    return place;
}

/* All of its nodes are met before any of their places is used, as a new one moves the others. */
static int meet_nodes(struct recording *recording, const struct status *status, struct why *why)
{
    size_t last = place_of(recording, status->leader);

    for (size_t i = 0; i < status->node_count && last < RECORDING_MOST_NODES; i++)
        last = place_of(recording, status->nodes[i].name);
    return last < RECORDING_MOST_NODES
               ? 0
               : error_set(why, ERR_CONFIG, "more than %d nodes, which no picture has room for",
                           RECORDING_MOST_NODES);
}

static int add_moment(struct recording *recording, const struct status *status, int64_t time_ns,
                      struct why *why)
{
    int error = meet_nodes(recording, status, why);
    struct recording_moment *moments = NULL;

    if (!error)
        moments = reallocarray(recording->moments, recording->count + 1, sizeof *moments);
    if (!error && !moments)
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (error)
        return error;
    recording->moments = moments;
    struct recording_moment *moment = &moments[recording->count];
    *moment = (struct recording_moment){.time_ns = time_ns,
                                        .leader = place_of(recording, status->leader),
                                        .desired_workers = status->decision.desired_workers,
                                        .arrival_per_s = status->decision.arrival_per_s};
    for (size_t i = 0; i < status->node_count; i++)
        moment->workers[place_of(recording, status->nodes[i].name)] =
            (double)(status->nodes[i].starting + status->nodes[i].running);
    recording->count++;
    return 0;
}

static int read_status(struct recording *recording, const char *line, size_t length,
                       struct why *why)
{
    struct envelope envelope;
    struct status status = {0};
    struct json_t *message;
    int64_t time_ns;
    int error = envelope_read(line, length, &envelope, &message, why);

    if (error)
        return error;
    error = status_read(message, &status, why);
    members_release(message);
    if (!error && units_parse_timestamp(envelope.time, &time_ns))
        error = error_set(why, ERR_CONFIG, "its time is '%s', expected a timestamp", envelope.time);
    if (!error && status.node_count && *status.leader)
        error = add_moment(recording, &status, time_ns, why);
    memcpy(recording->farm, envelope.farm, sizeof recording->farm);
    status_clear(&status);
    return error;
}

static int read_lines(struct recording *recording, FILE *file, const char *path, struct why *why)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t length;
    int error = 0;

    while (!error && (length = getline(&line, &room, file)) > 0 && line[length - 1] == '\n') {
        number++;
        error = read_status(recording, line, (size_t)length - 1, why);
    }
    free(line);
    if (error == -ERR_INVALID)
        error = -ERR_CONFIG;
    if (error)
        error_prefix(why, "%s:%zu", path, number);
    else if (ferror(file))
        error = error_set(why, ERR_CONFIG, "%s: reading failed", path);
    else if (!recording->count)
        error = error_set(why, ERR_CONFIG,
                          "%s: no status of a farm over several hosts in it, expected what "
                          "`winnow-ctl status --watch --json` prints",
                          path);
    return error;
}

int recording_read(const char *path, struct recording *recording, struct why *why)
{
    int fd = input_open(path, INPUT_PATIENCE_MS);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

    *recording = (struct recording){0};
    if (!file) {
        int error = error_set(why, ERR_CONFIG, "%s: %s", path, input_reason(errno));
        if (fd >= 0)
            close(fd);
        return error;
    }
    int error = read_lines(recording, file, path, why);
    fclose(file);
    if (error)
        recording_clear(recording);
    return error;
}

void recording_clear(struct recording *recording)
{
    free(recording->moments);
    recording->moments = NULL;
}
