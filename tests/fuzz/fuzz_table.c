/* CSV files: what is read, written and read again is the same. */
#include "csv/table.h"

#include "fuzz.h"

#include <math.h>

/* A header with as many columns, whose names do not matter. It begins with a byte order mark, so
 * that a mark that begins the first cell is not taken for the file's. */
static void write_header(const struct fuzz_file *file, struct table_row *row, size_t columns)
{
    char name[32];

    fuzz_file_append(file, "\xEF\xBB\xBF", 3);
    table_row_begin(row);
    for (size_t i = 0; i < columns; i++) {
        snprintf(name, sizeof name, "column %zu", i);
        table_row_text(row, name);
    }
    CLAIM(table_row_end(row) == 0);
    fuzz_file_append(file, row->text, row->length);
}

static void check_number(const struct table *table, size_t i, int column)
{
    struct why why = {0};
    double number = -1;

    int error = table_number(table, i, column, &number, &why);
    if (error) {
        CLAIM(number == -1);
        fuzz_claim_refusal(error, &why, "/proc/self/fd/");
        return;
    }
    CLAIM(isfinite(number) || (isnan(number) && table_cell(table, i, column)[0] == '\0'));
    CLAIM(isnan(number) || strtod(table_cell(table, i, column), NULL) == number);
}

/* The table that the writer makes of the same cells. */
static void write_again(const struct table *table)
{
    struct fuzz_file file = fuzz_file_open(NULL, 0);
    size_t columns = table_columns(table);
    struct table *again;
    struct table_row row;
    struct why why = {0};

    table_row_init(&row);
    write_header(&file, &row, columns);
    for (size_t i = 0; i < table_rows(table); i++) {
        table_row_begin(&row);
        for (size_t j = 0; j < columns; j++)
            table_row_text(&row, table_cell(table, i, (int)j));
        CLAIM(table_row_end(&row) == 0);
        fuzz_file_append(&file, row.text, row.length);
    }
    table_row_clear(&row);

    CLAIM(table_read(file.path, &again, &why) == 0);
    CLAIM(table_columns(again) == columns && table_rows(again) == table_rows(table));
    CLAIM(table_column(again, "column 0") == 0);
    for (size_t i = 0; i < table_rows(table); i++)
        for (size_t j = 0; j < columns; j++)
            CLAIM(strcmp(table_cell(table, i, (int)j), table_cell(again, i, (int)j)) == 0);
    table_close(again);
    fuzz_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);
    struct table *table = NULL;
    struct why why = {0};
    int error = table_read(file.path, &table, &why);

    if (error) {
        CLAIM(table == NULL);
        fuzz_claim_refusal(error, &why, file.path);
    } else {
        size_t line = 1;
        CLAIM(table_columns(table) > 0);
        CLAIM(!memchr(data, '\0', size));
        for (size_t i = 0; i < table_rows(table); i++) {
            CLAIM(table_line(table, i) > line && table_line(table, i) <= size);
            line = table_line(table, i);
            for (size_t j = 0; j < table_columns(table); j++)
                check_number(table, i, (int)j);
        }
        write_again(table);
    }
    table_close(table);
    fuzz_file_close(&file);
    return 0;
}
