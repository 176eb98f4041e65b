/* question.h - one thing that is asked of the broker again and again. While an answer is to come
 * nothing is asked anew: a broker that is slower than the questions would never catch up. */
#ifndef WINNOW_QUESTION_H
#define WINNOW_QUESTION_H

#include "broker/broker.h"

#include <stdbool.h>
#include <stdint.h>

struct question {
    bool outstanding;
    bool answered; /* since the answer was last used */
    int64_t answered_ns;
    struct broker_queue_state answer;
};

static inline void question_answer(struct question *question, struct broker_queue_state answer,
                                   int64_t now_ns)
{
    *question = (struct question){.answered = true, .answered_ns = now_ns, .answer = answer};
}

#endif
