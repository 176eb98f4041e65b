"""A Celery application. Winnow scales its workers; nothing here knows of it.

    export AMQP_URL=amqp://guest:guest@localhost:5672
    winnow-autoscaler --queue celery --capacity 100 -- sh -c 'exec celery -A app worker -c 1 -n "$WINNOW_SLOT@%h"'

Celery wants a name for each worker of a host, which the slot makes.
"""

import os
import time

from celery import Celery

app = Celery("app", broker=os.environ["AMQP_URL"])
app.conf.task_serializer = "json"
app.conf.accept_content = ["json"]
app.conf.task_acks_late = True  # a task whose worker dies is done again
app.conf.worker_prefetch_multiplier = 1  # what one worker hoards, no other can take
app.conf.task_ignore_result = True


@app.task
def note(path, number, seconds):
    """Takes some time, and leaves a line when it begins and one when it has ended."""
    for what in ("began", "ended"):
        with open(path, "a") as file:
            file.write(f"{what} {number}\n")
        if what == "began":
            time.sleep(seconds)
