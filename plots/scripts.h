/* scripts.h - the gnuplot scripts of this folder, which are part of the program, so that it works
 * wherever it is copied. */
#ifndef WINNOW_SCRIPTS_H
#define WINNOW_SCRIPTS_H

/* NUL-terminated; the files' content, byte for byte. The style goes before any of the others. */
extern const char scripts_style[], scripts_scaling[], scripts_relation[], scripts_policies[],
    scripts_words[], scripts_hosts[];

#endif
