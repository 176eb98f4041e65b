#include "store_kind.h"

#include "clock.h"
#include "random.h"
#include "sqlite_file.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum sql {
    SQL_READ,
    SQL_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_GET_STATE,
    SQL_SET_STATE,
    SQL_FIND,
    SQL_INSERT,
    SQL_RAISE,
    SQL_DELETE,
    SQL_MOVE,
    SQL_LIST,
    SQL_AT_PLACE,
    SQL_GET_TURN,
    SQL_SWAP_TURN,
    SQL_COUNT,
};

static const char *const texts[SQL_COUNT] = {
    [SQL_READ] = "BEGIN",
    [SQL_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_GET_STATE] = "SELECT version, insults, broadcast FROM state",
    [SQL_SET_STATE] = "UPDATE state SET version = ?, insults = ?, broadcast = ?",
    [SQL_FIND] = "SELECT severity, place FROM entries WHERE entry = ?",
    [SQL_INSERT] = "INSERT INTO entries(entry, severity, place) VALUES(?, ?, ?)",
    [SQL_RAISE] = "UPDATE entries SET severity = ?2 WHERE entry = ?1",
    [SQL_DELETE] = "DELETE FROM entries WHERE entry = ?",
    [SQL_MOVE] = "UPDATE entries SET place = ?2 WHERE place = ?1",
    [SQL_LIST] = "SELECT entry, severity FROM entries WHERE entry >= ? ORDER BY entry",
    [SQL_AT_PLACE] = "SELECT entry, severity FROM entries WHERE place = ?",
    [SQL_GET_TURN] = "SELECT version, broadcast, holder, due_ns, free_ns FROM state",
    [SQL_SWAP_TURN] = "UPDATE state SET holder = ?1, due_ns = ?2, free_ns = ?3"
                      " WHERE holder = ?4 AND due_ns = ?5 AND free_ns = ?6",
};

/* The state of a transaction. */
struct counts {
    int64_t version, insults;
    bool on, changed;
};

struct sqlite {
    struct store store;
    struct sqlite_file file;
    sqlite3_stmt *statements[SQL_COUNT];
    uint64_t random;
};

static struct sqlite *sqlite_of(struct store *store)
{
    return (struct sqlite *)store;
}

/* ---- statements ---- */

static sqlite3_stmt *bind_text(sqlite3_stmt *statement, int index, const char *text, size_t length)
{
    sqlite3_bind_text(statement, index, text ? text : "", (int)length, SQLITE_STATIC);
    return statement;
}

/* A place of 0 is none. */
static void bind_place(sqlite3_stmt *statement, int index, int64_t place)
{
    if (place)
        sqlite3_bind_int64(statement, index, place);
    else
        sqlite3_bind_null(statement, index);
}

/* A bind that failed shows as a constraint or a wrong row, so memory is the only thing that could
 * be missed: sqlite3_step then fails with it as well. Returns SQLITE_ROW, SQLITE_DONE, or another
 * code after which sqlite_file_fail tells. */
static int step(const struct sqlite *sqlite, enum sql sql)
{
    return sqlite3_step(sqlite->statements[sql]);
}

static void reset(const struct sqlite *sqlite, enum sql sql)
{
    sqlite3_reset(sqlite->statements[sql]);
}

/* Runs a statement that gives no rows. */
static int run(const struct sqlite *sqlite, enum sql sql, struct why *why)
{
    int code = step(sqlite, sql);
    int error = code == SQLITE_DONE ? 0 : sqlite_file_fail(&sqlite->file, why);

    reset(sqlite, sql);
    return error;
}

/* ---- operations ---- */

/* Whether the entry is there, as 1 or 0; then with its severity and place. */
static int find(const struct sqlite *sqlite, const struct lines_entry *entry, int32_t *severity,
                int64_t *place, struct why *why)
{
    sqlite3_stmt *statement =
        bind_text(sqlite->statements[SQL_FIND], 1, entry->text, entry->length);
    int code = step(sqlite, SQL_FIND);
    int found = code == SQLITE_ROW    ? 1
                : code == SQLITE_DONE ? 0
                                      : sqlite_file_fail(&sqlite->file, why);

    if (found == 1) {
        *severity = sqlite3_column_int(statement, 0);
        *place = sqlite3_column_int64(statement, 1);
    }
    reset(sqlite, SQL_FIND);
    return found;
}

static int insert(const struct sqlite *sqlite, const struct lines_entry *entry,
                  struct counts *counts, struct why *why)
{
    sqlite3_stmt *statement =
        bind_text(sqlite->statements[SQL_INSERT], 1, entry->text, entry->length);

    sqlite3_bind_int(statement, 2, entry->severity);
    bind_place(statement, 3, lines_is_insult(entry) ? ++counts->insults : 0);
    return run(sqlite, SQL_INSERT, why);
}

static int raise_severity(const struct sqlite *sqlite, const struct lines_entry *entry,
                          struct why *why)
{
    sqlite3_stmt *statement =
        bind_text(sqlite->statements[SQL_RAISE], 1, entry->text, entry->length);

    sqlite3_bind_int(statement, 2, entry->severity);
    return run(sqlite, SQL_RAISE, why);
}

/* The last insult takes the place of one that is gone. */
static int delete_entry(const struct sqlite *sqlite, const struct lines_entry *entry, int64_t place,
                        struct counts *counts, struct why *why)
{
    bind_text(sqlite->statements[SQL_DELETE], 1, entry->text, entry->length);
    int error = run(sqlite, SQL_DELETE, why);
    if (error || !place)
        return error;
    sqlite3_bind_int64(sqlite->statements[SQL_MOVE], 1, counts->insults--);
    sqlite3_bind_int64(sqlite->statements[SQL_MOVE], 2, place);
    return run(sqlite, SQL_MOVE, why);
}

static int change(const struct sqlite *sqlite, struct store_operation *operation,
                  struct counts *counts, struct why *why)
{
    struct lines_entry entry;
    int32_t severity = 0;
    int64_t place = 0;
    bool changed = false;
    int error = 0;

    for (size_t at = 0; !error && lines_next(&operation->entries, &at, &entry);) {
        int found = find(sqlite, &entry, &severity, &place, why);
        if (found < 0)
            return found;
        bool differs =
            operation->verb == STORE_REMOVE ? found : !found || entry.severity > severity;
        if (differs && operation->verb == STORE_REMOVE)
            error = delete_entry(sqlite, &entry, place, counts, why);
        else if (differs && found)
            error = raise_severity(sqlite, &entry, why);
        else if (differs)
            error = insert(sqlite, &entry, counts, why);
        *(found ? &operation->known : &operation->unknown) += 1;
        changed = changed || differs;
    }
    counts->version += changed;
    counts->changed = counts->changed || changed;
    return error;
}

/* The entry of the row that a statement stands on. */
static struct lines_entry row_of(const struct sqlite *sqlite, enum sql sql)
{
    sqlite3_stmt *statement = sqlite->statements[sql];

    return (struct lines_entry){.text = (const char *)sqlite3_column_text(statement, 0),
                                .length = (size_t)sqlite3_column_bytes(statement, 0),
                                .severity = sqlite3_column_int(statement, 1)};
}

static int take_row(struct lines *found, const struct lines_entry *entry, struct why *why)
{
    return lines_add(found, entry) ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}

static bool begins(const struct lines_entry *entry, const struct lines_entry *prefix)
{
    return entry->length >= prefix->length &&
           (!prefix->length || memcmp(entry->text, prefix->text, prefix->length) == 0);
}

/* Takes the row that the statement stands on: 1 when no other is to be taken behind it. */
static int list_row(const struct sqlite *sqlite, struct store_operation *operation,
                    const struct lines_entry *prefix, const struct lines_entry *after,
                    struct why *why)
{
    const struct lines_entry entry = row_of(sqlite, SQL_LIST);

    if (after->length && lines_compare(&entry, after) == 0)
        return 0;
    if (!begins(&entry, prefix))
        return 1;
    operation->more = operation->found.count == operation->limit ||
                      operation->found.length >= operation->most_bytes;
    return operation->more ? 1 : take_row(&operation->found, &entry, why);
}

/* From the prefix on, or from the entry behind which they stand, whichever comes later. */
static int list(const struct sqlite *sqlite, struct store_operation *operation, struct why *why)
{
    const struct lines_entry prefix = {operation->prefix, operation->prefix_length, 0};
    const struct lines_entry after = {operation->after, operation->after_length, 0};
    const struct lines_entry *from = lines_compare(&prefix, &after) > 0 ? &prefix : &after;
    int code = SQLITE_ROW, error = 0;

    bind_text(sqlite->statements[SQL_LIST], 1, from->text, from->length);
    while (!error && (code = step(sqlite, SQL_LIST)) == SQLITE_ROW)
        error = list_row(sqlite, operation, &prefix, &after, why);
    if (!error && code != SQLITE_DONE)
        error = sqlite_file_fail(&sqlite->file, why);
    reset(sqlite, SQL_LIST);
    return error < 0 ? error : 0;
}

/* So many different places of all, each set equally likely.
 * Source: R. W. Floyd, in Bentley, "Programming Pearls: A Sample of Brilliance", 1987. */
static void draw(uint64_t *random, int64_t all, size_t count, int64_t *places)
{
    for (size_t i = 0; i < count; i++) {
        int64_t last = all - (int64_t)count + (int64_t)i + 1, place;
        bool taken = false;

        place = 1 + (int64_t)(random_uniform(random) * (double)last);
        for (size_t j = 0; j < i && !taken; j++)
            taken = places[j] == place;
        places[i] = taken ? last : place;
    }
}

static int draw_entries(struct sqlite *sqlite, struct store_operation *operation,
                        const struct counts *counts, struct why *why)
{
    size_t all = (size_t)counts->insults;
    size_t count = operation->limit < all ? operation->limit : all;
    int64_t places[STORE_RANDOM_MOST];
    int error = 0;

    draw(&sqlite->random, counts->insults, count, places);
    for (size_t i = 0; !error && i < count; i++) {
        sqlite3_bind_int64(sqlite->statements[SQL_AT_PLACE], 1, places[i]);
        if (step(sqlite, SQL_AT_PLACE) == SQLITE_ROW) {
            const struct lines_entry entry = row_of(sqlite, SQL_AT_PLACE);
            error = take_row(&operation->found, &entry, why);
        } else {
            error = sqlite_file_fail(&sqlite->file, why);
        }
        reset(sqlite, SQL_AT_PLACE);
    }
    return error;
}

static void switch_broadcast(const struct store_operation *operation, struct counts *counts)
{
    bool on = operation->to == STORE_START || (operation->to == STORE_ASK && counts->on);

    counts->changed = counts->changed || on != counts->on;
    counts->on = on;
}

static int do_operation(struct sqlite *sqlite, struct store_operation *operation,
                        struct counts *counts, struct why *why)
{
    int error = 0;

    switch (operation->verb) {
    case STORE_ADD:
    case STORE_REMOVE:
        error = change(sqlite, operation, counts, why);
        break;
    case STORE_LIST:
        error = list(sqlite, operation, why);
        break;
    case STORE_RANDOM:
        error = draw_entries(sqlite, operation, counts, why);
        break;
    case STORE_BROADCAST:
    default:
        switch_broadcast(operation, counts);
        break;
    }
    operation->version = counts->version;
    operation->on = counts->on;
    return error;
}

/* ---- transactions ---- */

static int get_counts(const struct sqlite *sqlite, struct counts *counts, struct why *why)
{
    sqlite3_stmt *statement = sqlite->statements[SQL_GET_STATE];
    int error = 0;

    *counts = (struct counts){0};
    if (step(sqlite, SQL_GET_STATE) == SQLITE_ROW) {
        counts->version = sqlite3_column_int64(statement, 0);
        counts->insults = sqlite3_column_int64(statement, 1);
        counts->on = sqlite3_column_int(statement, 2);
    } else {
        error = sqlite_file_fail(&sqlite->file, why);
    }
    reset(sqlite, SQL_GET_STATE);
    return error;
}

static int set_counts(const struct sqlite *sqlite, const struct counts *counts, struct why *why)
{
    sqlite3_stmt *statement = sqlite->statements[SQL_SET_STATE];

    sqlite3_bind_int64(statement, 1, counts->version);
    sqlite3_bind_int64(statement, 2, counts->insults);
    sqlite3_bind_int(statement, 3, counts->on);
    return run(sqlite, SQL_SET_STATE, why);
}

static bool writes(const struct store_operation *operation)
{
    return operation->verb == STORE_ADD || operation->verb == STORE_REMOVE ||
           (operation->verb == STORE_BROADCAST && operation->to != STORE_ASK);
}

static int sqlite_apply(struct store *store, struct store_operation *const *operations,
                        size_t count, struct why *why)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct counts counts;
    bool any_writes = false;

    for (size_t i = 0; i < count; i++)
        any_writes = any_writes || writes(operations[i]);
    int error = any_writes ? sqlite_file_check(&sqlite->file, why) : 0;
    if (!error)
        error = run(sqlite, any_writes ? SQL_WRITE : SQL_READ, why);
    if (error)
        return error;
    error = get_counts(sqlite, &counts, why);
    for (size_t i = 0; !error && i < count; i++)
        error = do_operation(sqlite, operations[i], &counts, why);
    if (!error && counts.changed)
        error = set_counts(sqlite, &counts, why);
    if (!error)
        error = run(sqlite, SQL_COMMIT, why);
    /* Some errors have rolled back already. */
    if (error && !sqlite3_get_autocommit(sqlite->file.db))
        run(sqlite, SQL_ROLLBACK, NULL);
    return error;
}

/* ---- turns ---- */

static int sqlite_look(struct store *store, struct store_state *state, struct why *why)
{
    struct sqlite *sqlite = sqlite_of(store);
    sqlite3_stmt *statement = sqlite->statements[SQL_GET_TURN];
    int error = 0;

    if (step(sqlite, SQL_GET_TURN) == SQLITE_ROW) {
        *state = (struct store_state){.version = sqlite3_column_int64(statement, 0),
                                      .on = sqlite3_column_int(statement, 1),
                                      .turn = {.due_ns = sqlite3_column_int64(statement, 3),
                                               .free_ns = sqlite3_column_int64(statement, 4)},
                                      .now_ns = clock_now_ns()};
        snprintf(state->turn.holder, sizeof state->turn.holder, "%s",
                 (const char *)sqlite3_column_text(statement, 2));
    } else {
        error = sqlite_file_fail(&sqlite->file, why);
    }
    reset(sqlite, SQL_GET_TURN);
    return error;
}

static int sqlite_swap_turn(struct store *store, const struct store_turn *from,
                            const struct store_turn *to, bool *swapped, struct why *why)
{
    struct sqlite *sqlite = sqlite_of(store);
    sqlite3_stmt *statement = sqlite->statements[SQL_SWAP_TURN];
    int index = 0;

    for (int i = 0; i < 2; i++) {
        const struct store_turn *turn = i == 0 ? to : from;
        bind_text(statement, ++index, turn->holder, strlen(turn->holder));
        sqlite3_bind_int64(statement, ++index, turn->due_ns);
        sqlite3_bind_int64(statement, ++index, turn->free_ns);
    }
    int error = run(sqlite, SQL_SWAP_TURN, why);
    *swapped = !error && sqlite3_changes(sqlite->file.db) == 1;
    return error;
}

/* ---- the beginning and the end ---- */

static void sqlite_close(struct store *store)
{
    struct sqlite *sqlite = sqlite_of(store);

    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(sqlite->statements[i]);
    sqlite_file_close(&sqlite->file);
    free(sqlite);
}

static const struct store_kind kind = {.apply = sqlite_apply,
                                       .look = sqlite_look,
                                       .swap_turn = sqlite_swap_turn,
                                       .close = sqlite_close};

static int prepare(struct sqlite *sqlite, struct why *why)
{
    for (int i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(sqlite->file.db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &sqlite->statements[i], NULL))
            return sqlite_file_fail(&sqlite->file, why);
    return 0;
}

int store_sqlite_open(const char *path, const char *farm, struct store **store, struct why *why)
{
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);

    if (!sqlite)
        return error_set(why, ERR_MEMORY, "out of memory");
    sqlite->store.kind = &kind;
    if (getrandom(&sqlite->random, sizeof sqlite->random, 0) < 0)
        sqlite->random = (uint64_t)clock_now_ns();
    int error = sqlite_file_open(&sqlite->file, path, farm, why);
    sqlite->store.name = sqlite->file.path;
    if (!error)
        error = prepare(sqlite, why);
    if (error)
        sqlite_close(&sqlite->store);
    else
        *store = &sqlite->store;
    return error;
}
