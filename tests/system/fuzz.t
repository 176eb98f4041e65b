#!/bin/bash
# quiet, no broker
# Every parser of outside data against its corpus and some seconds of what libFuzzer makes of it, with the same
# seed each time: `make fuzz` searches, for longer and elsewhere. A finding's input is kept in out/fuzz.
if [ "$WINNOW_BUILD" = asan ]; then
    echo '1..0 # SKIP the fuzz targets have sanitizers of their own; make check runs them'
    exit
fi
exec "$WINNOW_TOP/tests/fuzz/run" "$WINNOW_TOP/build/fuzz/tests/fuzz" 2 "$PWD" 1
