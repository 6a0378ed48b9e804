#!/usr/bin/env python3
"""Renders the Kubernetes manifests and checks them without a cluster: against the schemas of the API (`kubernetes-validate`, strict),
against the restricted pod security profile, and the policy in them with the binary named on the command line.
Needs kubectl 1.21 or later, and kubernetes-validate and PyYAML for this Python.
"""

import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

KUBERNETES = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "kubernetes"
# Native sidecars are on by default from the first of these.
VERSIONS = ["1.29", "1.33", "1.37"]
# Kinds that an operator brings, of which the API server's own schemas say nothing.
FOREIGN = {"ServiceMonitor"}

problems = []


def wrong(where, what):
    problems.append(f"{where}: {what}")


def rendered(overlay):
    done = subprocess.run(["kubectl", "kustomize", str(KUBERNETES / overlay)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or "deprecated" in done.stderr:
        sys.exit(f"{overlay}: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def restricted(where, pod):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    of_pod = pod.get("securityContext", {})
    for container in pod["initContainers"] + pod["containers"]:
        context = {**of_pod, **container.get("securityContext", {})}
        name = f"{where}/{container['name']}"
        rules = {
            "allowPrivilegeEscalation is not false": context.get("allowPrivilegeEscalation") is False,
            "capabilities are not dropped": context.get("capabilities", {}).get("drop") == ["ALL"],
            "capabilities are added": not context.get("capabilities", {}).get("add"),
            "may run as root": context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0,
            "has no seccomp profile": context.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "its root can be written": context.get("readOnlyRootFilesystem") is True,
            "has no memory limit": "memory" in container.get("resources", {}).get("limits", {}),
            "is the newest of whatever": ":" in container["image"] and not container["image"].endswith(":latest"),
        }
        for what, holds in rules.items():
            if not holds:
                wrong(name, what)
    for volume in pod["volumes"]:
        if not volume.keys() & {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim", "downwardAPI"}:
            wrong(where, f"volume {volume['name']} is of a kind that the profile forbids")
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            wrong(where, key)


def is_sidecar(where, pod):
    sidecar = [container for container in pod["initContainers"] if container["name"] == "sekisho"]
    if len(sidecar) != 1 or sidecar[0].get("restartPolicy") != "Always":
        return wrong(where, "sekisho is no native sidecar")
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        if sidecar[0].get(probe, {}).get("httpGet", {}).get("path") != path:
            wrong(where, f"{probe} does not ask {path}")
    mounted = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", [])}
    if mounted & {"sekisho-secrets", "sekisho-data", "sekisho-policy"}:
        wrong(where, "the service can read what is the sidecar's")


def policies(binary, where, document):
    for name, text in document.get("data", {}).items():
        with tempfile.NamedTemporaryFile("w", suffix=f"-{name}") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([binary, "policy", "check", file.name], capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                wrong(where, done.stderr)


def injected(binary):
    """The base without its sidecar, and with the one that `sekisho inject` puts in."""
    text = yaml.safe_dump_all(rendered("base"))
    for command in (["uninject"], ["inject", "--claim", "kept"]):
        done = subprocess.run([binary, *command], input=text, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            sys.exit(f"{command}: {done.stderr}")
        text = done.stdout
        if command == ["uninject"] and "livez" in text:
            wrong("uninject", "the sidecar is still there")
    return list(yaml.safe_load_all(text))


def main():
    kinds = set()
    sets = {overlay: rendered(overlay) for overlay in ("base", "overlays/local", "overlays/production")}
    sets["injected"] = injected(sys.argv[1])
    for overlay, documents in sets.items():
        for document in documents:
            kind, where = document["kind"], f"{overlay}: {document['kind']} {document['metadata']['name']}"
            kinds.add(kind)
            for version in VERSIONS if kind not in FOREIGN else ():
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    wrong(where, f"{version}: {'.'.join(map(str, error.path))}: {error.message}")
            if kind == "StatefulSet":
                restricted(where, document["spec"]["template"]["spec"])
                is_sidecar(where, document["spec"]["template"]["spec"])
            if kind == "ConfigMap":
                policies(sys.argv[1], where, document)
    wanted = {"StatefulSet", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceMonitor", "Role", "Namespace"}
    if not wanted <= kinds:
        wrong("all", f"{wanted - kinds} are missing")
    if problems:
        sys.exit("\n".join(problems))
    print(f"ok: {len(kinds)} kinds, against {', '.join(VERSIONS)}")


main()
