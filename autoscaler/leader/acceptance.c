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

/* Since the tick before. Events that were purged, or deleted with their queue, are missed in the
 * sum: then nothing can be told. */
static double accepted_since(struct acceptance *acceptance, double offered_msgs, double total_msgs)
{
    double growth_msgs = acceptance->known ? total_msgs - acceptance->total_msgs : (double)NAN;

    acceptance->known = !isnan(total_msgs) && !isnan(offered_msgs);
    acceptance->total_msgs = total_msgs;
    return growth_msgs < -noise_msgs(offered_msgs) ? (double)NAN
           : growth_msgs < 0                       ? 0
                                                   : growth_msgs;
}

double acceptance_take_alone(struct acceptance *acceptance, double total_msgs)
{
    double growth_msgs = acceptance->known ? total_msgs - acceptance->total_msgs : (double)NAN;

    acceptance->known = !isnan(total_msgs);
    acceptance->total_msgs = total_msgs;
    return growth_msgs < 0 ? 0 : growth_msgs;
}

double acceptance_take(struct acceptance *acceptance, double offered_msgs, double total_msgs,
                       double *accepted_msgs)
{
    double accepted = accepted_since(acceptance, offered_msgs, total_msgs);
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
