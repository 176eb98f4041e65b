#!/usr/bin/python3
# quiet: no claim about time
"""The broker's own limits: a program that meets one ends with 77 and names it, and tells nobody to delete anything."""

import contextlib
import json
from urllib.parse import quote

from client import ctl
from tap import URL, done_testing, equal, farm, like, ok, spawn, wait_until

# Names that must be escaped in a URL, byte by byte.
VHOST = f"límits/{farm()}"
USER = f"usuarià:{farm()}"
PASSWORD = "contraseña 5%"
url = f"amqp://{quote(USER, '')}:{quote(PASSWORD, '')}@{URL.split('@')[-1]}/{quote(VHOST, '')}"

PROGRAMS = (("winnow-filter",), ("winnow-autoscaler",), ("winnow-loadgen", "--phase", "1s@1"))


def expect(limit, *commands):
    for program, *args in commands:
        with spawn(program, *args, farm=farm(), amqp=url) as running:
            equal(running.wait(30), 77, f"{limit}: {program} ends with 77")
            said = running.stderr().strip().splitlines()[-1]
            like(said, f"^{program}: .*the limit on {limit} is reached", "naming the limit")
            ok("delete" not in said and "password" not in said and PASSWORD not in said, "and nothing else that could be at fault")


def limit(scope, name, **limits):
    ctl(f"set_{scope}_limits", *(("-p", name) if scope == "vhost" else (name,)), json.dumps(limits))


ctl("add_vhost", VHOST)
ctl("add_user", USER, PASSWORD)
with contextlib.ExitStack() as stack:
    stack.callback(ctl, "delete_user", USER)
    stack.callback(ctl, "delete_vhost", VHOST)
    ctl("set_permissions", "-p", VHOST, USER, ".*", ".*", ".*")

    with spawn("winnow-filter", farm=farm(), amqp=url) as worker:
        consuming = wait_until(lambda: "event=consuming" in worker.stderr(), 20)
        ok(consuming, "user, password and virtual host may be of any letters")
        equal(worker.end(), 0, "and the worker drains")

    limit("vhost", VHOST, **{"max-queues": 1})
    expect("queues in the virtual host", *PROGRAMS)
    limit("vhost", VHOST, **{"max-connections": 0})
    expect("connections to the virtual host", *PROGRAMS)
    ctl("clear_vhost_limits", "-p", VHOST)
    limit("user", USER, **{"max-connections": 0})
    expect("connections of the user", PROGRAMS[0])
    limit("user", USER, **{"max-connections": -1, "max-channels": 0})
    expect("channels of the user", PROGRAMS[0])
done_testing()
