/* signals.h - signals as bytes on a descriptor, never work in a handler. */
#ifndef WINNOW_SIGNALS_H
#define WINNOW_SIGNALS_H

#include "error.h"

/* Opens a descriptor that becomes readable when SIGINT or SIGTERM arrives, and blocks both. SIGPIPE
 * and SIGXFSZ are ignored: what causes them comes back as an error. Returns 0 or -ERR_SYSTEM. */
int signals_open(int *fd, struct why *why);

/* The same for whoever has nothing to load anew: SIGHUP asks for an end too, unless whoever started
 * the process has it ignored (nohup). */
int signals_open_with_hangup(int *fd, struct why *why);

/* Opens a descriptor for SIGHUP alone. It asks for no end, so whoever waits for an end must not see
 * it. Returns 0 or -ERR_SYSTEM. */
int signals_open_hangup(int *fd, struct why *why);

/* Opens a descriptor that becomes readable when a child has ended. Several ends may come as one
 * signal. Returns 0 or -ERR_SYSTEM. */
int signals_open_children(int *fd, struct why *why);

/* Opens a descriptor for whoever fills a terminal's screen: for SIGINT and SIGTERM, as signals_open
 * does, and for SIGWINCH, SIGTSTP and SIGCONT. Returns 0 or -ERR_SYSTEM. */
int signals_open_screen(int *fd, struct why *why);

/* The next signal that arrived, or 0 when there is none. A SIGHUP from the kernel means that the
 * terminal has gone, so it comes as SIGTERM. */
int signals_next(int fd);

/* Sends SIGTERM to this process. For the thread that takes SIGHUP and learns that the terminal has
 * gone. */
void signals_ask_to_end(void);

/* Restores the dispositions and the mask that a program expects at its start. For a child between
 * fork and exec. */
void signals_restore(void);

#endif
