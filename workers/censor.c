#include "censor.h"

#include "error.h"
#include "wordlist.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* A text is read as tokens: maximal runs of word characters, maximal runs of white space, and any
 * other character by itself. A match begins and ends beside characters that are no word characters,
 * hence between two tokens, so entries become sequences of tokens, kept in a trie. Most tokens of a
 * text are in no entry and cost one look-up in a hash table. */

enum token_class { CLASS_OTHER, CLASS_WORD, CLASS_SPACE };

/* Numbers of the tokens that occur in entries. */
enum { TOKEN_UNKNOWN, TOKEN_SPACE, TOKEN_FIRST_FREE };

/* Trie nodes; no edge leads to the root, so its number also means "none". */
#define ROOT 0

/* Code points below this have their class and folding in tables: all that UTF-8 writes in up to two
 * bytes. */
#define TABLE_SIZE 0x800

/* In the table of foldings: not one character, or one that may compose with its neighbours. */
#define FOLD_SLOWLY UINT16_MAX

#define NOT_A_CHARACTER UINT32_MAX

/* No character grows more than threefold, in bytes, when it is folded. */
#define FOLDED_MAX_BYTES (WORDLIST_ENTRY_MAX_BYTES * 3)

/* Folding never shrinks a text by more than this factor in bytes (the Kelvin sign: 3 to 1), with
 * room. */
#define FOLD_SHRINKAGE 8

struct span {
    const uint8_t *bytes;
    size_t length;
};

struct vocabulary_slot {
    uint32_t hash;
    uint32_t token; /* TOKEN_UNKNOWN when free */
    uint32_t at;    /* of its text in names */
    uint32_t length;
};

struct edge {
    uint32_t from;
    uint32_t token; /* TOKEN_UNKNOWN when free */
    uint32_t to;
};

struct node {
    bool accepts;   /* an entry ends here */
    bool continues; /* a longer one goes on */
};

struct censor {
    uint8_t class[TABLE_SIZE];
    uint16_t fold[TABLE_SIZE];
    uint8_t *names; /* folded text of all tokens */
    size_t names_length;
    struct vocabulary_slot
        *vocabulary;    /* both hash tables have slot_count slots, a power of two, */
    struct edge *edges; /* at most half full */
    size_t slot_count;
    struct node *nodes;
    uint32_t node_count;
    uint32_t *starts; /* by token: the node to which it leads from the root */
    uint32_t token_count;
    size_t longest_word; /* bytes of the longest folded word */
    char *mask;
    size_t mask_length;
};

struct token {
    struct span text;
    enum token_class class;
    ucs4_t character; /* its first */
    bool slow;        /* a word with a character that the table cannot fold */
    uint32_t number;  /* set by number_token */
};

static enum token_class classify(ucs4_t character)
{
    if (character == '_' ||
        uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                        UC_CATEGORY_MASK_N))
        return CLASS_WORD;
    return uc_is_property_white_space(character) ? CLASS_SPACE : CLASS_OTHER;
}

/* The character at the beginning of a span that is not empty, and how many bytes it takes. A byte
 * that is not UTF-8 is one of class other. */
static inline size_t read_character(const struct censor *censor, struct span text,
                                    ucs4_t *character, enum token_class *class)
{
    const uint8_t *s = text.bytes;

    if (s[0] < 0x80) {
        *character = s[0];
        *class = censor->class[s[0]];
        return 1;
    }
    if (s[0] >= 0xc2 && s[0] < 0xe0 && text.length >= 2 && (s[1] & 0xc0) == 0x80) {
        *character = (ucs4_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
        *class = censor->class[*character];
        return 2;
    }
    int size = u8_mbtoucr(character, s, text.length);
    if (size < 1) {
        *character = NOT_A_CHARACTER;
        *class = CLASS_OTHER;
        return 1;
    }
    *class = classify(*character);
    return (size_t)size;
}

/* How many ASCII characters of this class a span begins with. */
static inline size_t skip_ascii(const struct censor *censor, struct span text,
                                enum token_class class)
{
    size_t length = 0;

    while (length < text.length && text.bytes[length] < 0x80 &&
           censor->class[text.bytes[length]] == class)
        length++;
    return length;
}

/* Reads the token at the beginning of a span that is not empty, all but its number. */
static inline void read_token(const struct censor *censor, struct span text, struct token *token)
{
    ucs4_t first, character;
    enum token_class class, next;
    size_t length = read_character(censor, text, &first, &class);
    bool slow = class == CLASS_WORD && (first >= TABLE_SIZE || censor->fold[first] == FOLD_SLOWLY);

    while (class != CLASS_OTHER) {
        struct span rest = {text.bytes + length, text.length - length};
        size_t ascii = skip_ascii(censor, rest, class);
        length += ascii;
        if (ascii == rest.length)
            break;
        rest.bytes += ascii;
        rest.length -= ascii;
        size_t size = read_character(censor, rest, &character, &next);
        if (next != class)
            break;
        length += size;
        slow |= character >= TABLE_SIZE || censor->fold[character] == FOLD_SLOWLY;
    }
    *token = (struct token){
        .text = {.bytes = text.bytes, .length = length},
        .class = class,
        .character = first,
        .slow = slow,
    };
}

static bool begins_with_word(const struct censor *censor, struct span text)
{
    ucs4_t character;
    enum token_class class;

    if (text.length == 0)
        return false;
    read_character(censor, text, &character, &class);
    return class == CLASS_WORD;
}

static uint32_t hash_name(struct span name)
{
    uint32_t hash = UINT32_C(0x811c9dc5);

    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ name.bytes[i]) * UINT32_C(0x01000193);
    return hash ^ hash >> 16;
}

/* The slot of the token of this name, or the free one where it belongs. */
static struct vocabulary_slot *find_name(const struct censor *censor, uint32_t hash,
                                         struct span name)
{
    for (size_t i = hash;; i++) {
        struct vocabulary_slot *slot = &censor->vocabulary[i & (censor->slot_count - 1)];
        if (slot->token == TOKEN_UNKNOWN ||
            (slot->hash == hash && slot->length == name.length &&
             memcmp(censor->names + slot->at, name.bytes, name.length) == 0))
            return slot;
    }
}

static struct edge *find_edge(const struct censor *censor, uint32_t from, uint32_t token)
{
    uint32_t hash = from * UINT32_C(0x9e3779b1) ^ token * UINT32_C(0x85ebca6b);

    for (size_t i = hash ^ hash >> 16;; i++) {
        struct edge *edge = &censor->edges[i & (censor->slot_count - 1)];
        if (edge->token == TOKEN_UNKNOWN || (edge->from == from && edge->token == token))
            return edge;
    }
}

/* Folds a word whose every character is in the table. Stops when it is longer than any in an entry.
 */
static struct span fold_fast(const struct censor *censor, struct span word, uint8_t *key)
{
    size_t length = 0;

    for (size_t i = 0; i < word.length && length <= censor->longest_word;) {
        uint8_t byte = word.bytes[i++];
        if (byte < 0x80) {
            key[length++] = (uint8_t)censor->fold[byte];
            continue;
        }
        uint16_t folded = censor->fold[(byte & 0x1f) << 6 | (word.bytes[i++] & 0x3f)];
        if (folded < 0x80) {
            key[length++] = (uint8_t)folded;
        } else {
            key[length++] = (uint8_t)(0xc0 | folded >> 6);
            key[length++] = (uint8_t)(0x80 | (folded & 0x3f));
        }
    }
    return (struct span){.bytes = key, .length = length};
}

/* The same for any word; a span without bytes when there was no memory for it. */
static struct span fold_slow(const struct censor *censor, struct span word, uint8_t *key)
{
    if (word.length > censor->longest_word * FOLD_SHRINKAGE)
        return word;

    size_t length = FOLDED_MAX_BYTES;
    uint8_t *folded = u8_casefold(word.bytes, word.length, NULL, UNINORM_NFC, key, &length);
    if (!folded)
        return (struct span){0};
    if (folded != key) {
        if (length <= FOLDED_MAX_BYTES)
            memcpy(key, folded, length);
        free(folded);
    }
    return (struct span){.bytes = key, .length = length};
}

/* A character that is in no word, as it stands in a folded text. */
static ucs4_t fold_other(ucs4_t character)
{
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];

    if (character < 0x80)
        return character;
    if (character == 0x2019)
        return '\'';
    if (uc_canonical_decomposition(character, parts) == 1)
        character = parts[0];
    return uc_tolower(character);
}

/* Sets the number of a token of a text. */
static int number_token(const struct censor *censor, struct token *token)
{
    uint8_t key[FOLDED_MAX_BYTES + 2];
    struct span name = {.bytes = key};

    token->number = TOKEN_UNKNOWN;
    switch (token->class) {
    case CLASS_SPACE:
        token->number = TOKEN_SPACE;
        return 0;
    case CLASS_OTHER:
        if (token->character == NOT_A_CHARACTER)
            return 0;
        name.length = (size_t)u8_uctomb(key, fold_other(token->character), sizeof key);
        break;
    case CLASS_WORD:
        name =
            token->slow ? fold_slow(censor, token->text, key) : fold_fast(censor, token->text, key);
        if (!name.bytes)
            return -ERR_MEMORY;
        if (name.length > censor->longest_word)
            return 0;
        break;
    }
    token->number = find_name(censor, hash_name(name), name)->token;
    return 0;
}

/* The number of a token of an entry, which is folded already. */
static uint32_t learn_token(struct censor *censor, const struct token *token)
{
    if (token->class == CLASS_SPACE)
        return TOKEN_SPACE;
    if (token->class == CLASS_WORD && token->text.length > censor->longest_word)
        censor->longest_word = token->text.length;

    uint32_t hash = hash_name(token->text);
    struct vocabulary_slot *slot = find_name(censor, hash, token->text);
    if (slot->token == TOKEN_UNKNOWN) {
        *slot = (struct vocabulary_slot){
            .hash = hash,
            .token = censor->token_count++,
            .at = (uint32_t)censor->names_length,
            .length = (uint32_t)token->text.length,
        };
        memcpy(censor->names + slot->at, token->text.bytes, token->text.length);
        censor->names_length += token->text.length;
    }
    return slot->token;
}

static void learn_entry(struct censor *censor, struct span entry)
{
    uint32_t node = ROOT;

    while (entry.length > 0) {
        struct token token;
        read_token(censor, entry, &token);
        uint32_t number = learn_token(censor, &token);
        struct edge *edge = find_edge(censor, node, number);
        if (edge->token == TOKEN_UNKNOWN)
            *edge = (struct edge){.from = node, .token = number, .to = censor->node_count++};
        if (node == ROOT)
            censor->starts[number] = edge->to;
        censor->nodes[node].continues = true;
        node = edge->to;
        entry.bytes += token.text.length;
        entry.length -= token.text.length;
    }
    censor->nodes[node].accepts = true;
}

static int fill_tables(struct censor *censor)
{
    for (ucs4_t character = 0; character < TABLE_SIZE; character++) {
        uint32_t folded[UC_DECOMPOSITION_MAX_LENGTH];
        size_t length = UC_DECOMPOSITION_MAX_LENGTH;
        uint32_t *result = u32_casefold(&character, 1, NULL, UNINORM_NFC, folded, &length);
        if (!result)
            return -ERR_MEMORY;
        bool fast = length == 1 && result[0] < TABLE_SIZE &&
                    !uc_is_general_category_withtable(character, UC_CATEGORY_MASK_M);
        censor->class[character] = (uint8_t)classify(character);
        censor->fold[character] = fast ? (uint16_t)result[0] : FOLD_SLOWLY;
        if (result != folded)
            free(result);
    }
    return 0;
}

/* The entry as it is compared; its bytes are for the caller to free. */
static int fold_entry(const struct wordlist_entry *entry, struct span *folded)
{
    size_t length, kept = 0;
    uint8_t *bytes =
        u8_casefold((const uint8_t *)entry->text, entry->length, NULL, UNINORM_NFC, NULL, &length);
    if (!bytes)
        return -ERR_MEMORY;
    for (size_t i = 0; i < length; i++) {
        if (i + 3 <= length && memcmp(bytes + i, "\u2019", 3) == 0) {
            bytes[kept++] = '\'';
            i += 2;
        } else {
            bytes[kept++] = bytes[i];
        }
    }
    *folded = (struct span){bytes, kept};
    return 0;
}

/* Makes room for all tokens of a list; one that occurs twice is counted twice. */
static int allocate(struct censor *censor, const struct span *entries, size_t count)
{
    size_t bytes = 0, tokens = TOKEN_FIRST_FREE;

    for (size_t i = 0; i < count; i++) {
        struct span rest = entries[i];
        if (rest.length > FOLDED_MAX_BYTES)
            return -ERR_INVALID;
        bytes += rest.length;
        while (rest.length > 0) {
            struct token token;
            read_token(censor, rest, &token);
            rest.bytes += token.text.length;
            rest.length -= token.text.length;
            tokens++;
        }
    }
    if (bytes > UINT32_MAX / 4)
        return -ERR_MEMORY;
    for (censor->slot_count = 16; censor->slot_count < 2 * tokens;)
        censor->slot_count *= 2;
    censor->names = malloc(bytes + 1);
    censor->vocabulary = calloc(censor->slot_count, sizeof *censor->vocabulary);
    censor->edges = calloc(censor->slot_count, sizeof *censor->edges);
    censor->nodes = calloc(tokens + 1, sizeof *censor->nodes);
    censor->starts = calloc(tokens, sizeof *censor->starts);
    return censor->names && censor->vocabulary && censor->edges && censor->nodes && censor->starts
               ? 0
               : -ERR_MEMORY;
}

int censor_open(const struct wordlist *list, const char *mask, struct censor **censor)
{
    size_t mask_length = strlen(mask);
    if (u8_check((const uint8_t *)mask, mask_length))
        return -ERR_INVALID;

    struct censor *new = calloc(1, sizeof *new);
    if (!new)
        return -ERR_MEMORY;
    new->token_count = TOKEN_FIRST_FREE;
    new->node_count = ROOT + 1;
    new->mask_length = mask_length;
    new->mask = strdup(mask);
    struct span *entries = calloc(list->count + 1, sizeof *entries);
    int error = new->mask &&entries ? fill_tables(new) : -ERR_MEMORY;
    for (size_t i = 0; !error && i < list->count; i++)
        error = fold_entry(&list->entries[i], &entries[i]);
    if (!error)
        error = allocate(new, entries, list->count);
    for (size_t i = 0; !error && i < list->count; i++)
        learn_entry(new, entries[i]);
    for (size_t i = 0; entries && i < list->count; i++)
        free((void *)(uintptr_t)entries[i].bytes);
    free(entries);
    if (error)
        censor_close(new);
    else
        *censor = new;
    return error;
}

void censor_close(struct censor *censor)
{
    if (!censor)
        return;
    free(censor->names);
    free(censor->vocabulary);
    free(censor->edges);
    free(censor->nodes);
    free(censor->starts);
    free(censor->mask);
    free(censor);
}

void censor_result_init(struct censor_result *result)
{
    *result = (struct censor_result){0};
}

void censor_result_clear(struct censor_result *result)
{
    free(result->text);
    censor_result_init(result);
}

static int append(struct censor_result *result, const void *bytes, size_t length)
{
    /* One more for the NUL. Neither length can be near SIZE_MAX: both are of something in memory.
     */
    size_t needed = result->length + length + 1;

    if (needed > result->capacity) {
        size_t capacity = needed > 2 * result->capacity ? needed : 2 * result->capacity;
        char *text = realloc(result->text, capacity);
        if (!text)
            return -ERR_MEMORY;
        result->text = text;
        result->capacity = capacity;
    }
    if (length > 0)
        memcpy(result->text + result->length, bytes, length);
    result->length += length;
    return 0;
}

struct match {
    size_t length; /* in bytes; 0 when there is none */
    bool ends_in_word;
};

/* The longest match that begins with this token of the text.
 *
 * rest  the text from the token on */
static int find_match(const struct censor *censor, struct token token, struct span rest,
                      struct match *longest)
{
    uint32_t node = censor->starts[token.number];
    size_t length = 0;

    while (node != ROOT) {
        length += token.text.length;
        rest.bytes += token.text.length;
        rest.length -= token.text.length;
        bool is_word = token.class == CLASS_WORD;
        if (censor->nodes[node].accepts && (is_word || !begins_with_word(censor, rest)))
            *longest = (struct match){.length = length, .ends_in_word = is_word};
        if (!censor->nodes[node].continues || rest.length == 0)
            break;
        read_token(censor, rest, &token);
        int error = number_token(censor, &token);
        if (error)
            return error;
        node = token.number == TOKEN_UNKNOWN ? ROOT : find_edge(censor, node, token.number)->to;
    }
    return 0;
}

static int replace_all(const struct censor *censor, struct span rest, struct censor_result *result)
{
    const uint8_t *kept = rest.bytes; /* from here on nothing is in the result yet */
    bool after_word = false;

    while (rest.length > 0) {
        struct match match = {0};
        struct token token;
        int error = 0;

        read_token(censor, rest, &token);
        size_t taken = token.text.length;
        /* No entry begins with white space. */
        if (token.class == CLASS_WORD || (token.class == CLASS_OTHER && !after_word))
            error = number_token(censor, &token);
        if (!error && censor->starts[token.number] != ROOT)
            error = find_match(censor, token, rest, &match);
        if (error)
            return error;

        after_word = token.class == CLASS_WORD;
        if (match.length > 0) {
            error = append(result, kept, (size_t)(rest.bytes - kept));
            if (!error)
                error = append(result, censor->mask, censor->mask_length);
            if (error)
                return error;
            taken = match.length;
            kept = rest.bytes + taken;
            after_word = match.ends_in_word;
            result->matches++;
        }
        rest.bytes += taken;
        rest.length -= taken;
    }
    return append(result, kept, (size_t)(rest.bytes - kept));
}

int censor_apply(const struct censor *censor, const char *text, size_t length,
                 struct censor_result *result)
{
    struct span whole = {.bytes = (const uint8_t *)text, .length = length};

    result->length = 0;
    result->matches = 0;
    int error = replace_all(censor, whole, result);
    if (error) {
        result->length = 0;
        result->matches = 0;
    }
    if (result->text)
        result->text[result->length] = '\0';
    return error;
}
