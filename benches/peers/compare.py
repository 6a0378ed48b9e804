#!/usr/bin/env python3
"""CPU time per request of Sekisho and of nginx doing the same work, side by side.

The proxies run on core 0; the load (wrk) and the upstream (nginx) on core 1. In each round every proxy serves every
scenario once, in random order. What counts is the ratio within a round; the table gives the median over the rounds.
"""

import argparse
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TICK = os.sysconf("SC_CLK_TCK")
UPSTREAM, NGINX, SEKISHO = 21700, 21701, 21702
ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=bench-17&timestamp=1760000000000&signature=" + "5e" * 32

SCENARIOS = {
    "get": {"what": "proxied GET, 1 KiB answer", "path": "/1k", "limit": 1.5},
    "refused": {"what": "refused order (POST)", "path": "/api/v3/order", "method": "POST", "body": ORDER,
                "type": "application/x-www-form-urlencoded", "key": "k" * 64, "refused": True, "limit": 1.3},
    "log": {"what": "POST of 64 KiB of log lines (we search them, nginx does not)", "path": "/logs", "method": "POST",
            "body": None, "type": "application/x-ndjson"},
}


def log_lines(size):
    """NDJSON without secrets, the same every time."""
    rng = random.Random(17)
    lines, total = [], 0
    while total < size:
        lines.append(json.dumps({
            "ts": f"2026-01-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:00:00.{rng.randint(0, 999999):06}Z",
            "level": "info", "logger": "orders", "msg": "order filled", "order_id": rng.randint(1, 10**9),
            "symbol": "BTCUSDT", "price": f"{rng.randint(1, 90000)}.{rng.randint(0, 99):02}",
            "trace_id": f"{rng.getrandbits(128):032x}", "span_id": f"{rng.getrandbits(64):016x}"}))
        total += len(lines[-1]) + 1
    return ("\n".join(lines) + "\n")[:size]


def cpu_seconds(pid):
    """User and system time of a process and its children, in seconds."""
    user = system = 0
    todo = [pid]
    while todo:
        process = todo.pop()
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        user, system = user + int(fields[11]), system + int(fields[12])
        for task in os.listdir(f"/proc/{process}/task"):
            todo += map(int, Path(f"/proc/{process}/task/{task}/children").read_text().split())
    return user / TICK, system / TICK


def wait_for(port):
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nothing listens on port {port}: see the logs in the run's folder")


class Fleet:
    """The upstream and the proxies; all end with it."""

    def __init__(self, directory, sekisho):
        self.directory, self.processes = directory, {}
        page = "x" * 1024
        upstream = f'server {{ listen 127.0.0.1:{UPSTREAM}; location / {{ return 200 "{page}"; }} }}'
        # As long an answer as ours, with as many headers.
        refusal = json.dumps({"type": "urn:sekisho:refusal:order_refused", "title": "The order is refused by the state in force",
                              "status": 403, "code": "order_refused", "decision": "0123456789abcdef-1f", "forwarded": False,
                              "state": "BLOCK", "scope": "fleet", "epoch": 1, "class": "E"}, separators=(",", ":"))
        peer = (f"server {{ listen 127.0.0.1:{NGINX}; location / {{ proxy_pass http://up; }} location /api {{ "
                f"default_type application/problem+json; add_header sekisho-decision 0123456789abcdef-1f always; "
                f"return 403 '{refusal}'; }} }}")
        self.nginx("upstream", upstream, core=1)
        wait_for(UPSTREAM)
        self.nginx("nginx", peer, core=0)
        policy = self.fill("policy.yaml", PORT=SEKISHO)
        self.start("sekisho", [sekisho, "run", "--policy", policy, "--data", f"{directory}/data"], core=0)
        for port in (NGINX, SEKISHO):
            wait_for(port)

    def fill(self, name, **values):
        text = (HERE / name).read_text()
        for key, value in {"DIR": self.directory, "UPSTREAM": UPSTREAM, **values}.items():
            text = text.replace(f"@{key}@", str(value))
        path = Path(self.directory, values.get("ROLE", "sekisho") + "-" + name)
        path.write_text(text)
        return str(path)

    def nginx(self, role, servers, core):
        self.start(role, ["nginx", "-c", self.fill("nginx.conf", ROLE=role, SERVERS=servers)], core)

    def start(self, name, command, core):
        with open(f"{self.directory}/{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def measure(fleet, name, scenario, seconds):
    """One scenario through one proxy: the CPU time a request costs it, in microseconds."""
    port = {"nginx": NGINX, "sekisho": SEKISHO}[name]
    body = Path(fleet.directory, "body")
    body.write_text(scenario.get("body", "") if scenario.get("body", "") is not None else log_lines(64 << 10))
    load = ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", "--timeout", "10s", "--latency",
            "-s", str(HERE / "load.lua"), f"http://127.0.0.1:{port}{scenario['path']}"]
    environment = dict(os.environ, LOAD_METHOD=scenario.get("method", "GET"), LOAD_TYPE=scenario.get("type", ""),
                       LOAD_BODY=str(body) if "type" in scenario else "")
    if "key" in scenario:
        environment["LOAD_KEY"] = scenario["key"]
    pid = fleet.processes[name].pid
    before = cpu_seconds(pid)
    output = subprocess.run(load, capture_output=True, text=True, timeout=seconds + 30, env=environment).stdout
    after = cpu_seconds(pid)
    counts = json.loads(re.search(r"^\{.*\}$", output, re.M).group(0))
    wrong = counts["errors"] + (counts["requests"] - counts["refused"] if scenario.get("refused") else counts["refused"])
    if wrong:
        sys.exit(f"{name}: {wrong} of {counts['requests']} answers were not what this scenario is about: {output}")
    user, system = ((after[i] - before[i]) / counts["requests"] * 1e6 for i in (0, 1))
    return {"cpu_us": user + system, "user_us": user, "rps": counts["requests"] / counts["seconds"],
            "p50_us": counts["p50_us"], "p99_us": counts["p99_us"]}


def table(rows, names):
    lines = ["| work | nginx, CPU µs | Sekisho, CPU µs | of it user | ratio (median) | rounds | bound |", "|---|---|---|---|---|---|---|"]
    for key in names:
        of = {name: [row for row in rows if row["scenario"] == key and row["proxy"] == name] for name in ("nginx", "sekisho")}
        ratios = sorted(ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in zip(of["sekisho"], of["nginx"]))
        median = lambda name, field: statistics.median(row[field] for row in of[name])
        limit = SCENARIOS[key].get("limit")
        lines.append(f"| {SCENARIOS[key]['what']} | {median('nginx', 'cpu_us'):.1f} | {median('sekisho', 'cpu_us'):.1f} "
                     f"| {median('sekisho', 'user_us'):.1f} | **{statistics.median(ratios):.2f}** | {ratios[0]:.2f}–{ratios[-1]:.2f} "
                     f"| {'≤ ' + str(limit) if limit else '–'} |")
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all when none is named")
    options.add_argument("--rounds", type=int, default=7, help="rounds (default 7)")
    options.add_argument("--seconds", type=int, default=4, help="seconds of load for each measurement (default 4)")
    options.add_argument("--sekisho", default=str(ROOT / "target/release/sekisho"), help="the binary to measure")
    options.add_argument("--json", action="store_true", help="every measurement as JSON, not the table")
    chosen = options.parse_args()
    names = chosen.scenarios or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        options.error(f"no scenario is called {unknown[0]}; there are {', '.join(SCENARIOS)}")
    rows = []
    with tempfile.TemporaryDirectory() as directory, Fleet(directory, chosen.sekisho) as fleet:
        runs = [(name, key) for key in names for name in ("nginx", "sekisho")]
        for name, key in runs:
            measure(fleet, name, SCENARIOS[key], 1)
        for number in range(chosen.rounds):
            print(f"round {number + 1} of {chosen.rounds}", file=sys.stderr)
            for name, key in random.sample(runs, len(runs)):
                rows.append({"round": number, "proxy": name, "scenario": key, **measure(fleet, name, SCENARIOS[key], chosen.seconds)})
    rows.sort(key=lambda row: row["round"])
    print(json.dumps(rows, indent=1) if chosen.json else table(rows, names))


if __name__ == "__main__":
    main()
