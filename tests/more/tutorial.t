#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""The worker of RabbitMQ's tutorial, as that writes it: Winnow ends it only when it has nothing to do."""

import os
import re
import sys

import pika

from yours import EXAMPLES, JOBS, Place
from tap import done_testing, equal

SLOW_JOBS_OF_A_BURST = 60  # a second each; the others take no time


def scales(place):
    def burst(first, last):
        with place.channel() as connection:
            channel = connection.channel()
            for number in range(first, last):
                body = f"{number}{'.' if number - first < SLOW_JOBS_OF_A_BURST else ''}"
                channel.basic_publish("", "task_queue", body, pika.BasicProperties(delivery_mode=2))
            channel.close()  # answered after all of them

    with place.channel() as connection:
        connection.channel().queue_declare("task_queue", durable=True)
    worker = (sys.executable, "-u", os.path.join(EXAMPLES, "tutorial/worker.py"))
    with place.scaled("task_queue", "--", *worker) as scaler:
        place.rises_and_falls(scaler, "a burst", lambda: burst(0, JOBS // 2))
        place.rises_and_falls(scaler, "another", lambda: burst(JOBS // 2, JOBS))
    said = scaler.stdout()
    begun = sorted(map(int, re.findall(r"Received (\d+)", said)))
    equal((begun, said.count("Done")), (list(range(JOBS)), JOBS), f"each of {JOBS} jobs is begun once, and done")


with Place() as place:
    scales(place)
done_testing()
