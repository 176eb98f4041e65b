#include "scripts.h"

/* Paths are relative to the directory where make runs. */
#define SCRIPT(name)                                                                               \
    ".globl scripts_" #name "\n"                                                                   \
    ".type scripts_" #name ", %object\n"                                                           \
    "scripts_" #name ": .incbin \"plots/" #name ".gp\"\n"                                          \
    ".byte 0\n"                                                                                    \
    ".size scripts_" #name ", . - scripts_" #name "\n"

/* clang-format off */
__asm__(".pushsection .rodata, \"a\", %progbits\n"
        SCRIPT(style)
        SCRIPT(scaling)
        SCRIPT(relation)
        SCRIPT(policies)
        SCRIPT(words)
        SCRIPT(hosts)
        ".popsection\n");
/* clang-format on */
