/* look_alikes.h - the letters that look like Latin ones, for folding.c alone. Pure.
 *
 * A letter stands here as it is after case folding and decomposition, so one line serves its small
 * and its capital form. A Cyrillic or Greek letter is read as the Latin one that its small form
 * resembles, or else its capital form.
 *
 * Source: Unicode's confusables.txt, cut down to letters that people mix into Latin words. The
 * oracle of the tests (tests/system/matcher_oracle.py) reads this table too. */
#ifndef WINNOW_LOOK_ALIKES_H
#define WINNOW_LOOK_ALIKES_H

#include <stdint.h>

struct look_alike {
    uint32_t from;
    char to[4];
};

/* Sorted by `from`, for a binary search. */
static const struct look_alike look_alikes[] = {
    {0x00e6, "ae"}, /* æ latin small letter ae */
    {0x00f0, "d"},  /* ð latin small letter eth */
    {0x00f8, "o"},  /* ø latin small letter o with stroke */
    {0x0111, "d"},  /* đ latin small letter d with stroke */
    {0x0127, "h"},  /* ħ latin small letter h with stroke */
    {0x0131, "i"},  /* ı latin small letter dotless i */
    {0x0142, "l"},  /* ł latin small letter l with stroke */
    {0x0153, "oe"}, /* œ latin small ligature oe */
    {0x0167, "t"},  /* ŧ latin small letter t with stroke */
    {0x0192, "f"},  /* ƒ latin small letter f with hook */
    {0x0251, "a"},  /* ɑ latin small letter alpha */
    {0x0261, "g"},  /* ɡ latin small letter script g */
    {0x0262, "g"},  /* ɢ latin letter small capital g */
    {0x026a, "i"},  /* ɪ latin letter small capital i */
    {0x0274, "n"},  /* ɴ latin letter small capital n */
    {0x0280, "r"},  /* ʀ latin letter small capital r */
    {0x028f, "y"},  /* ʏ latin letter small capital y */
    {0x0299, "b"},  /* ʙ latin letter small capital b */
    {0x029c, "h"},  /* ʜ latin letter small capital h */
    {0x029f, "l"},  /* ʟ latin letter small capital l */
    {0x03b1, "a"},  /* α greek small letter alpha */
    {0x03b2, "b"},  /* β greek small letter beta */
    {0x03b3, "y"},  /* γ greek small letter gamma */
    {0x03b5, "e"},  /* ε greek small letter epsilon */
    {0x03b6, "z"},  /* ζ greek small letter zeta */
    {0x03b7, "n"},  /* η greek small letter eta */
    {0x03b9, "i"},  /* ι greek small letter iota */
    {0x03ba, "k"},  /* κ greek small letter kappa */
    {0x03bc, "m"},  /* μ greek small letter mu */
    {0x03bd, "v"},  /* ν greek small letter nu */
    {0x03bf, "o"},  /* ο greek small letter omicron */
    {0x03c1, "p"},  /* ρ greek small letter rho */
    {0x03c4, "t"},  /* τ greek small letter tau */
    {0x03c5, "u"},  /* υ greek small letter upsilon */
    {0x03c7, "x"},  /* χ greek small letter chi */
    {0x03c9, "w"},  /* ω greek small letter omega */
    {0x0430, "a"},  /* а cyrillic small letter a */
    {0x0432, "b"},  /* в cyrillic small letter ve */
    {0x0435, "e"},  /* е cyrillic small letter ie */
    {0x043a, "k"},  /* к cyrillic small letter ka */
    {0x043c, "m"},  /* м cyrillic small letter em */
    {0x043d, "h"},  /* н cyrillic small letter en */
    {0x043e, "o"},  /* о cyrillic small letter o */
    {0x0440, "p"},  /* р cyrillic small letter er */
    {0x0441, "c"},  /* с cyrillic small letter es */
    {0x0442, "t"},  /* т cyrillic small letter te */
    {0x0443, "y"},  /* у cyrillic small letter u */
    {0x0445, "x"},  /* х cyrillic small letter ha */
    {0x0455, "s"},  /* ѕ cyrillic small letter dze */
    {0x0456, "i"},  /* і cyrillic small letter byelorussian-ukrainian i */
    {0x0458, "j"},  /* ј cyrillic small letter je */
    {0x04bb, "h"},  /* һ cyrillic small letter shha */
    {0x04cf, "l"},  /* ӏ cyrillic small letter palochka */
    {0x0501, "d"},  /* ԁ cyrillic small letter komi de */
    {0x051b, "q"},  /* ԛ cyrillic small letter qa */
    {0x051d, "w"},  /* ԝ cyrillic small letter we */
    {0x0570, "h"},  /* հ armenian small letter ho */
    {0x057d, "u"},  /* ս armenian small letter seh */
    {0x0585, "o"},  /* օ armenian small letter oh */
    {0x1d00, "a"},  /* ᴀ latin letter small capital a */
    {0x1d04, "c"},  /* ᴄ latin letter small capital c */
    {0x1d05, "d"},  /* ᴅ latin letter small capital d */
    {0x1d07, "e"},  /* ᴇ latin letter small capital e */
    {0x1d0a, "j"},  /* ᴊ latin letter small capital j */
    {0x1d0b, "k"},  /* ᴋ latin letter small capital k */
    {0x1d0d, "m"},  /* ᴍ latin letter small capital m */
    {0x1d0f, "o"},  /* ᴏ latin letter small capital o */
    {0x1d18, "p"},  /* ᴘ latin letter small capital p */
    {0x1d1b, "t"},  /* ᴛ latin letter small capital t */
    {0x1d1c, "u"},  /* ᴜ latin letter small capital u */
    {0x1d20, "v"},  /* ᴠ latin letter small capital v */
    {0x1d21, "w"},  /* ᴡ latin letter small capital w */
    {0x1d22, "z"},  /* ᴢ latin letter small capital z */
    {0xa730, "f"},  /* ꜰ latin letter small capital f */
    {0xa731, "s"},  /* ꜱ latin letter small capital s */
};

#endif
