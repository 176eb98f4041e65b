/* amounts.h - measurements, and texts from other hosts, as people read them. */
#ifndef WINNOW_AMOUNTS_H
#define WINNOW_AMOUNTS_H

#define AMOUNTS_SIZE 32

/* "1520", "9.9"; "?" when unknown. Each of these writes text and returns it. */
const char *amounts_number(double value, char text[AMOUNTS_SIZE]);

/* "1 worker", "8 workers". */
const char *amounts_workers(double count, char text[AMOUNTS_SIZE]);

/* "1 event", "423 events". */
const char *amounts_events(double count, char text[AMOUNTS_SIZE]);

/* A time span: "0.4 s", "12 s", "3 min", "2 h 5 min", "4 days"; "?" when unknown. */
const char *amounts_span(double seconds, char text[AMOUNTS_SIZE]);

/* "87%" of a share of 0..1. */
const char *amounts_percent(double share, char text[AMOUNTS_SIZE]);

/* Text that came over the network, with what would move a cursor escaped (printable.h), and cut
 * where it does not fit. */
#define AMOUNTS_SHOWN_SIZE 600
const char *amounts_shown(const char *from, char text[AMOUNTS_SHOWN_SIZE]);

#endif
