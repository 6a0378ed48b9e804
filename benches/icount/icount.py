#!/usr/bin/env python3
"""Instructions that a piece of our work takes, counted by callgrind, beside a baseline.

A count hardly depends on what else the machine does, so it is a guard where a time is not: `make icount` fails when a count is
more than a few per cent above the baseline. It counts the user's instructions alone: no kernel, no waiting.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
WORK = {
    "refused": ("an order refused in BLOCK: route, chain, table, record, answer", 1000),
    "get": ("a GET through chain and upstream connection, without the listener", 1000),
    "state": ("reading the state for one scope", 10000),
    "order": ("a JSON order of 1 KiB: fields, class, decision", 1000),
}


def count(binary, work, times):
    """Instructions of one piece of work, on the thread that does it."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "callgrind.out")
        valgrind = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*::measured",
                    f"--callgrind-out-file={out}"]
        done = subprocess.run([*valgrind, binary, work, str(times), f"{directory}/data"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{work}: {done.stderr[-2000:]}")
        total = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)
        counted = int(total.group(1)) if total else 0
        if counted < times:
            sys.exit(f"{work}: nothing was counted; is `measured` still a function of its own?")
        return counted // times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", help=f"of {', '.join(WORK)}; all when none is named")
    parser.add_argument("--tolerance", type=float, default=3.0, help="per cent above the baseline that pass (default 3)")
    parser.add_argument("--store", action="store_true", help="makes what is counted the baseline")
    options = parser.parse_args()
    names = options.work or list(WORK)
    if unknown := [name for name in names if name not in WORK]:
        parser.error(f"no work is called {unknown[0]}; there are {', '.join(WORK)}")
    if shutil.which("valgrind") is None:
        parser.error("valgrind not found: apt-get install valgrind")
    # The product's own versions, as `make benches` does: what is counted is what is shipped.
    shutil.copyfile(HERE.parent.parent / "Cargo.lock", HERE / "Cargo.lock")
    build = ["cargo", "build", "--release", "--quiet", "--message-format=json-render-diagnostics"]
    built = subprocess.run(build, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout
    binary = [message["executable"] for line in built.splitlines() if (message := json.loads(line)).get("executable")][-1]
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    worse = []
    print("| work | instructions | baseline |\n|---|---|---|")
    for name in names:
        what, times = WORK[name]
        counted, before = count(binary, name, times), baseline.get(name)
        print(f"| {what} | {counted} | {before if before is not None else '–'} |", flush=True)
        if before is None or counted > before * (1 + options.tolerance / 100):
            worse.append(name)
        baseline[name] = counted if options.store else before
    if options.store:
        BASELINE.write_text(json.dumps(baseline, indent=1) + "\n")
    elif worse:
        sys.exit(f"more than {options.tolerance} % above the baseline, or without one: {', '.join(worse)}")


if __name__ == "__main__":
    main()
