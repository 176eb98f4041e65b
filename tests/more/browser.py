"""What the tests of the page share: a browser, and winnow-page for it to look at.

    from browser import *
    with page(name) as server, Browser(server.url) as browser:
        browser.wait("health", "OK")
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from tap import BIN, URL, Program, diag, ok, wait_until  # noqa: E402

PATIENCE_S = 20
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@contextlib.contextmanager
def page(*farms, port=0, amqp=None, options=()):
    """winnow-page, with its `url`."""
    names = [f"--farm={farm}" for farm in farms]
    command = [os.path.join(BIN, "winnow-page"), "--amqp", amqp or URL, *names, "--listen", f"127.0.0.1:{port}", *options]
    running = Program(command, dict(os.environ))
    try:
        found = wait_until(lambda: re.search(r"event=page_served .*port=(\d+)", running.stderr()), PATIENCE_S)
        running.url = f"http://127.0.0.1:{found[1]}/" if found else None
        yield running
    finally:
        running.end()


class Browser:
    """Chromium without a screen. What it keeps is in the test's own directory."""

    def __init__(self, url, script=None):
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for flag in (*FLAGS, f"--user-data-dir={os.path.abspath('browser')}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.driver.set_script_timeout(PATIENCE_S)
        self.complaints = []
        if script:
            self.devtools("Page.addScriptToEvaluateOnNewDocument", source=script)
        self.driver.get(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def devtools(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def do(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, name):
        return self.do("return document.getElementById(arguments[0]).textContent", name)

    def wait(self, name, pattern, seconds=PATIENCE_S):
        """Whether the element's text comes to match."""
        return bool(wait_until(lambda: re.search(pattern, self.text(name)), seconds)) or diag(f"{name}: {self.text(name)!r}")

    def wait_for(self, script, seconds=PATIENCE_S):
        return wait_until(lambda: self.do(f"return {script}"), seconds)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def press(self, css):
        """A button; one that cannot be pressed yet is waited for."""
        self.wait_for(f"document.querySelector({css!r})?.disabled === false")
        self.find(css).click()

    def look(self, width=1280, height=900, scheme="light", zone="UTC"):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.devtools("Emulation.setTimezoneOverride", timezoneId=zone)

    def complained(self, expected="$."):
        """What is in its console, but for what is expected."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in said if not re.search(expected, message)]


def install(package):
    """A package of npm's, into this test's own directory; what npm says when it cannot."""
    if not shutil.which("npm"):
        return "npm is not there"
    npm = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--cache", os.path.abspath("cache"), package]
    try:
        done = subprocess.run(npm, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "npm did not end within 60 s"
    return done.stderr if done.returncode else ""
