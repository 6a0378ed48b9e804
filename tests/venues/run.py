#!/usr/bin/env python3
"""Real client libraries, through the sidecar, against venues on loopback: in BLOCK, in CLOSE_ONLY and in ALLOW.

Whatever a class may not do in a state is refused, as an ordinary error of the library, and never reaches the venue; everything
else works and arrives with a signature that verifies, so not a byte of it was changed.

    run.py SIDECAR [VENUE ...]
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import ccxt

import clients
import venue

# What each class may, as the table in policy/packs/orders/README.md says, with `allow_funds`.
MAY = {"A": "BLOCK CLOSE_ONLY ALLOW", "B": "BLOCK CLOSE_ONLY ALLOW", "L": "BLOCK CLOSE_ONLY ALLOW", "C": "CLOSE_ONLY ALLOW",
       "D": "ALLOW", "E": "ALLOW", "G": "ALLOW", "I": "ALLOW", "J": "ALLOW"}


class Sidecar:
    """The binary, on a data directory of its own, with two people who can release it."""

    def __init__(self, binary, upstreams):
        self.binary, self.dir = binary, tempfile.mkdtemp(prefix="sekisho-clients-")
        pepper = os.path.join(self.dir, "pepper")
        self.keys, lines = {}, []
        for person in ("ann", "bob"):
            said = self.output("keys", "new", person, "--person", person, "--role", "operator", "--pepper", pepper).split()
            self.keys[person] = next(word for word in said if word.startswith(f"sekisho_{person}_"))
            lines.append(f"{{id: {person}, person: {person}, role: operator, hash: {said[said.index('hash:') + 1]}}}")
        free = [free_port() for _ in range(3)]
        self.admin, self.egress = f"127.0.0.1:{free[0]}", f"127.0.0.1:{free[1]}"
        allow = "allow_headers: [x-mbx-apikey, ok-access-key, ok-access-sign, ok-access-passphrase, x-bapi-api-key, x-bapi-sign, api-key," \
                " api-sign, apikey, authent, cb-access-key, cb-access-sign, authorization, apca-api-key-id, apca-api-secret-key]," \
                " allow_query: [signature, timestamp, nonce]"
        routes = "".join(
            f"  - {{name: {name.replace('_', '-')}, listener: egress, match: {{path_prefix: /{name}}}, strip_prefix: true,"
            f" upstream: {name.replace('_', '-')}, {allow}, orders: {{pack: {name}, allow_funds: true}}}}\n" for name in upstreams)
        ports = "".join(f"  {name.replace('_', '-')}: {{url: \"http://127.0.0.1:{port}\"}}\n" for name, port in upstreams.items())
        policy = f"""version: 1
service: clients
data_dir: {self.dir}/data
listeners: {{egress: "{self.egress}", admin: "{self.admin}", health: "127.0.0.1:{free[2]}"}}
upstreams:
{ports}routes:
{routes}identity:
  pepper: "file:{pepper}"
  keys:
    - {lines[0]}
    - {lines[1]}
safety: {{min_stay: 0s}}
signals: {{execution: {{count: 100000, window: 10s, factor: 1000, level: NONE}}}}
"""
        self.policy = os.path.join(self.dir, "policy.yaml")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(policy)
        self.process = subprocess.Popen([binary, "run", "--policy", self.policy], stdout=subprocess.DEVNULL)
        try:
            while self.state() is None:
                assert self.process.poll() is None, "the sidecar did not start"
                time.sleep(0.05)
        except BaseException:
            self.process.kill()
            raise

    def output(self, *words, person=None):
        env = {**os.environ, "SEKISHO_ADMIN": getattr(self, "admin", ""), "SEKISHO_API_KEY": self.keys.get(person, "")}
        done = subprocess.run([self.binary, *words], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def state(self):
        try:
            said = subprocess.run([self.binary, "status", "--json"], env={**os.environ, "SEKISHO_ADMIN": self.admin},
                                  capture_output=True, text=True, check=True).stdout
        except subprocess.CalledProcessError:
            return None
        return json.loads(said)["posture"]

    def release(self):
        """One stage, by two people."""
        said = json.loads(self.output("release", "propose", "--reason", "test", "--json", person="ann"))
        self.output("release", "confirm", said["challenge"]["id"], said["code"], person="bob")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ordinary(error):
    """Whether a client takes it for the venue's plain no: not for trouble on the way, a limit of rate, or a bad key."""
    if isinstance(error, ccxt.BaseError):
        suspicious = (ccxt.NetworkError, ccxt.DDoSProtection, ccxt.RateLimitExceeded)
        return isinstance(error, ccxt.ExchangeError) and not isinstance(error, suspicious)
    return type(error).__name__ in ("BinanceAPIException", "APIError")


def play(name, calls, place, state):
    """Every call once. What went wrong, as lines."""
    wrong = []
    for what, call in calls.items():
        may = state in MAY[what[0]].split()
        place.take()
        try:
            call()
            error = None
        except Exception as thrown:  # pylint: disable=broad-except
            error = thrown
        arrived = [message.line() for message in place.take()]
        if may and (error is not None or not arrived):
            wrong.append(f"{name} {state} {what}: {type(error).__name__} {str(error)[:300]} {arrived}")
        if not may and (error is None or arrived or not ordinary(error) or "order_" not in str(error)):
            wrong.append(f"{name} {state} {what}: {type(error).__name__} {str(error)[:300]} reached the venue: {arrived}")
    return wrong


def main():
    binary, chosen = sys.argv[1], set(sys.argv[2:])
    places = {kind.name: kind() for kind in venue.VENUES if not chosen or kind.name in chosen}
    sidecar = Sidecar(binary, {name: venue.serve(place) for name, place in places.items()})
    wrong, count = [], 0
    try:
        for state in ("BLOCK", "CLOSE_ONLY", "ALLOW"):
            assert sidecar.state() == state, sidecar.state()
            for name, place in places.items():
                base = f"http://{sidecar.egress}/{name}"
                for calls in [library[name](base) for library in (clients.CCXT, clients.OTHERS) if name in library]:
                    count += len(calls)
                    wrong += play(name, calls, place, state)
                wrong += [f"{name} {state}: arrived changed: {message.line()}" for message in place.unsigned]
                place.unsigned.clear()
            if state != "ALLOW":
                sidecar.release()
    finally:
        sidecar.stop()
    print("\n".join(wrong))
    print(f"{count} calls by {len(places)} venues' clients, {len(wrong)} not as the table says")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
