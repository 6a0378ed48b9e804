use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use sekisho_safety::State;

use super::*;

fn all() -> Vec<Refusal> {
    let effective = State::danger_open().effective(&[]);
    let order = OrderRefusal {
        class: Class::Opening,
        legs: vec![],
        posture: effective.posture,
        scope: effective.scope,
        epoch: effective.epoch,
    };
    vec![
        Refusal::OrderRefused(order.clone()),
        Refusal::OrderAmbiguous(order, "`side` is given twice".to_owned()),
        Refusal::OrderOutcomeUnknown,
        Refusal::OrderForwardedBefore(Forwarded { at_ms: 1, answered: None }),
        Refusal::OrderBeyondBounds(Beyond::Quantity),
        Refusal::OrderTooLarge,
        Refusal::Unauthenticated,
        Refusal::Forbidden,
        Refusal::AddressRefused,
        Refusal::RateLimited { retry_after_s: 7 },
        Refusal::LockedOut { retry_after_s: 30 },
        Refusal::NoRoute,
        Refusal::BadRequest { what: "Host is not a host" },
        Refusal::HeadersTooLarge,
        Refusal::BodyTooLarge,
        Refusal::RequestTimeout,
        Refusal::Overloaded { retry_after_s: 1 },
        Refusal::SecretInContent,
        Refusal::Undecodable,
        Refusal::UnsupportedCoding,
        Refusal::UnknownContent,
        Refusal::SignedBody,
        Refusal::UpstreamUnavailable,
        Refusal::UpstreamTimeout,
        Refusal::UpgradeRefused,
        Refusal::Quarantined,
        Refusal::OrderPaced,
        Refusal::SecretRevoked,
    ]
}

#[test]
fn table() {
    let mut table = String::from("code status on-an-order-route retry-after forwarded title");
    for refusal in all() {
        let (code, status, order) = (refusal.code(), refusal.status(), refusal.status_for_order());
        let retry = refusal.retry_after_s().map_or("-".to_owned(), |seconds| seconds.to_string());
        let forwarded = refusal.forwarded().map_or("null".to_owned(), |forwarded| forwarded.to_string());
        write!(table, "\n{code:<23}{status} {order} {retry:<3}{forwarded:<6}{}", refusal.title()).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn all_codes_is_all_codes() {
    let codes: Vec<_> = all().iter().map(Refusal::code).collect();
    assert_eq!(codes, Refusal::ALL_CODES);
}

#[test]
fn an_order_is_never_answered_as_if_its_outcome_were_open() {
    for refusal in all() {
        let status = refusal.status_for_order();
        assert!((400..500).contains(&status) && status != 429 && status != 408, "{}: {status}", refusal.code());
    }
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for refusal in all() {
        let page = std::fs::read_to_string(root.join(refusal.runbook())).unwrap_or_default();
        assert!(page.starts_with(&format!("# `{}`\n", refusal.code())), "{} has no page", refusal.code());
        for heading in ["## What it means", "## What to check", "## What to do"] {
            assert!(page.contains(heading), "{} lacks {heading}", refusal.runbook());
        }
        let status = refusal.status().to_string();
        assert!(page.contains(&status), "{} does not name its status", refusal.runbook());
    }
    let pages: BTreeSet<_> = std::fs::read_dir(root.join("docs/runbooks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let codes: BTreeSet<_> = Refusal::ALL_CODES.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, codes);
}
