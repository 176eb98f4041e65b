#!/bin/bash
# quiet: no claim about time
# slow: half a minute or more
# Workers in Python that come and go under load: the short runs of tests/chaos/python_storm.
. "$(dirname "$0")/../system/lib.sh"

storm()
{
    exits 0 "$1" -- "$WINNOW_TOP/tests/chaos/python_storm" --bin "$WINNOW_BIN" --url "$WINNOW_TEST_URL" --seconds 20 "${@:2}"
    diag "$(cat out)"
}

storm "workers that are drained all the time lose nothing and answer nothing twice"
storm "workers that are killed and cut off too lose nothing" --faults
done_testing
