#!/usr/bin/env python3
"""Starts docker-compose.yml for real and looks at what it does: a secret is masked, the first start is BLOCK, two people open it,
orders flow, BLOCK stops them, a restart keeps BLOCK, Prometheus sees all of it and its alert fires, every query of the dashboard
gives data. Takes the binary to put into the image. Needs docker, docker-compose and prometheus (Debian packages); where no
registry can be reached, the images of Python and Prometheus are made from this machine's own files.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENVIRONMENT = {
    **os.environ,
    "COMPOSE_PROJECT_NAME": "sekisho-test",
    "SEKISHO_IMAGE": "sekisho:local",
    "PYTHON_IMAGE": "sekisho-test-python",
    "PROMETHEUS_IMAGE": "sekisho-test-prometheus",
}
SERVICES = ["setup", "trader", "sidecar", "venue", "logs", "prometheus"]


def run(*words, **options):
    done = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, text=True, capture_output=True, timeout=300, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def compose(*words):
    return run("docker-compose", *words)


def own_image(tag, paths, changes=()):
    """An image of files of this machine and nothing else."""
    present = [path for path in paths if os.path.exists(path)]
    with subprocess.Popen(["tar", "-c", "-h", *present], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tar:
        run("docker", "import", *[word for change in changes for word in ("--change", change)], "-", tag, stdin=tar.stdout)


def libraries(program):
    words = run("ldd", program).split()
    return [word for word in words if word.startswith("/")]


def images(binary):
    run(str(ROOT / "deploy" / "image"), binary, ENVIRONMENT["SEKISHO_IMAGE"])
    python = os.path.realpath("/usr/bin/python3")
    version = pathlib.Path(python).name
    own_image(ENVIRONMENT["PYTHON_IMAGE"], ["/usr/bin/python3", python, f"/usr/lib/{version}", *libraries(python)])
    prometheus = "/usr/bin/prometheus"
    entry = ['ENTRYPOINT ["/usr/bin/prometheus"]', "WORKDIR /prometheus"]
    own_image(ENVIRONMENT["PROMETHEUS_IMAGE"], [prometheus, *libraries(prometheus)], entry)


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def until(what, holds, seconds=60):
    """Waits until it holds, and says what was seen last when it never does."""
    end, seen = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            seen = holds()
        except OSError as error:
            seen = None if error is None else repr(error)
            time.sleep(0.2)
            continue
        if seen:
            print(f"ok: {what}", flush=True)
            return seen
        time.sleep(0.2)
    sys.exit(f"never: {what}; last seen: {seen!r}\n{compose('logs', '--tail', '30')}")


def lines():
    return json.loads(get("http://127.0.0.1:13100/lines"))


def received():
    return json.loads(get("http://127.0.0.1:18080/received"))


def state(name):
    return f'sekisho_state{{state="{name}"}} 1' in get("http://127.0.0.1:9912/metrics").splitlines()


def is_refusal(line):
    """Of an order, as the venue of the example words its own."""
    return ": 400 " in line and "-2010" in line


def query(expression):
    text = get("http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    return json.loads(text)["data"]["result"]


def sekisho(person, *words):
    return compose("exec", "-T", "sidecar", "/sekisho", *words, "--key-file", f"/etc/sekisho/keys/{person}.key")


def release():
    proposed = json.loads(sekisho("ann", "release", "propose", "--reason", "the stack is tried out", "--json"))
    sekisho("bob", "release", "confirm", proposed["challenge"]["id"], proposed["code"])


def secure_evidence():
    """Nothing is released without a bundle of every open incident."""
    for incident in json.loads(sekisho("ann", "incident", "list", "--json"))["incidents"]:
        sekisho("ann", "bundle", "create", "--incident", incident["id"])


def leaves_masked():
    until("the log arrives, masked", lambda: any("ghp_****" in line for line in lines()))
    for line in lines():
        if "token=" in line:
            token = line.split("token=")[1].split()[0]
            assert "****" in token and len(token) < 20, line
            assert "password=****" in line, line
    export = get("http://127.0.0.1:8443/export")
    assert "ghp_****" in export and "api_token" in export, export
    print("ok: the export is masked as well")


def opens():
    until("the first start is BLOCK", lambda: state("block"))
    until("orders are refused", lambda: any(map(is_refusal, lines())))
    assert received() == [], received()
    while not state("allow"):
        time.sleep(2.2)  # safety.min_stay of deploy/compose/policy.yaml
        secure_evidence()
        release()
    until("orders reach the venue", received)


def closes():
    sekisho("ann", "tighten", "BLOCK", "--reason", "the stack is tried out")
    before = len(received())
    seen = len(lines())
    until("orders are refused again", lambda: sum(map(is_refusal, lines()[seen:])) >= 3)
    assert len(received()) == before, "an order reached the venue in BLOCK"
    compose("restart", "sidecar")
    until("after a restart it is BLOCK still", lambda: state("block"))
    seen = len(lines())
    until("and orders are refused", lambda: any(map(is_refusal, lines()[seen:])))
    assert len(received()) == before, "an order reached the venue after the restart"


def is_watched():
    until("Prometheus sees BLOCK", lambda: query('sekisho_state{state="block"} == 1'))
    until("its alert fires", lambda: query('ALERTS{alertname="SekishoBlocked", alertstate="firing"}'))
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "sekisho.json").read_text())
    targets = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(targets) > 10, targets
    for title, expression in targets:
        expression = expression.replace("$__rate_interval", "1m").replace('instance=~"$instance"', 'instance=~".+"')
        until(f"the dashboard's `{title}` has data", lambda expression=expression: query(expression))


def health(container):
    return run("docker", "inspect", "--format", "{{.State.Health.Status}}", container).strip()


def main():
    images(sys.argv[1])
    compose("down", "--volumes", "--remove-orphans")
    try:
        compose("up", "--no-build", "--detach", *SERVICES)
        until("the sidecar answers", lambda: get("http://127.0.0.1:9912/livez"))
        leaves_masked()
        opens()
        closes()
        is_watched()
        sidecar = compose("ps", "-q", "sidecar").strip()
        until("its own health check passes", lambda: health(sidecar) == "healthy")
    finally:
        compose("down", "--volumes", "--remove-orphans")


main()
