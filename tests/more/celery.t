#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""A Celery application as Celery's documentation writes it: Winnow scales its workers, and Celery notices nothing."""

import os
import shutil
import sys

from yours import EXAMPLES, JOBS, Place
from tap import done_testing, skip

HERE = os.path.join(EXAMPLES, "celery")
# All that Celery itself makes: its queue, and what its workers say to each other.
CELERYS_OWN = r"^celery$|^(reply\.)?celery\.pidbox$|\.celery\.pidbox$|^celeryev(\.|$)"
WORKER = 'exec celery -A app worker -c 1 -n "$WINNOW_SLOT@%h"'
SECONDS = 0.04
LONG_JOBS = 300  # so many that six workers are wanted


def scales(place):
    os.environ["AMQP_URL"] = place.url
    sys.path.insert(0, HERE)
    from app import note

    def burst(first, last, seconds=SECONDS):
        for number in range(first, last):
            note.delay(place.log, number, seconds)

    burst(0, 1)
    with place.scaled("celery", "--", "sh", "-c", WORKER, env={"PYTHONPATH": HERE}) as scaler:
        place.rises_and_falls(scaler, "a burst", lambda: burst(1, JOBS // 2))
        place.rises_and_falls(scaler, "another", lambda: burst(JOBS // 2, JOBS))
        place.done_once()
        place.ended_in_its_middle(scaler, "celery", lambda: burst(JOBS, JOBS + LONG_JOBS, 3), LONG_JOBS)


# Debian's celery asks for a python3, which must be Debian's.
os.environ["PATH"] = f"/usr/bin:{os.environ['PATH']}"
if shutil.which("celery"):
    with Place(CELERYS_OWN) as place:
        scales(place)
else:
    skip("Celery scales", "it cannot be installed here")
done_testing()
