//! Disks that fail under the running process: strace has its system calls fail. Where strace is not installed or may not trace, this
//! says so; continuous integration installs it.

use std::io::Write as _;
use std::process::Command;

use serde_json::json;

use crate::client::send;
use crate::sidecar::{ANN, Sidecar, binary};
use crate::upstream::Upstream;

/// How many failing calls are tried one after the other as the first; `make faults` asks for more.
fn rounds() -> u64 {
    std::env::var("SEKISHO_TEST_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-f", "-qqq", "-o", "/dev/null", "-e", "trace=fsync", "true"]).status();
    tried.is_ok_and(|status| status.success())
}

#[test]
fn a_disk_that_does_not_sync_holds_up_neither_tightening_nor_cancels_and_loses_nothing_acknowledged() {
    if !can_trace() {
        writeln!(std::io::stderr(), "NOT RUN: strace is not installed here, or may not trace").unwrap();
        return;
    }
    for round in 0..rounds() {
        for fault in
            ["fdatasync:error=EIO", "fdatasync:error=ENOSPC", "fsync:error=EIO", "fdatasync,fsync:error=ENOSPC"]
        {
            fails(&format!("{fault}:when={}+", 30 + 7 * round));
        }
    }
}

fn fails(inject: &str) {
    let upstream = Upstream::start();
    let (_, dir) = Sidecar::open(&upstream).stop();
    let sidecar = Sidecar::with_faults(dir, inject);
    assert_eq!(sidecar.posture(), "ALLOW", "{inject}");
    let mut durable = Vec::new();
    sidecar.until("the disk fails", |sidecar| {
        let number = durable.len();
        let asked = json!({ "switch": "CLOSE_ONLY", "reason": format!("round {number}") });
        let answer = sidecar.change("/v1/tighten", ANN, &asked);
        assert!(answer.status == 200 || answer.status == 202, "{inject}: {answer:?}");
        durable.push(answer.json()["durable"] == true);
        sidecar.state()["journal"]["ok"] == false
    });
    let tightened = sidecar.tighten("BLOCK");
    assert!(tightened.status == 200 || tightened.status == 202, "{inject}: {tightened:?}");
    assert_eq!(sidecar.posture(), "BLOCK", "{inject}");
    upstream.take();
    let cancelled = send(sidecar.egress, "DELETE /v2/orders/17", &[], b"");
    assert_eq!((cancelled.status, upstream.take().len()), (200, 1), "{inject}: cancels pass");
    let proposed = sidecar.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
    assert!(matches!(proposed.status, 409 | 503), "{inject}: nothing is loosened: {proposed:?}");
    let (_, dir) = sidecar.stop();
    let verified =
        binary().args(["journal", "verify", "--json", "--data"]).arg(dir.path().join("data")).output().unwrap();
    let before = String::from_utf8_lossy(&verified.stdout).into_owned();
    // What a failed sync left behind is mended by the next start, on a disk that works.
    let sidecar = Sidecar::on(dir);
    assert_eq!(sidecar.posture(), "BLOCK", "{inject}: it comes back as it was, or stricter");
    let (code, dir) = sidecar.stop();
    assert_eq!(code, Some(0));
    let verified = binary().args(["journal", "verify", "--data"]).arg(dir.path().join("data")).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{inject}: {before}: {verified:?}");
}
