//! The corpus of venues' messages, through the whole sidecar in BLOCK: what reads, cancels or keeps alive arrives byte for byte, and
//! nothing else arrives.

use crate::client::send;
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

const CORPUS: [(&str, &str); 8] = [
    ("binance", include_str!("../data/orders/binance.txt")),
    ("okx", include_str!("../data/orders/okx.txt")),
    ("bybit", include_str!("../data/orders/bybit.txt")),
    ("kraken", include_str!("../data/orders/kraken.txt")),
    ("kraken_futures", include_str!("../data/orders/kraken_futures.txt")),
    ("coinbase", include_str!("../data/orders/coinbase.txt")),
    ("deribit", include_str!("../data/orders/deribit.txt")),
    ("alpaca", include_str!("../data/orders/alpaca.txt")),
];

/// Whether a label stands for what passes a BLOCK: each leg of a batch has to.
fn passes(label: &str) -> bool {
    let legs = label.strip_prefix("H:").unwrap_or(label);
    !label.ends_with('!') && legs.chars().all(|class| matches!(class, 'A' | 'B' | 'L'))
}

/// What did not go as the label says, and whether it had to pass.
fn wrong(sidecar: &Sidecar, upstream: &Upstream, line: &str) -> (Option<String>, bool) {
    let (label, message) = line.split_once(' ').unwrap();
    let (method, rest) = message.split_once(' ').unwrap();
    let (target, mut body) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut headers = Vec::new();
    while let Some(header) = body.strip_prefix('@') {
        let (header, after) = header.split_once(' ').unwrap_or((header, ""));
        headers.push(header.split_once('=').unwrap());
        body = after;
    }
    let kind = if body.starts_with(['{', '[']) { "application/json" } else { "application/x-www-form-urlencoded" };
    if !body.is_empty() && headers.iter().all(|(name, _)| *name != "content-type") {
        headers.push(("content-type", kind));
    }
    let answer = send(sidecar.egress, &format!("{method} /v2{target}"), &headers, body.as_bytes());
    let arrived = upstream.take();
    let as_it_was =
        matches!(arrived.as_slice(), [one] if one.line == format!("{method} {target}") && one.body == body.as_bytes());
    let right =
        if passes(label) { as_it_was } else { arrived.is_empty() && (answer.status < 500 && answer.status != 429) };
    let told = || format!("{line}: {} {}, {arrived:?}", answer.status, String::from_utf8_lossy(&answer.body));
    ((!right).then(told), passes(label))
}

#[test]
fn in_block_only_what_may_pass_arrives_and_it_arrives_as_it_was() {
    let (mut faults, mut passed, mut stopped) = (Vec::new(), 0, 0);
    for (pack, text) in CORPUS {
        let upstream = Upstream::start();
        // Behind the prefix, which is taken off, a venue has its own paths.
        let orders =
            format!("{{ pack: {pack} }}, strip_prefix: true, allow_query: [signature, timestamp, client_secret]");
        let sidecar = Sidecar::judging(&upstream, &orders);
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines.filter(|line| !line.contains(" WS ")) {
            let (fault, passes) = wrong(&sidecar, &upstream, line);
            faults.extend(fault.map(|fault| format!("{pack}: {fault}")));
            passed += usize::from(passes);
            stopped += usize::from(!passes);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(passed > 100 && stopped > 200, "{passed} {stopped}");
}
