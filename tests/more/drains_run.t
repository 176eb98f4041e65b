#!/usr/bin/python3
"""Workers of winnow-run that come and go all the time: the short runs of tests/chaos/storm.py."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/chaos"))
import storm  # noqa: E402
from farm import WORKERS  # noqa: E402
from tap import BIN, URL, diag, done_testing, equal  # noqa: E402

for kind in "run", "keep":
    with tempfile.TemporaryDirectory() as out:
        code = storm.run(os.path.abspath(BIN), out, 60, 1, WORKERS[kind], url=URL, seconds=120, say=diag)
        equal(code, 0, f"{kind}: 60 scale-downs under load lose nothing and answer nothing twice")
done_testing()
