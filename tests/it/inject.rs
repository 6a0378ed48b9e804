//! The sidecar in the text of Kubernetes manifests.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::sidecar::binary;

fn run(args: &[&str], text: &str) -> Output {
    let mut command = binary();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn said(args: &[&str], text: &str) -> String {
    let output = run(args, text);
    assert!(output.status.success(), "{args:?} of {text}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Manifests as people write them: each with how often a sidecar has to be in it.
const CORPUS: [(&str, usize); 9] = [
    // The plain one, indented by two, with comments and another document around it.
    (
        "# the desk\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80}]\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a  # ours\nspec:\n  replicas: 1\n  selector:\n    matchLabels: {app: a}\n  template:\n    metadata:\n      labels: {app: a}\n    spec:\n      # what runs\n      containers:\n        - name: a\n          image: a:1\n",
        1,
    ),
    // Sequences as far left as their key, quotes, a list of init containers, volumes before containers.
    (
        "apiVersion: apps/v1\nkind: \"StatefulSet\"\nspec:\n  template:\n    spec:\n      volumes:\n      # of the service\n      - name: cache\n        emptyDir: {}\n      initContainers:\n      - name: migrate\n        image: 'm:1'\n        command: [sh, -c, \"containers: no\"]\n      \"containers\":\n      - name: a\n        image: a:1\n        env:\n        - name: volumes\n          value: \"- name: sekisho\"\n",
        1,
    ),
    // A block scalar that looks like a manifest, and keys after the containers.
    (
        "kind: DaemonSet\nspec:\n  template:\n    metadata:\n      annotations:\n        note: |\n          spec:\n            containers:\n              - none\n    spec:\n      containers:\n        - name: a\n          args:\n            - |\n              volumes:\n                - x\n          image: a:1\n      volumes:\n        - {name: tmp, emptyDir: {}}\n      restartPolicy: Always\n",
        1,
    ),
    ("kind: Pod\nspec:\n    containers:\n    -   name: a\n        image: a:1\n", 1),
    (
        "kind: CronJob\nspec:\n  schedule: \"0 3 * * *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n          containers:\n          - name: a\n            image: a:1\n",
        1,
    ),
    // Two workloads, no line end at the end.
    (
        "---\nkind: Job\nspec:\n  template:\n    spec:\n      containers:\n        - name: a\n---\n# nothing\n---\nkind: ReplicaSet\nspec:\n  template:\n    spec:\n      containers:\n        - name: b",
        2,
    ),
    ("kind: Pod\r\nspec:\r\n  containers:\r\n    - name: a\r\n", 1),
    // Anchors, and an init container with a comment above it.
    (
        "kind: Deployment\nmetadata:\n  labels: &labels\n    app: a\nspec:\n  selector:\n    matchLabels: *labels\n  template:\n    metadata:\n      labels: *labels\n    spec:\n      initContainers:\n        # first\n        - name: first\n          image: f:1\n\n        # then\n        - image: t:1\n          name: then\n      containers:\n        - name: a\n",
        1,
    ),
    (
        "kind: Deployment\nmetadata:\n  annotations:\n    sekisho.io/inject: disabled\nspec:\n  template:\n    spec:\n      containers:\n        - name: a\n---\nkind: Pod\nspec:\n  containers:\n    - name: b\n",
        1,
    ),
];

#[test]
fn what_is_put_in_comes_out_again_byte_for_byte() {
    for (text, sidecars) in CORPUS {
        let with = said(&["inject"], text);
        assert_eq!(
            with.matches("restartPolicy: Always\n").count() + with.matches("restartPolicy: Always\r\n").count(),
            sidecars + text.matches("restartPolicy: Always").count(),
            "{with}"
        );
        assert_eq!(with.matches("claimName").count(), 0, "{with}");
        assert_eq!(said(&["inject"], &with), with, "twice is once");
        let other = said(&["inject", "--image", "registry.example/sekisho:2", "--claim", "kept"], &with);
        assert_eq!(other.matches("image: registry.example/sekisho:2").count(), sidecars, "{other}");
        assert_eq!(other.matches("claimName: kept").count(), sidecars, "{other}");
        for injected in [with, other] {
            assert_eq!(said(&["uninject"], &injected), text);
        }
        assert_eq!(said(&["uninject"], text), text, "what is not there is not taken out");
    }
}

#[test]
fn what_would_change_is_shown_and_nothing_else() {
    let (text, _) = CORPUS[0];
    let diff = said(&["inject", "--dry-run"], text);
    assert!(diff.starts_with("@@\n"), "{diff}");
    assert!(diff.contains("+      initContainers:\n+        - name: sekisho\n"), "{diff}");
    assert!(diff.contains("       # what runs\n"), "{diff}");
    assert!(!diff.lines().any(|line| line.starts_with('-')), "{diff}");
    assert!(!diff.contains("matchLabels"), "{diff}");
}

#[test]
fn what_cannot_be_edited_line_by_line_is_refused_with_its_place() {
    let cases = [
        ("kind: Pod\nspec: {containers: [{name: a}]}\n", 2, "-:1: the pod has no `containers`"),
        (
            "a: 1\n---\nkind: Pod\nspec:\n  initContainers: [{name: b}]\n  containers:\n    - name: a\n",
            2,
            "-:3: `initContainers:",
        ),
        ("kind: Pod\nspec:\n\tcontainers: x\n", 2, "-:1: not YAML"),
        ("kind: Service\n", 1, "holds no workload"),
        ("", 1, "holds no workload"),
    ];
    for (text, code, says) in cases {
        let output = run(&["inject"], text);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && told.contains(says), "{text}: {output:?}");
        assert!(output.stdout.is_empty(), "half a manifest would be applied");
    }
    let output = run(&["inject", "--image", "x\ny"], CORPUS[0].0);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
