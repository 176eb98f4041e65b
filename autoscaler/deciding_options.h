/* deciding_options.h - of the command line of winnow-autoscaler what says how it measures and
 * decides. */
#ifndef WINNOW_DECIDING_OPTIONS_H
#define WINNOW_DECIDING_OPTIONS_H

#include "autoscaler_options.h"

#include <argp.h>

/* The options' keys. */
enum autoscaler_options_key {
    KEY_INTERVAL = OPTIONS_KEY_OWN,
    KEY_HORIZON,
    KEY_CAPACITY,
    KEY_MIN,
    KEY_MAX,
    KEY_POLICY,
    KEY_HISTORY,
    KEY_DRAIN_TIMEOUT,
    KEY_START_TIMEOUT,
    KEY_COUNT,
    KEY_STOP,
    KEY_HANG_TIMEOUT,
    KEY_MAX_ATTEMPTS,
    KEY_STANDBY,
    KEY_QUIET,
    KEY_REACT,
    KEY_HEADROOM,
    KEY_SCALE_DOWN_DELAY,
    KEY_STEP_UP,
    KEY_STEP_DOWN,
    KEY_WAIT,
    KEY_STARTUP,
    KEY_FEW_STARTS,
    KEY_QUEUE,
    KEY_COUNT_FROM,
    KEY_CONFIG,
    KEY_CHECK,
    KEY_NODE,
    KEY_NODE_MAX,
    KEY_RANK,
};

/* As an argp_parser_t for one option. ARGP_ERR_UNKNOWN: the key is of another kind. */
error_t deciding_options_parse(int key, char *argument, struct argp_state *state,
                               struct autoscaler_options *settings);

#endif
