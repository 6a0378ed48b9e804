"""The sidecar under test with the receivers behind it, and what is asked of everything that arrives there."""

import subprocess
import time
from pathlib import Path

import receivers

# Made here, so that no scanner of repositories takes it for one.
TOKEN = "gh" + "p_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
PASSWORD = "correct horse battery"
SECRETS = (TOKEN.encode(), PASSWORD.encode())
KEPT = "order 7f9c24e8 filled at 0.50"


class Stage:
    """A sidecar, and the receivers behind it."""

    def __init__(self, binary, directory):
        self.http, self.tcp = receivers.Http(), {"syslog": receivers.Tcp(), "fluent": receivers.Tcp(acknowledge=True)}
        try:
            self.grpc = receivers.Grpc()
        except ImportError:
            self.grpc = None
        policy = Path(directory, "policy.yaml")
        grpc = self.grpc.port if self.grpc else self.http.port
        policy.write_text(f"""version: 1
service: exporters
data_dir: {directory}/data
listeners: {{ingress: "127.0.0.1:0", egress: "127.0.0.1:0", admin: "127.0.0.1:0", health: "127.0.0.1:0"}}
upstreams:
  http: {{url: "http://127.0.0.1:{self.http.port}"}}
  grpc: {{url: "http://127.0.0.1:{grpc}", protocol: h2c}}
routes:
  - {{name: grpc, listener: egress, match: {{path_prefix: /opentelemetry.proto.collector.logs.v1.LogsService}}, upstream: grpc}}
  - {{name: grpc-t, listener: egress, match: {{path_prefix: /opentelemetry.proto.collector.trace.v1.TraceService}}, upstream: grpc}}
  - {{name: grpc-m, listener: egress, match: {{path_prefix: /opentelemetry.proto.collector.metrics.v1.MetricsService}}, upstream: grpc}}
  - {{name: http, listener: egress, upstream: http, allow_headers: [authorization, dd-api-key]}}
streams:
  - {{name: syslog, listen: "127.0.0.1:0", format: syslog, to: "127.0.0.1:{self.tcp['syslog'].port}"}}
  - {{name: fluent, listen: "127.0.0.1:0", format: forward, to: "127.0.0.1:{self.tcp['fluent'].port}"}}
""")
        command = [binary, "run", "--policy", policy, "--data", Path(directory, "data")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.ports = {}
        for line in self.process.stdout:
            words = line.split()
            if words[0] == "stream":
                self.ports[words[2].strip("()")] = int(words[1].rsplit(":", 1)[1])
            elif words[0] == "state":
                break
            elif "://" in line:
                self.ports[words[0]] = int(words[1].rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.ports['egress']}"

    def close(self):
        self.process.terminate()
        self.process.wait(30)


class Wrong(Exception):
    """What a client or a receiver saw and should not have."""


def expect(what, seen, wanted):
    if seen != wanted:
        raise Wrong(f"{what}: {seen!r}, not {wanted!r}")


def until(what, holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Wrong(f"{what} did not come")
        time.sleep(0.02)


def is_clean(data):
    for secret in SECRETS:
        if secret in data:
            raise Wrong(f"a secret arrived: {data[:400]!r}")


def one(stage, path=None):
    """The one request that reached the receiver: its path, its headers, its decoded body."""
    until("the request", lambda: stage.http.received)
    time.sleep(0.1)
    requests = stage.http.take()
    expect("requests", len(requests), 1)
    _, where, headers, body = requests[0]
    if path:
        expect("path", where.split("?")[0], path)
    body = receivers.plain(headers, body)
    is_clean(body)
    return where, headers, body


def is_masked(text):
    """What is left of `KEPT` and a secret behind it."""
    if not (text.startswith(KEPT + " gh") and "****" in text):
        raise Wrong(f"not as it was around the mask: {text!r}")
