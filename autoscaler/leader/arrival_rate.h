/* arrival_rate.h - from what was counted, and what the queue is seen to have accepted, to the
 * arrival rate that is reckoned with. */
#ifndef WINNOW_ARRIVAL_RATE_H
#define WINNOW_ARRIVAL_RATE_H

#include "acceptance.h"
#include "decider.h"

/* Of a tick's record: completes what was sampled, and says where its rate is from. taken_msgs are
 * in flight or handled, as the queue was asked about; NAN: unknown. Logs when events begin or cease
 * to be refused. */
void arrival_rate_reckon(struct acceptance *acceptance, double taken_msgs,
                         struct decision_record *last);

#endif
