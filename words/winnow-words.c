/* winnow-words: keeps the words of a farm, answers for them, broadcasts from them. */
#include "descriptors.h"
#include "error.h"
#include "import.h"
#include "options.h"
#include "store.h"
#include "word_service.h"
#include "words_options.h"

#include <sysexits.h>

#define PROGRAM "winnow-words"

int main(int argc, char **argv)
{
    struct options options;
    struct words_options words;
    struct store *store = NULL;
    struct why why = {0};

    descriptors_open(DESCRIPTORS_SILENT);
    words_options_init(&words, PROGRAM);
    options_parse(&options, PROGRAM, &words_options_argp, argc, argv, &words);

    const struct store_settings place = {
        .where = words.store, .farm = options.topology.farm, .relaxed = words.redis_relaxed};
    int error = store_open(&place, &store, &why);
    if (!error && words.import_file) {
        error = import_run(words.import_file, store, &why);
    } else if (!error) {
        const struct word_service_settings settings = {
            .options = &options,
            .store = store,
            .export_file = words.export_file,
            .broadcast_every_ns = words.broadcast_every_ns,
            .drain_timeout_ns = words.drain_timeout_ns,
        };
        error = word_service_run(&settings, &why);
    }
    store_close(store);
    return error ? options_fail(PROGRAM, error, &why) : EX_OK;
}
