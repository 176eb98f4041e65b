/* A configuration's items, and the words of its values. */
#include "config.h"

#include "fuzz.h"

#define MOST_WORDS 16

static void check_words(char *value)
{
    char *words[MOST_WORDS];
    struct why why = {0};
    size_t length = strlen(value), sum = 0;
    int count = config_words(value, words, MOST_WORDS, &why);

    if (count < 0) {
        fuzz_claim_refusal(count, &why, NULL);
        return;
    }
    for (int i = 0; i < count; i++) {
        CLAIM(words[i] >= value && words[i] + strlen(words[i]) <= value + length);
        CLAIM(i == 0 || words[i] > words[i - 1] + strlen(words[i - 1]));
        sum += strlen(words[i]);
    }
    CLAIM(sum <= length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct config config;
    struct config_item item;
    struct why why = {0};
    size_t line = 0;
    int got;

    config_begin(&config, text, size);
    while ((got = config_next(&config, &item, &why)) == 1) {
        CLAIM(config.line > line);
        line = config.line;
        if (item.type == CONFIG_SECTION) {
            CLAIM(*item.kind && !strpbrk(item.kind, " \t\r\n") && !strpbrk(item.name, "\r\n"));
        } else {
            CLAIM(*item.key && !strpbrk(item.key, "= \t") && !strpbrk(item.value, "\r\n"));
            check_words(item.value);
        }
    }
    CLAIM(got == 0 || config.line > line);
    if (got)
        fuzz_claim_refusal(got, &why, NULL);
    free(text);
    return 0;
}
