#!/bin/bash
# Faults of the broker and of the line to it that take their time: see tests/chaos/faults.py. tests/more/faults_rare.t
# has the others.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 11 --rounds 1 --faults "broker restart,\
half-open worker,work queue deleted,exchange deleted,results queue deleted"
