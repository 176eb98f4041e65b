#include "acceptance.h"

#include <math.h>

/* So many standard deviations of a Poisson count are more than chance, ... */
#define APART_Z 3.0

/* ... when it happens in so many ticks on end. As many are needed to believe that it is over. */
#define APART_TICKS 3

static double noise_msgs(double offered_msgs)
{
    return APART_Z * sqrt(fmax(offered_msgs, 1));
}

/* How much the total has grown since the tick before; less than 0: so much was purged or deleted,
 * or has expired. The queue and its workers are not asked at the same moment: what is missed in
 * between is there in the next tick, and has been counted before. */
static double growth_since(struct acceptance *acceptance, double total_msgs, double noise,
                           bool known)
{
    double growth_msgs = acceptance->known ? total_msgs - acceptance->total_msgs : (double)NAN;
    double before_msgs = acceptance->missed_msgs;
    bool missed = growth_msgs < 0 && growth_msgs >= -noise;

    acceptance->known = known;
    acceptance->total_msgs = total_msgs;
    acceptance->missed_msgs = missed ? -growth_msgs : 0;
    if (missed)
        return 0;
    return growth_msgs > 0 ? fmax(growth_msgs - before_msgs, 0) : growth_msgs;
}

double acceptance_take_alone(struct acceptance *acceptance, double total_msgs)
{
    double growth_msgs = growth_since(acceptance, total_msgs, noise_msgs(0), !isnan(total_msgs));

    return growth_msgs < 0 ? 0 : growth_msgs;
}

double acceptance_take(struct acceptance *acceptance, double offered_msgs, double total_msgs,
                       double *accepted_msgs)
{
    bool known = !isnan(total_msgs) && !isnan(offered_msgs);
    double growth_msgs = growth_since(acceptance, total_msgs, noise_msgs(offered_msgs), known);
    /* When events are missed in the sum nothing can be told. */
    double accepted = growth_msgs < 0 ? (double)NAN : growth_msgs;
    /* False when one of them is unknown. */
    bool apart = offered_msgs - accepted > noise_msgs(offered_msgs);

    *accepted_msgs = accepted;
    acceptance->ticks = apart == acceptance->refuses ? 0 : acceptance->ticks + 1;
    if (acceptance->ticks == APART_TICKS) {
        acceptance->refuses = apart;
        acceptance->ticks = 0;
    }
    if (!acceptance->refuses)
        return offered_msgs;
    return isnan(accepted) ? (double)NAN : fmin(offered_msgs, fmax(accepted, 1));
}
