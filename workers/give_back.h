/* give_back.h - events that go back to their queue unanswered. */
#ifndef WINNOW_GIVE_BACK_H
#define WINNOW_GIVE_BACK_H

#include "error.h"

#include <stdint.h>

struct session;

/* In a drain: those that would not be done and confirmed before its end. What is on the job's
 * thread may take less time than an event usually does, and has until then. Answers that were
 * refused are tried again until then. */
int give_back_late(struct session *session, int64_t now_ns, struct why *why);

/* When to call give_back_late again. */
int64_t give_back_due_ns(const struct session *session, int64_t now_ns);

/* Those held beside an event that takes long: they go to where another worker can do them, as soon
 * as the broker would not hand them out to this one again. */
int give_back_beside(struct session *session, struct why *why);

/* Those that were set aside long enough; in a drain all of them. *until_ns is made sooner if the
 * next is due before. */
int give_back_aside(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why);

#endif
