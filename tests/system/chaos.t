#!/bin/bash
# Real faults in a seeded order, under load, with the load generator's ledger as the judge: the short run of
# `make chaos`. Limits under the sanitizers: tests/chaos/command.py, ASAN_SLACK.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 7 --rounds 1 --faults "worker SIGKILL,\
worker SIGSTOP,broker SIGKILL,TCP reset of all,memory alarm,autoscaler SIGKILL"
