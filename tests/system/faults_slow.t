#!/bin/bash
# quiet: what is claimed of time here is counted in tens of seconds
# slow: half a minute or more
# The fault that takes longest, as workers ask for their permission every half minute: see tests/chaos/faults.py.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 11 --rounds 1 --faults "permissions removed"
