#!/bin/bash
# Faults that are rare, or much like one that `make check` has: see tests/chaos/faults.py.
exec "$WINNOW_TOP/tests/chaos/chaos" --tap --bin "$WINNOW_BIN" --seed 11 --rounds 1 --faults "half-open autoscaler,\
disk alarm,results consumer slow,wall clock stepped,fork failing,disk full"
