/* policy_history.h - a decision, and all that it was made from, as columns of the history: written
 * down, and read back to decide again. Pure. */
#ifndef WINNOW_POLICY_HISTORY_H
#define WINNOW_POLICY_HISTORY_H

#include "csv/history_format.h"
#include "policy.h"

/* The parameters that the policy decides by, as the JSON object of the column `params`: horizon_s
 * and capacity_msgs ("auto" when it is measured), of the others that every policy has those that
 * differ from their defaults, and all that are the policy's own. */
#define POLICY_HISTORY_PARAMS_SIZE 1024
void policy_history_params(const struct policy *policy, const struct policy_params *params,
                           char text[POLICY_HISTORY_PARAMS_SIZE]);

/* Fills the columns that tell what was decided, by which policy, from which sample. The rest stays
 * as it is, `params` among it: its text is the same for a whole run. */
void policy_history_write(const struct policy *policy, const struct policy_params *params,
                          const struct policy_sample *sample,
                          const struct policy_decision *decision, struct history_row *row);

/* The other way round: what has to be known to decide again. Parameters that the row does not name
 * have their defaults; those that are not known here belong to another version, and are left out.
 *
 * wrong   the column that cannot be used, after an error
 *
 * Returns 0 or -ERR_CONFIG. */
int policy_history_read(const struct history_row *row, const struct policy **policy,
                        struct policy_params *params, struct policy_sample *sample,
                        const char **wrong);

#endif
