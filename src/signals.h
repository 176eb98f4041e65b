/* signals.h - signals as bytes on a descriptor, never work in a handler. */
#ifndef WINNOW_SIGNALS_H
#define WINNOW_SIGNALS_H

#include "error.h"

/* Blocks SIGINT and SIGTERM, ignores SIGPIPE and SIGXFSZ (both come back as errors), and opens a descriptor that becomes readable when one
 * of the two arrives. 0 or -ERR_SYSTEM. */
int signals_open(int *fd, struct why *why);

/* The same for SIGHUP alone, on a descriptor of its own: it is no end, and nobody who waits for one must see it. */
int signals_open_hangup(int *fd, struct why *why);

/* The next signal that arrived, or 0 when there is none. The SIGHUP of a terminal that goes away asks for no
 * renewal and comes as SIGTERM. */
int signals_next(int fd);

/* Sends SIGTERM to this process: for the thread that takes SIGHUP. */
void signals_ask_to_end(void);

/* In a child between fork and exec: the dispositions and the mask a program expects at its start. */
void signals_restore(void);

#endif
