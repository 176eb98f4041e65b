#!/bin/bash
# Workers that start a program for each event, under the faults that touch a worker: see tests/chaos/faults.py.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 12 --rounds 1 --worker run --faults "worker SIGKILL,\
worker SIGSTOP,TCP reset of all"
