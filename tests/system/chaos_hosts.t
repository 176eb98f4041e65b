#!/bin/bash
# Nodes of a farm over three hosts are killed, under load: the short run of `make chaos-hosts`.
exec "$WINNOW_TOP/tests/chaos/hosts" --tap --bin "$WINNOW_BIN" --amqp "$WINNOW_TEST_URL" \
    --seed 7 --rounds 1 --faults "leader SIGKILL,cable cut"
