#!/usr/bin/python3
# quiet, no broker
"""What is handed out for Prometheus, Grafana and KEDA: promtool takes it, it speaks of metrics that there are, and the
document says of them what the source says."""

import glob
import json
import os
import re
import subprocess
import sys

import yaml

os.environ.setdefault("WINNOW_TEST_URL", "")
sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from tap import diag, done_testing, equal, ok  # noqa: E402

TOP = os.environ["WINNOW_TOP"]
MONITORING = os.path.join(TOP, "examples/monitoring")


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode == 0 or diag(done.stdout + done.stderr)


# ---- the metrics ----

# What metrics_write() knows, and what docs/monitoring.md says: {name: type}.
WRITTEN = dict(re.findall(r'\{"(winnow_\w+)", "(\w+)"', read("page/metrics.c")))
ROWS = re.findall(r"^\| (`winnow_.*?) \| (\w+) \|", read("docs/monitoring.md"), re.M)
TOLD = {name: kind for names, kind in ROWS for name in re.findall(r"`(\w+)`", names)}
SERIES = {name + suffix for name, kind in WRITTEN.items()
          for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}
equal(TOLD, WRITTEN, "docs/monitoring.md has every metric with its type, and no other")


def unknown_metrics(expression):
    return sorted(set(re.findall(r"winnow_\w+", expression)) - SERIES)


# ---- the alerts ----

ok(promtool("check", "rules", "alerts.yml"), "promtool takes the alerts")
ok(promtool("test", "rules", "alerts_test.yml"), "each is raised by what it is for, and by nothing less")
ok(promtool("check", "config", "--syntax-only", "prometheus.yml"), "and takes the scrape")
ALERTS = yaml.safe_load(read(MONITORING, "alerts.yml"))["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in ALERTS]
tried = re.findall(r'alertname="(\w+)"', read(MONITORING, "alerts_test.yml"))
equal(sorted(set(NAMES) - set(tried)), [], "there is a try of each")
equal(re.findall(r"^\| `(Winnow\w+)` \|", read("docs/monitoring.md"), re.M), NAMES, "docs/monitoring.md has each, in this order")
for rule in ALERTS:
    said = rule["annotations"]
    equal((unknown_metrics(rule["expr"]), sorted(said), rule["labels"]["severity"] in ("critical", "warning", "info")),
          ([], ["description", "runbook", "summary"], True), f"{rule['alert']} goes by metrics that there are, and says what to do")
    path, _, anchor = said["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", read(path), re.M)
    ok(anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings},
       "... and where more stands") or diag(said["runbook"])

# ---- the dashboard ----

DASHBOARD = json.loads(read(MONITORING, "dashboard.json"))
variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
equal((variables["farm"]["type"], variables["datasource"]["type"]), ("query", "datasource"), "the dashboard lets choose farms")
panels = DASHBOARD["panels"]
equal([panel["title"] for panel in panels if not panel.get("description") or not panel["fieldConfig"]["defaults"].get("unit")], [],
      "each of its panels has a description and a unit")
equal(len({panel["id"] for panel in panels}), len(panels), "... and an id of its own")
places = {(x, y) for panel in panels for place in [panel["gridPos"]]
          for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
equal(len(places), sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in panels), "... and a place of its own")
expressions = [target["expr"] for panel in panels for target in panel["targets"]]
expressions += [annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]]
equal([text for text in expressions if unknown_metrics(text)], [], "it shows metrics that there are")
equal([text for text in expressions if 'farm=~"$farm"' not in text], [], "... of the chosen farms")
rules = [{"record": f"panel:{number}", "expr": text.replace("$farm", ".*").replace("$__rate_interval", "1m")}
         for number, text in enumerate(expressions)]
with open("dashboard.yml", "w", encoding="utf-8") as file:
    yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
ok(promtool("check", "rules", os.path.abspath("dashboard.yml")), "promtool takes what it asks for")

# ---- KEDA ----

for path in sorted(glob.glob(os.path.join(TOP, "examples/keda/*.yml"))):
    objects = {document["kind"]: document for document in yaml.safe_load_all(read(path))}
    name = os.path.relpath(path, TOP)
    (trigger,) = objects["ScaledObject"]["spec"]["triggers"]
    asks = trigger["metadata"]
    equal(unknown_metrics(asks.get("query", "")), [], f"{name} goes by metrics that there are")
    ok("fallback" in objects["ScaledObject"]["spec"], "... and says what to do when N is unknown")
    reference = trigger.get("authenticationRef", {}).get("name")
    ok(not reference or objects["TriggerAuthentication"]["metadata"]["name"] == reference, "... and what it names is there")

done_testing()
