/* descriptors.h - standard input, output and error are open before anything else is, so that no
 * file and no connection takes one of their numbers and is then written to as if it were the
 * screen. */
#ifndef WINNOW_DESCRIPTORS_H
#define WINNOW_DESCRIPTORS_H

/* What stands in for a descriptor that was closed. Standard error is always silent. */
enum descriptors_manner {
    /* There is nothing to read; what is written is thrown away. */
    DESCRIPTORS_SILENT,
    /* Reading and writing fail as on a closed one: a result must not get lost unseen. */
    DESCRIPTORS_FAILING,
};

/* The first line of every main. Ends the process with EX_OSERR if it cannot be done. */
void descriptors_open(enum descriptors_manner manner);

#endif
