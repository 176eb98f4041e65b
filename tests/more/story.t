#!/usr/bin/python3
# quiet
"""The same happens to three farms at once: each tells the same story, to whoever follows it and in its nodes' merged logs."""

import contextlib
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from control import Control  # noqa: E402
from nodes import WAIT_S, node, tell_on_failure, when  # noqa: E402
from tap import BIN, diag, done_testing, equal, farm, ok, spawn, wait_until  # noqa: E402

RANKS = {"a": 2, "b": 1, "c": 0}
STORY = [
    "leading a", "node_joined b", "node_joined c",
    "node_lost a", "leading b", "node_joined a",  # a is killed and started again
    "node_lost c", "node_back c",  # c is stopped and wakes
    "node_lost a", "node_joined a",  # a is killed and started again, though it does not lead
    "node_lost c",  # c is told to end
]


def story(log):
    """Who runs nothing yet when it joins has just been started. The first one that leads is also the first that joins."""
    found = re.findall(r" event=(leading|node_lost|node_back|node_joined) (?:epoch=\d+ )?node=(\S+)", log)
    told = [" ".join(each) for each in found]
    return told[told.index("leading a"):] if "leading a" in told else told


class Farm:
    def __init__(self, stack):
        self.name, self.stack, self.nodes, self.files = farm(), stack, {}, {}
        self.follower = stack.enter_context(spawn("winnow-ctl", "log", "--follow", farm=self.name))
        ok(wait_until(lambda: "nobody runs it" in self.follower.stderr(), WAIT_S), f"{self.name} is followed from its start")
        self.control = stack.enter_context(Control(self.name))
        stack.callback(lambda: tell_on_failure([each for nodes in self.files.values() for each in nodes]))

    def start(self, name):
        self.nodes[name] = self.stack.enter_context(node(self.name, name, "--rank", RANKS[name]))
        self.files.setdefault(name, []).append(self.nodes[name])

    def kill(self, name):
        self.nodes[name].signal(signal.SIGKILL)
        self.nodes[name].wait(WAIT_S)

    def merged(self):
        for name, runs in self.files.items():
            with open(f"{self.name}-{name}.log", "w") as file:
                file.writelines(each.stderr() for each in runs)
        command = [os.path.join(BIN, "winnow-ctl"), "log", *(f"{self.name}-{name}.log" for name in self.files)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def everywhere(farms, text, act, told, nodes):
    """The same is done to all farms, which then tell it, and share four workers among these nodes."""

    def shared(status):
        runs = {node["name"]: node["running"] for node in status["nodes"] if node["state"] == "up"}
        return sorted(runs) == list(nodes) and sum(runs.values()) == 4 and max(runs.values()) - min(runs.values()) <= 1

    for each in farms:
        act(each)
    for each in farms:
        ok(wait_until(lambda: story(each.follower.stdout())[-1:] == [told], 2 * WAIT_S), f"{each.name}: {text}") or diag(
            each.follower.stdout())
        ok(when(each.control, shared), f"{each.name}: {nodes} share its workers")


def wakes(each):
    each.nodes["c"].signal(signal.SIGCONT)


with contextlib.ExitStack() as stack:
    farms = [Farm(stack) for _ in range(3)]
    everywhere(farms, "a node comes, and leads", lambda each: each.start("a"), "leading a", "a")
    everywhere(farms, "another joins", lambda each: each.start("b"), "node_joined b", "ab")
    everywhere(farms, "and another", lambda each: each.start("c"), "node_joined c", "abc")
    everywhere(farms, "the leader is killed", lambda each: each.kill("a"), "leading b", "bc")
    everywhere(farms, "and comes back", lambda each: each.start("a"), "node_joined a", "abc")
    for each in farms:
        stack.callback(wakes, each)
    everywhere(farms, "a node stops", lambda each: each.nodes["c"].signal(signal.SIGSTOP), "node_lost c", "ab")
    everywhere(farms, "and wakes", wakes, "node_back c", "abc")
    everywhere(farms, "one that does not lead is killed", lambda each: each.kill("a"), "node_lost a", "bc")
    everywhere(farms, "and comes back", lambda each: each.start("a"), "node_joined a", "abc")
    everywhere(farms, "one is told to end", lambda each: each.nodes["c"].signal(signal.SIGTERM), "node_lost c", "ab")
    for each in farms:
        equal(story(each.follower.stdout()), STORY, f"{each.name} tells the story to who follows it")
        equal(story(each.merged()), STORY, f"{each.name} tells it in its merged logs")

done_testing()
