#!/bin/bash
# Quorum queues write an acknowledgement before they forget the event: killed, the broker hands out again at most
# what the workers held. See tests/chaos/faults.py.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 10 --rounds 1 --queue-type quorum \
    --faults "broker SIGKILL,TCP reset of all"
