"""tools/private-broker as Python calls it, and a broker that a test may stop.

    from own_broker import OwnBroker, tool
    with OwnBroker() as broker:
        broker.stop()
        broker.start()
"""

import os
import shutil
import subprocess

TOOL = os.path.join(os.environ["WINNOW_TOP"], "tools/private-broker")


def tool(*command):
    """What it prints. A start on a busy machine takes its time, and is given up by the tool itself before this is."""
    run = subprocess.run([TOOL, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    if run.returncode:
        raise RuntimeError(f"private-broker {' '.join(command)}: {run.stdout}{run.stderr}")
    return run.stdout.strip()


class OwnBroker:
    """A broker of the test's own, whose data is in memory: other tests may keep the disk busy for half a minute."""

    def __init__(self):
        self.directory, self.url = tool("directory"), None

    def start(self, *options):
        self.url = tool("start", self.directory, *options)
        return self.url

    def stop(self):
        tool("stop", self.directory)

    def kill(self):
        tool("kill", self.directory)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory)
