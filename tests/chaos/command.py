"""What the programs of this folder that run through faults have in common: options, files, the outcome."""

import argparse
import os
import shutil
import signal
import sys
import tempfile

import report

# Under the sanitizers programs start and work several times slower.
ASAN_SLACK = 5


def parser(description, table):
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--duration", type=float, default=900, metavar="S")
    made.add_argument("--rounds", type=int, metavar="N", help="so often each fault, instead of a duration")
    made.add_argument("--bin", default="build/release/bin", metavar="DIR")
    made.add_argument("--faults", default=",".join(table), metavar="A,B,...")
    made.add_argument("--queue-type", choices=("classic", "classic-v2", "quorum"), default="classic")
    made.add_argument("--out", metavar="DIR", help="keep the programs' logs there (default: nowhere)")
    made.add_argument("--tap", action="store_true", help="tell the outcome in TAP")
    made.add_argument("--list", action="store_true", help="name the faults")
    return made


def parse(made, table):
    options = made.parse_args()
    if options.list:
        print("\n".join(table))
        sys.exit(0)
    options.bin = os.path.abspath(options.bin)
    options.faults = options.faults.split(",")
    unknown = [name for name in options.faults if name not in table]
    if unknown:
        made.error(f"--faults: no fault is called {', '.join(unknown)}; --list names them")
    options.slack = ASAN_SLACK if os.environ.get("WINNOW_BUILD") == "asan" or "/asan/" in options.bin else 1
    return options


def teller(options):
    return lambda text: print(text if not options.tap else "# " + text.replace("\n", "\n# "), flush=True)


def with_files(options, run):
    """What run(options, directory) returns; SIGTERM ends it as an exception does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    out = os.path.abspath(options.out) if options.out else tempfile.mkdtemp(prefix="winnow-chaos.")
    try:
        if options.out:
            shutil.rmtree(out, ignore_errors=True)
            os.makedirs(out)
        return run(options, out)
    finally:
        if not options.out:
            shutil.rmtree(out, ignore_errors=True)


def conclude(options, world, took, codes, complaints):
    """Tells the verdict; complaints are those beyond the faults' own. Returns the exit code."""
    bad = [f"{record.fault.name}: {text}" for record in world.records for text in record.complaints]
    bad += [f"the autoscalers ended with {codes}"] if any(codes) else []
    bad += complaints
    if options.tap:
        report.tap(world.records, world.skipped, not any(codes))
    else:
        print("\n".join([f"NOT SURVIVED: {text}" for text in bad]))
        print(f"{len(world.records)} faults in {took:.0f} s, {len(bad)} complaints")
    return 1 if bad else 0
