#!/usr/bin/env python3
"""CPU time per request of Sekisho and of nginx doing the same work, side by side.

The proxies run on core 0, the load and the upstream (nginx) on core 1. In each round every proxy serves every scenario once
under each load, in random order. What counts is the ratio within a round; the table gives the median over the rounds.

There are two loads. In the closed loop (wrk) each connection sends as soon as it was answered. Whoever is slower there finds
the load generator asleep more often, and pays for waking it: the ratio is larger than the work. At the fixed rate (h2load)
both are offered the same, below what either can do, as beside a real service.
"""

import argparse
import hashlib
import hmac
import json
import os
import random
import re
import shutil
import signal
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
UPSTREAM, NGINX, SEKISHO, INGRESS = 21700, 21701, 21702, 21703
PORTS = {"nginx": NGINX, "sekisho": SEKISHO}
PEPPER, SECRET = "a pepper for the comparison, of some length", "b" * 43
LOADS = {"closed": "closed loop", "rate": "fixed rate"}
ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000&newClientOrderId=bench-17&timestamp=1760000000000&signature=" + "5e" * 32

SCENARIOS = {
    "get": {"what": "proxied GET, 1 KiB answer", "path": "/1k", "limit": 1.5},
    "ingress": {"what": "proxied GET through API key, role, limits and gate, 1 KiB answer", "path": "/1k", "ingress": True,
                "limit": 1.25},
    "post": {"what": "POST of 64 KiB, passed on", "path": "/plain", "method": "POST", "body": None, "ingress": True,
             "type": "application/x-ndjson", "rate": 2000, "limit": 0.85},
    "refused": {"what": "refused order (POST)", "path": "/api/v3/order", "method": "POST", "body": ORDER,
                "type": "application/x-www-form-urlencoded", "refused": True, "limit": 1.3},
    "log": {"what": "POST of 64 KiB of log lines (we search them, nginx does not)", "path": "/logs", "method": "POST",
            "body": None, "type": "application/x-ndjson", "rate": 2000},
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
    """The time that a process and its children spent on a processor, to the nanosecond, and the user part of it, in ticks."""
    total = user = 0
    todo = [pid]
    while todo:
        process = todo.pop()
        user += int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11])
        for task in Path(f"/proc/{process}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
            todo += map(int, (task / "children").read_text().split())
    return total / 1e9, user / TICK


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
        Path(directory, "pepper").write_text(PEPPER)
        key = hmac.new(PEPPER.encode(), SECRET.encode(), hashlib.sha256).hexdigest()
        policy = self.fill("policy.yaml", PORT=SEKISHO, INGRESS=INGRESS, KEY=key)
        self.start("sekisho", [sekisho, "run", "--policy", policy, "--data", f"{directory}/data"], core=0)
        for port in (NGINX, SEKISHO, INGRESS):
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
            command = ["taskset", "-c", str(core), *command]
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

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


def headers_of(scenario):
    """What an HTTP library of a trading service sends along."""
    headers = {"User-Agent": "python-requests/2.32.3", "Accept": "*/*", "Accept-Encoding": "gzip, deflate",
               "Connection": "keep-alive"}
    if "type" in scenario:
        headers["Content-Type"] = scenario["type"]
    if scenario.get("refused"):
        headers["X-MBX-APIKEY"] = "k" * 64
    if scenario.get("ingress"):
        headers["X-API-Key"] = f"sekisho_bench_{SECRET}"
    return headers


def closed_loop(url, scenario, body, seconds):
    """32 connections of wrk, each sending as soon as it was answered: (requests, answers 4xx or 5xx, errors)."""
    wrk = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "load.lua")]
    headers = [part for name, value in headers_of(scenario).items() for part in ("-H", f"{name}: {value}")]
    environment = dict(os.environ, LOAD_METHOD=scenario.get("method", "GET"), LOAD_BODY=str(body) if body else "")
    output = run([*wrk, *headers, url], seconds, environment)
    counts = json.loads(re.search(r"^\{.*\}$", output, re.M).group(0))
    return counts["requests"], counts["refused"], counts["errors"]


def fixed_rate(url, scenario, body, seconds, rate):
    """The same over 32 connections of h2load that together send `rate` requests a second."""
    h2load = ["h2load", "--h1", "-t1", "-c32", f"--rps={rate / 32}", f"-D{seconds}", "--warm-up-time=0"]
    headers = [part for name, value in headers_of(scenario).items() for part in ("-H", f"{name}: {value}")]
    output = run([*h2load, *headers, *(["-d", str(body)] if body else []), url], seconds, None)
    done, errored = map(int, re.search(r"(\d+) done, .* (\d+) errored", output).groups())
    codes = map(int, re.search(r"(\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output).groups())
    return done, sum(list(codes)[2:]), errored


def run(command, seconds, environment):
    pinned = ["taskset", "-c", "1", *command]
    return subprocess.run(pinned, capture_output=True, text=True, timeout=seconds + 30, env=environment).stdout


def measure(fleet, name, key, load, options, seconds):
    """One scenario through one proxy: the CPU time that a request costs it, in microseconds."""
    scenario = SCENARIOS[key]
    body = None
    if "type" in scenario:
        body = Path(fleet.directory, "body")
        body.write_text(scenario["body"] or log_lines(64 << 10))
    port = INGRESS if scenario.get("ingress") and name == "sekisho" else PORTS[name]
    url = f"http://127.0.0.1:{port}{scenario['path']}"
    pid = fleet.processes[name].pid
    before = cpu_seconds(pid)
    if load == "closed":
        requests, refused, errors = closed_loop(url, scenario, body, seconds)
    else:
        rate = scenario.get("rate", options.rate)
        requests, refused, errors = fixed_rate(url, scenario, body, seconds, rate)
    after = cpu_seconds(pid)
    wrong = errors + (requests - refused if scenario.get("refused") else refused)
    if wrong:
        sys.exit(f"{name}: {wrong} of {requests} answers were not what `{key}` is about")
    total, user = ((after[i] - before[i]) / requests * 1e6 for i in (0, 1))
    return {"cpu_us": total, "user_us": user, "rps": requests / seconds}


def group_of_its_own(priority):
    """Everything that is started from here on shares one scheduler group, of this nice value.

    Where the kernel groups processes by session (`sched_autogroup_enabled`), a nice value counts within the session only.
    """
    if os.getsid(0) != os.getpid():
        if os.getpgrp() == os.getpid():
            # The leader of a process group cannot begin a session: its child does the work.
            if child := os.fork():
                try:
                    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                except KeyboardInterrupt:
                    os.kill(child, signal.SIGTERM)
                    sys.exit(130)
            # Ends as at ^C, so that what it started ends with it.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        os.setsid()
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text(str(priority))
    else:
        os.setpriority(os.PRIO_PROCESS, 0, priority)


def table(rows, names):
    lines = ["| work | load | nginx: CPU µs (user), req/s | Sekisho: CPU µs (user), req/s | ratio | its range | bound |",
             "|---|---|---|---|---|---|---|"]
    for key, load in [(key, load) for key in names for load in LOADS]:
        of = {name: [row for row in rows if (row["scenario"], row["load"], row["proxy"]) == (key, load, name)] for name in PORTS}
        ratios = sorted(ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in zip(of["sekisho"], of["nginx"]))
        def cell(name):
            cpu, user, rps = (statistics.median(row[field] for row in of[name]) for field in ("cpu_us", "user_us", "rps"))
            return f"{cpu:.1f} ({user:.1f}), {rps:.0f}"
        limit = SCENARIOS[key].get("limit")
        lines.append(f"| {SCENARIOS[key]['what']} | {LOADS[load]} | {cell('nginx')} | {cell('sekisho')} "
                     f"| **{statistics.median(ratios):.2f}** | {ratios[0]:.2f}–{ratios[-1]:.2f} | {f'≤ {limit}' if limit else '–'} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default 7)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load for each measurement (default 3)")
    parser.add_argument("--rate", type=int, default=20000, help="requests a second at the fixed rate (default 20000)")
    parser.add_argument("--priority", type=int, default=0, help="nice value of this run as a group beside all others; below 0 needs root (default 0)")
    parser.add_argument("--sekisho", default=str(ROOT / "target/release/sekisho"), help="the binary to measure")
    parser.add_argument("--json", action="store_true", help="every measurement as JSON, not the table")
    options = parser.parse_args()
    names = options.scenarios or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario is called {unknown[0]}; there are {', '.join(SCENARIOS)}")
    missing = [tool for tool in ("nginx", "wrk", "h2load", "taskset") if shutil.which(tool) is None]
    if missing:
        parser.error(f"{', '.join(missing)} not found: apt-get install nginx-light wrk nghttp2-client util-linux")
    group_of_its_own(options.priority)
    rows = []
    with tempfile.TemporaryDirectory() as directory, Fleet(directory, options.sekisho) as fleet:
        runs = [(name, key, load) for key in names for load in LOADS for name in PORTS]
        for name, key, load in runs:
            measure(fleet, name, key, load, options, 1)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for name, key, load in random.sample(runs, len(runs)):
                measured = measure(fleet, name, key, load, options, options.seconds)
                rows.append({"round": number, "proxy": name, "scenario": key, "load": load, **measured})
    rows.sort(key=lambda row: row["round"])
    print(json.dumps(rows, indent=1) if options.json else table(rows, names))


if __name__ == "__main__":
    main()
