/* policy_erlang.h - the fewest workers with which few events wait long. Pure.
 *
 * The farm is taken for a queue with N servers, in which an event takes s = T / C seconds. N is the
 * fewest for which, by Erlang's formula (erlang.h), at most the share epsilon of the events waits
 * longer than the target. The target is wait_s, or half of s where that is more: who takes long to
 * serve may let wait a while.
 *
 * lambda is a long average, so that chance does not move N; it starts anew from an average a tenth
 * as long when the two differ by more than z standard deviations of Poisson arrivals. And when
 * clearing what is ready would take the workers longer than theta times the target, N becomes
 * lambda s and what clears it within the target, but never more than there are events: then the
 * average has missed something, or chance has been unkind. So epsilon may be well above the share
 * of events that wait too long in the end.
 *
 * All that is for workers that start at once. One that takes d seconds comes too late for what
 * made it start, so the longer d is,
 * - the less is made of chance: z grows, and epsilon falls, by what is learnt from the events that
 *   waited too long;
 * - the longer what was needed stays: the greatest number of the last 2 d;
 * - the sooner what piles up is a backlog, down to a quarter of theta times the target;
 * - the more counts what is on its way: started is for what will be ready in d, and to be cleared
 *   within d / 2, for what is started for less than that would be drained before it was of use;
 * - the more is lost with a worker: none that is starting is drained, and none that helps to clear
 *   a backlog.
 * With few_starts what was needed stays for longer where many workers have been started, and fewer
 * are started to clear a backlog. A d of at most 50 ms counts as none, and then nothing of this
 * makes a difference.
 *
 * With all else equal, without few_starts and with a rate that has been believed, N never falls
 * when d grows and nothing waits. When events wait, what would serve them at once is of less use
 * the later it comes, so fewer start; but none that would stay if starts took no time goes because
 * they take some: min(N, workers) is never less than it is with d = 0. */
#ifndef WINNOW_POLICY_ERLANG_H
#define WINNOW_POLICY_ERLANG_H

#include "policy.h"

/* Its own parameters. */
enum policy_erlang_param {
    ERLANG_WAIT_S,
    ERLANG_EPSILON,
    ERLANG_THETA,
    ERLANG_AVERAGE_S,
    ERLANG_Z,
    ERLANG_FEW_STARTS,
    ERLANG_PARAMS,
};
extern const struct policy_param policy_erlang_params[ERLANG_PARAMS];

policy_need_function policy_erlang;

#endif
