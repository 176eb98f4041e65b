#include "redis_script.h"

/* The path is relative to the directory where make runs. */
/* clang-format off */
__asm__(".pushsection .rodata, \"a\", %progbits\n"
        ".globl redis_script\n"
        ".type redis_script, %object\n"
        "redis_script: .incbin \"words/redis_script.lua\"\n"
        ".byte 0\n"
        ".size redis_script, . - redis_script\n"
        ".popsection\n");
/* clang-format on */
