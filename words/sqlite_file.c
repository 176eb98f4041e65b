#include "sqlite_file.h"

#include "clock.h"
#include "store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* In the file's header: that it is ours. "WNNW" and "PRAGMA application_id" say the same. */
#define APPLICATION_ID 1464749655

/* Each brings a file from the schema before it to its own, the first one from nothing. Never change
 * one that was released: add another. */
static const char *const migrations[] = {
    /* The place of an insult, 1, 2, .. without gaps, makes one at random quick to find. What a list
     * allows is no insult and has none. */
    "CREATE TABLE entries(entry TEXT PRIMARY KEY, severity INTEGER NOT NULL, place INTEGER UNIQUE)"
    " WITHOUT ROWID;"
    "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), farm TEXT NOT NULL,"
    " version INTEGER NOT NULL, insults INTEGER NOT NULL, broadcast INTEGER NOT NULL,"
    " holder TEXT NOT NULL, due_ns INTEGER NOT NULL, free_ns INTEGER NOT NULL);"
    "PRAGMA application_id = 1464749655; PRAGMA user_version = 1;",
};
#define SCHEMA ((int64_t)(sizeof migrations / sizeof migrations[0]))

/* ---- errors ---- */

static enum error error_of(int code)
{
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_LOCKED;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_CONFIG;
    default:
        return ERR_SYSTEM;
    }
}

int sqlite_file_fail(const struct sqlite_file *file, struct why *why)
{
    enum error error = error_of(sqlite3_errcode(file->db));
    int cause = sqlite3_system_errno(file->db);

    if (error == ERR_SYSTEM && cause)
        return error_set(why, error, "%s: %s: %s", file->path, sqlite3_errmsg(file->db),
                         strerror(cause));
    return error_set(why, error, "%s: %s", file->path, sqlite3_errmsg(file->db));
}

int sqlite_file_check(const struct sqlite_file *file, struct why *why)
{
    int moved = 0;

    sqlite3_file_control(file->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved ? error_set(why, ERR_CONFIG,
                             "%s: the file was removed or replaced while it was open", file->path)
                 : 0;
}

/* SQLite asks whether to wait on for a lock. The pauses of its own handler grow to a tenth of a
 * second: of several busy instances one would wait for long. */
static int wait_for_lock(void *context, int calls)
{
    struct sqlite_file *file = context;
    int64_t now_ns = clock_now_ns();

    if (calls == 0)
        file->locked_since_ns = now_ns;
    if (now_ns - file->locked_since_ns > STORE_PATIENCE_NS)
        return 0;
    sqlite3_sleep(calls < 20 ? 1 : 5);
    return 1;
}

/* ---- opening ---- */

static int run(const struct sqlite_file *file, const char *sql, struct why *why)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL) ? sqlite_file_fail(file, why) : 0;
}

/* What a query that gives one value gives, as a number and as text of at most size bytes; each may
 * be NULL. */
static int ask(const struct sqlite_file *file, const char *sql, int64_t *number, char *text,
               size_t size, struct why *why)
{
    sqlite3_stmt *statement = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) ||
        sqlite3_step(statement) != SQLITE_ROW)
        error = sqlite_file_fail(file, why);
    if (!error && number)
        *number = sqlite3_column_int64(statement, 0);
    if (!error && text)
        sqlite3_snprintf((int)size, text, "%s", sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return error;
}

/* Whose file it is, and of which schema: 0 when it is new. */
static int read_schema(const struct sqlite_file *file, int64_t *schema, struct why *why)
{
    int64_t application, tables;
    int error = ask(file, "PRAGMA application_id", &application, NULL, 0, why);

    if (!error)
        error = ask(file, "PRAGMA user_version", schema, NULL, 0, why);
    if (!error)
        error = ask(file, "SELECT count(*) FROM sqlite_schema", &tables, NULL, 0, why);
    if (error)
        return error;
    if (application != APPLICATION_ID && (application || *schema || tables))
        return error_set(why, ERR_CONFIG, "%s: a database of another program", file->path);
    if (*schema > SCHEMA)
        return error_set(why, ERR_CONFIG, "%s: of schema %lld; this program knows those up to %lld",
                         file->path, (long long)*schema, (long long)SCHEMA);
    return 0;
}

/* Another instance may be at it too: within the transaction it is looked once more. */
static int migrate(const struct sqlite_file *file, struct why *why)
{
    int64_t schema = 0;
    int error = run(file, "BEGIN IMMEDIATE", why);

    if (error)
        return error;
    error = read_schema(file, &schema, why);
    for (; !error && schema < SCHEMA; schema++)
        error = run(file, migrations[schema], why);
    if (!error)
        error = run(file, "COMMIT", why);
    if (error && !sqlite3_get_autocommit(file->db))
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    return error;
}

/* Words are never repaired away: a person has to decide. */
static int check_pages(const struct sqlite_file *file, struct why *why)
{
    char verdict[200];
    int error = ask(file, "PRAGMA quick_check(1)", NULL, verdict, sizeof verdict, why);

    if (!error && strcmp(verdict, "ok") != 0)
        error = error_set(why, ERR_CONFIG, "%s: damaged: %s", file->path, verdict);
    return error;
}

static int sign(const struct sqlite_file *file, const char *farm, struct why *why)
{
    char owner[256];
    sqlite3_stmt *statement = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(file->db,
                           "INSERT INTO state VALUES(1, ?, 0, 0, 0, '', 0, 0)"
                           " ON CONFLICT DO NOTHING",
                           -1, &statement, NULL) ||
        sqlite3_bind_text(statement, 1, farm, -1, SQLITE_STATIC) ||
        sqlite3_step(statement) != SQLITE_DONE)
        error = sqlite_file_fail(file, why);
    sqlite3_finalize(statement);
    if (!error)
        error = ask(file, "SELECT farm FROM state", NULL, owner, sizeof owner, why);
    if (!error && strcmp(owner, farm) != 0)
        error = error_set(why, ERR_CONFIG, "%s: the words of the farm '%s', not of '%s'",
                          file->path, owner, farm);
    return error;
}

/* Write-ahead: who reads waits for nobody. With FULL a commit is on disk when it returns. */
static int set_modes(const struct sqlite_file *file, struct why *why)
{
    char mode[16];
    int error = ask(file, "PRAGMA journal_mode = WAL", NULL, mode, sizeof mode, why);

    if (!error && strcmp(mode, "wal") != 0)
        error = error_set(why, ERR_CONFIG,
                          "%s: no write-ahead log is possible there; expected a local disk",
                          file->path);
    return error ? error : run(file, "PRAGMA synchronous = FULL", why);
}

/* In one transaction: between two looks another instance may bring the file to the schema. */
static int look_at_schema(const struct sqlite_file *file, int64_t *schema, struct why *why)
{
    int error = run(file, "BEGIN", why);

    if (!error)
        error = read_schema(file, schema, why);
    return error ? error : run(file, "COMMIT", why);
}

static int open_once(struct sqlite_file *file, const char *farm, struct why *why)
{
    int64_t schema;

    if (sqlite3_open_v2(file->path, &file->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
        return file->db ? sqlite_file_fail(file, why) : error_set(why, ERR_MEMORY, "out of memory");
    sqlite3_busy_handler(file->db, wait_for_lock, file);
    /* Nothing is written to a file that turns out to be somebody else's. */
    int error = look_at_schema(file, &schema, why);
    if (!error)
        error = set_modes(file, why);
    if (!error)
        error = check_pages(file, why);
    if (!error && schema < SCHEMA)
        error = migrate(file, why);
    return error ? error : sign(file, farm, why);
}

/* Where instances begin with a new file at the same time, SQLite finds it locked at steps at which
 * it does not ask whether to wait. */
int sqlite_file_open(struct sqlite_file *file, const char *path, const char *farm, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + STORE_PATIENCE_NS;
    int error;

    *file = (struct sqlite_file){.path = strdup(path)};
    if (!file->path)
        return error_set(why, ERR_MEMORY, "out of memory");
    while ((error = open_once(file, farm, why)) == -ERR_LOCKED && clock_now_ns() < deadline_ns) {
        sqlite3_close(file->db);
        file->db = NULL;
        sqlite3_sleep(10);
    }
    return error;
}

void sqlite_file_close(struct sqlite_file *file)
{
    sqlite3_close(file->db);
    free(file->path);
    *file = (struct sqlite_file){0};
}
