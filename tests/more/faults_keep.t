#!/bin/bash
# Workers whose program lives on, under the faults that touch a worker: see tests/chaos/faults.py.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 13 --rounds 1 --worker keep --faults "worker SIGKILL,\
worker SIGSTOP,TCP reset of all,odd bodies"
