"""amqplib, for tests with something in Node."""

import os
import shutil
import subprocess

EXAMPLE = os.path.join(os.environ["WINNOW_TOP"], "examples", "node")


def install_amqplib():
    """For Node, into the working directory; what npm says when it cannot."""
    if not shutil.which("npm"):
        return "npm is not there"
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(EXAMPLE, name), name)
    npm = ["npm", "ci", "--no-audit", "--no-fund", "--cache", os.path.abspath("cache")]
    done = subprocess.run(npm, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return done.stderr if done.returncode else ""
