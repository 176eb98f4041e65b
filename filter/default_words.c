#include "default_words.h"

/* The length of an embedded file is a constant to the assembler alone, not to the C compiler, so
 * the assembler lays out the array as well. Paths are relative to the directory where make runs. */

#if __SIZEOF_POINTER__ == 8
#define WORD ".quad "
#else
#define WORD ".long "
#endif

_Static_assert(sizeof(struct default_words_list) == 3 * sizeof(void *) &&
                   offsetof(struct default_words_list, name) == 0 &&
                   offsetof(struct default_words_list, bytes) == sizeof(void *) &&
                   offsetof(struct default_words_list, length) == 2 * sizeof(void *),
               "the assembler lays out an element as three words");

#define EACH_LIST(X)                                                                               \
    X(ca)                                                                                          \
    X(en)                                                                                          \
    X(es)

#define CONTENT(list)                                                                              \
    ".Ldefault_words_" #list "_name: .asciz \"" #list ".txt\"\n"                                   \
    ".Ldefault_words_" #list ": .incbin \"filter/words/" #list ".txt\"\n"                          \
    ".Ldefault_words_" #list "_end:\n"

#define ELEMENT(list)                                                                              \
    WORD ".Ldefault_words_" #list "_name\n" WORD ".Ldefault_words_" #list "\n" WORD                \
         ".Ldefault_words_" #list "_end - .Ldefault_words_" #list "\n"

/* clang-format off */
__asm__(".pushsection .rodata, \"a\", %progbits\n"
        EACH_LIST(CONTENT)
        ".popsection\n"
        /* Addresses are filled in at load time, read-only afterwards. */
        ".pushsection .data.rel.ro, \"aw\", %progbits\n"
        ".balign 8\n"
        ".globl default_words\n"
        ".type default_words, %object\n"
        "default_words:\n"
        EACH_LIST(ELEMENT)
        ".size default_words, . - default_words\n"
        ".popsection\n");
/* clang-format on */

#define ONE(list) +1
const size_t default_words_count = EACH_LIST(ONE);
