#!/usr/bin/env python3
"""How long callers wait at the door: an ingress route that asks for an API key beside one that asks for nothing, by percentiles.

The sidecar runs on core 0, load and upstream on core 1, as in compare.py. Each round asks both routes once, in random order, over a
few connections that each send as soon as they were answered. The table has the median over the rounds.
"""

import argparse
import random
import re
import statistics
import sys
import tempfile

import compare
from compare import INGRESS, SCENARIOS, Fleet, headers_of, run

ROUTES = {"with a key": "/1k", "without": "/open/1k"}
UNITS = {"us": 1, "ms": 1e3, "s": 1e6}


def percentiles(route, connections, seconds):
    """Microseconds at the 50th and the 99th percentile."""
    headers = headers_of(SCENARIOS["ingress"])
    if route == "without":
        headers.pop("X-API-Key")
    words = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *words]
    output = run([*wrk, f"http://127.0.0.1:{INGRESS}{ROUTES[route]}"], seconds, None)
    if "Non-2xx" in output:
        sys.exit(f"{route}: answers were not what they should be")
    found = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+\w+)$", output, re.M))
    return [float(value.rstrip("mus")) * UNITS[value.lstrip("0123456789.")] for value in (found["50"], found["99"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="rounds (default 9)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of load for each measurement (default 2)")
    parser.add_argument("--connections", type=int, default=4, help="connections at once (default 4)")
    parser.add_argument("--priority", type=int, default=0, help="as in compare.py (default 0)")
    parser.add_argument("--sekisho", default=str(compare.ROOT / "target/release/sekisho"), help="the binary to measure")
    options = parser.parse_args()
    compare.group_of_its_own(options.priority)
    found = {route: [] for route in ROUTES}
    with tempfile.TemporaryDirectory() as directory, Fleet(directory, options.sekisho):
        for number in range(-1, options.rounds):
            for route in random.sample(list(ROUTES), len(ROUTES)):
                measured = percentiles(route, options.connections, options.seconds if number >= 0 else 1)
                if number >= 0:
                    found[route].append(measured)
    print("| route | p50, µs | p99, µs |\n|---|---|---|")
    for route, rows in found.items():
        print(f"| {route} | {statistics.median(row[0] for row in rows):.0f} | {statistics.median(row[1] for row in rows):.0f} |")


if __name__ == "__main__":
    main()
