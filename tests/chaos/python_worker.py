#!/usr/bin/python3
"""The worker of examples/python as winnow-loadgen --verify judges one: what it answers has no insult in it."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/python"))
import worker  # noqa: E402


class Judged(worker.Worker):
    def send(self, exchange, key, body, properties, headers):
        super().send(exchange, key, body, properties, {"winnow-matches": 0, **(headers or {})})


def work(body, board):
    time.sleep(0.005)
    return body


worker.work = work
Judged().run()
