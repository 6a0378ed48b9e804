use super::Means;
use crate::Policy;

const BASE: &str = r#"version: 1
service: desk
listeners:
  ingress: "127.0.0.1:9901"
  trusted_hops: ["10.0.0.0/8"]
  ingress_tls: { certificates: [{ chain: /c, key: "file:/k" }], client_ca: /ca, client_crls: [/crl] }
upstreams: { app: { url: "http://127.0.0.1:1" }, far: { url: "https://far:1", tls: { ca: /far } } }
routes:
  - name: o
    listener: ingress
    match: { path_prefix: /o }
    upstream: app
    orders: { pack: alpaca, limits: { orders: { count: 5, window: 10s }, instruments: { "*": { quantity: "2" } } } }
    rates: [{ requests: 9, window: 1m }]
    from: { deny: ["10.1.0.0/16"] }
  - { name: a, listener: ingress, match: { path_prefix: /a }, upstream: app, roles: [service, operator], allow_query: [t] }
  - { name: b, listener: ingress, match: { path_prefix: / }, upstream: app, redact: { response: true } }
secrets:
  - { name: venue, ref: "file:/run/venue" }
detectors: { fields: [pin], default_action: mask }
limits: { body_bytes: 1MiB, connections: 10, scan_hold_bytes: 8KiB }
auth_failures: { per_pair: 5, lockout: 1m, lockout_max: 1h, jitter_percent: 1 }
signals: { access: { count: 20, window: 1m, level: SAFE, incident: SEV2 }, execution: { scope: "venue:x" } }
gates: { feed: { ttl: 30s, fail: SAFE } }
retention: { keep: { OPERATION: 2y } }
safety: { min_stay: 1m, break_glass: 10m, sentinel: /run/block }
identity:
  pepper: "file:/run/pepper"
  keys:
    - { id: ann, role: operator, hash: "0000000000000000000000000000000000000000000000000000000000000001", scopes: ["venue:x", "venue:y"] }
"#;

fn policy(from: &str, to: &str) -> Policy {
    assert!(BASE.contains(from), "{from}");
    Policy::parse("p.yaml", &BASE.replacen(from, to, 1)).unwrap()
}

/// What a change of the document means, place by place.
fn found(from: &str, to: &str) -> Vec<(String, Means, bool)> {
    let found = policy("desk", "desk").diff(&policy(from, to));
    found.into_iter().map(|found| (found.path, found.means, found.restart)).collect()
}

#[test]
fn what_is_not_plainly_as_strict_is_looser() {
    for (from, to, path) in [
        ("roles: [service, operator], ", "", "routes.a.roles"),
        ("[service, operator]", "[service, viewer]", "routes.a.roles"),
        ("redact: { response: true }", "redact: { response: false }", "routes.b.redact.response"),
        ("allow_query: [t]", "allow_query: [t, u]", "routes.a.allow_query"),
        ("path_prefix: /a", "path_prefix: /aa", "routes.a.match"),
        ("name: a,", "name: c,", "routes"),
        ("count: 5", "count: 6", "routes.o.orders.limits"),
        ("window: 10s", "window: 9s", "routes.o.orders.limits"),
        ("quantity: \"2\"", "quantity: \"3\"", "routes.o.orders.limits"),
        ("{ \"*\":", "{ BTC: { quantity: \"3\" }, \"*\":", "routes.o.orders.limits"),
        ("requests: 9", "requests: 10", "routes.o.callers"),
        ("from: { deny: [\"10.1.0.0/16\"] }", "from: {}", "routes.o.callers"),
        ("version: 1", "version: 1\nroles: { tighten: [admin] }", "roles.tighten"),
        ("version: 1", "version: 1\nroles: { contain: [admin] }", "roles.contain"),
        ("version: 1", "version: 1\nroles: { read_audit: [admin, operator, viewer] }", "roles.read_audit"),
        ("  keys:", "  session: 12h\n  keys:", "identity.session"),
        (
            "  keys:",
            "  certificates: [{ id: x, role: service, name: \"dns:a.test\" }]\n  keys:",
            "identity.certificates.x",
        ),
        ("  - { name: venue, ref: \"file:/run/venue\" }", "  []", "secrets.venue"),
        ("/run/venue", "/run/other", "secrets.venue"),
        ("fields: [pin]", "fields: []", "detectors.fields"),
        ("default_action: mask", "default_action: alert", "detectors.default_action"),
        ("default_action: mask", "default_action: mask, actions: { jwt: mask }", "detectors.actions.jwt"),
        ("default_action: mask", "default_action: mask, disable: [jwt]", "detectors.disable"),
        (
            "default_action: mask",
            "default_action: mask, allow: [{ detector: jwt, field: sample, owner: o, reason: r, until: 2030-01-01 }]",
            "detectors.allow",
        ),
        ("0001\"", "0002\"", "identity.keys.ann"),
        ("role: operator,", "role: admin,", "identity.keys.ann"),
        ("id: ann,", "id: ann, person: bob,", "identity.keys.ann"),
        (", scopes: [\"venue:x\", \"venue:y\"]", "", "identity.keys.ann"),
        ("/run/pepper", "/run/salt", "identity.pepper"),
        ("body_bytes: 1MiB", "body_bytes: 2MiB", "limits.body_bytes"),
        ("scan_hold_bytes: 8KiB", "scan_hold_bytes: 4KiB", "limits.scan_hold_bytes"),
        ("per_pair: 5", "per_pair: 6", "auth_failures.per_pair"),
        ("lockout: 1m", "lockout: 30s", "auth_failures.lockout"),
        ("count: 20", "count: 21", "signals.access"),
        ("count: 20, window: 1m", "count: 20, window: 30s", "signals.access"),
        ("level: SAFE", "level: NONE", "signals.access"),
        ("incident: SEV2", "incident: SEV3", "signals.access"),
        ("scope: \"venue:x\"", "scope: \"venue:y\"", "signals.execution"),
        ("signals: { access: { count: 20, window: 1m, level: SAFE, incident: SEV2 },", "signals: {", "signals.access"),
    ] {
        let found = found(from, to);
        assert!(found.contains(&(path.to_owned(), Means::Looser, false)), "{to}: {found:?}");
    }
    assert_eq!(found("id: ann,", "id: bob,").len(), 2, "one is gone, one is new");
}

#[test]
fn what_is_stricter_is_tighter_and_needs_nobody_else() {
    for (from, to) in [
        ("[service, operator]", "[service]"),
        ("allow_query: [t]", "allow_query: []"),
        ("count: 5", "count: 4"),
        ("{ \"*\":", "{ BTC: { quantity: \"1\" }, \"*\":"),
        ("requests: 9", "requests: 8"),
        ("- name: o\n", "- name: o\n    in_flight: 9\n"),
        ("from: { deny: [\"10.1.0.0/16\"] }", "from: { deny: [\"10.1.0.0/16\"], allow: [\"10.0.0.0/8\"] }"),
        ("version: 1", "version: 1\nroles: { read_audit: [admin] }"),
        ("version: 1", "version: 1\nroles: { contain: [admin, operator, service] }"),
        ("role: operator,", "role: operator, expires: 2030-01-01,"),
        ("upstream: app, redact", "upstream: app, roles: [service], redact"),
        ("fields: [pin]", "fields: [pin, tan]"),
        ("default_action: mask", "default_action: block"),
        ("default_action: mask", "default_action: mask, actions: { jwt: block }"),
        ("secrets:", "secrets:\n  - { name: more, ref: \"env:MORE\" }"),
        (", \"venue:y\"", ""),
        ("id: ann,", "id: ann, allow: [\"10.0.0.0/8\"],"),
        ("body_bytes: 1MiB", "body_bytes: 512KiB"),
        ("scan_hold_bytes: 8KiB", "scan_hold_bytes: 16KiB"),
        ("per_pair: 5", "per_pair: 4"),
        ("lockout: 1m", "lockout: 2m"),
        ("level: SAFE", "level: BLOCK"),
        ("incident: SEV2", "incident: SEV1"),
        ("scope: \"venue:x\"", "scope: fleet"),
        ("signals: {", "signals: { secret_leak: {},"),
    ] {
        let found = found(from, to);
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(matches!(found.as_slice(), [(_, Means::Tighter, false)]), "{to}: {found:?}");
    }
    assert_eq!(found("desk", "desk"), []);
    assert_eq!(
        found("jitter_percent: 1", "jitter_percent: 2"),
        [("auth_failures.jitter_percent".into(), Means::Neutral, false)]
    );
    assert_eq!(found("version: 1", "# said\nversion: 1"), [], "another hash, and the same policy");
}

#[test]
fn who_lets_less_stay_needs_nobody_and_who_renews_does() {
    let with = |until: &str| {
        let one = format!("{{ detector: jwt, field: a, owner: o, reason: r, until: {until} }}");
        policy("default_action: mask", &format!("default_action: mask, allow: [{one}]"))
    };
    let none = policy("desk", "desk");
    let means = |before: &Policy, after: &Policy| before.diff(after).into_iter().map(|one| one.means).max();
    assert_eq!(means(&with("2030-01-01"), &none), Some(Means::Tighter));
    assert_eq!(means(&with("2030-01-01"), &with("2030-02-01")), Some(Means::Looser));
    assert_eq!(means(&with("2030-01-01"), &with("2030-01-01")), None);
}

#[test]
fn what_is_read_at_the_start_alone_takes_a_restart() {
    for (from, to, path, means) in [
        ("127.0.0.1:9901", "127.0.0.1:9902", "listeners", Means::Looser),
        ("127.0.0.1:1\"", "127.0.0.1:2\"", "upstreams.app", Means::Looser),
        ("client_ca: /ca, client_crls: [/crl] ", "", "listeners.ingress_tls.client_ca", Means::Looser),
        ("client_crls: [/crl]", "client_crls: [/crl, /more]", "listeners.ingress_tls.client_ca", Means::Tighter),
        (
            "client_ca: /ca,",
            "client_ca: /ca, min_version: \"1.2\",",
            "listeners.ingress_tls.min_version",
            Means::Looser,
        ),
        ("trusted_hops: [\"10.0.0.0/8\"]", "trusted_hops: []", "listeners.trusted_hops", Means::Tighter),
        ("trusted_hops: [", "trusted_hops: [\"11.0.0.0/8\", ", "listeners.trusted_hops", Means::Looser),
        ("127.0.0.1:1\"", "127.0.0.1:1\", retries: 2", "upstreams.app.retries", Means::Neutral),
        ("127.0.0.1:1\"", "127.0.0.1:1\", health_check: {}", "upstreams.app.health_check", Means::Neutral),
        (", tls: { ca: /far }", ", tls: {}", "upstreams.far.tls.ca", Means::Looser),
        ("{ ca: /far }", "{ ca: /far, min_version: \"1.2\" }", "upstreams.far.tls.min_version", Means::Looser),
        ("OPERATION: 2y", "OPERATION: 1y", "retention.keep.OPERATION", Means::Looser),
        ("OPERATION: 2y", "OPERATION: 7y", "retention.keep.OPERATION", Means::Tighter),
        ("keep: {", "prune: true, keep: {", "retention.prune", Means::Looser),
        ("keep: {", "archive: /far, keep: {", "retention.archive", Means::Tighter),
        ("version: 1", "version: 1\norders_ledger: { keep: 1h }", "orders_ledger.keep", Means::Looser),
        ("version: 1", "version: 1\ntelemetry: { access_log: /a }", "telemetry.access_log", Means::Looser),
        ("version: 1", "version: 1\ntelemetry: { access_log_lines: 99 }", "telemetry.access_log_lines", Means::Neutral),
        (
            "orders: { pack: alpaca,",
            "orders: { pack: alpaca, positions: { url: \"http://127.0.0.1:1/p\" },",
            "routes.o.orders.positions",
            Means::Looser,
        ),
        ("connections: 10", "connections: 9", "limits.connections", Means::Tighter),
        ("min_stay: 1m", "min_stay: 2m", "safety.min_stay", Means::Tighter),
        ("break_glass: 10m", "break_glass: 20m", "safety.break_glass", Means::Looser),
        ("sentinel: /run/block", "sentinel: /run/other", "safety.sentinel", Means::Looser),
        ("ttl: 30s", "ttl: 10s", "gates.feed", Means::Tighter),
        ("fail: SAFE", "fail: BLOCK", "gates.feed", Means::Tighter),
        ("fail: SAFE", "fail: SAFE, block_after: 5m", "gates.feed", Means::Tighter),
        ("ttl: 30s", "ttl: 40s", "gates.feed", Means::Looser),
        ("gates: { feed:", "gates: { other: {}, feed:", "gates.other", Means::Tighter),
        ("gates: { feed:", "gates: { other:", "gates.feed", Means::Looser),
        ("version: 1", "version: 1\njournal: { heartbeat: 2m }", "journal.heartbeat", Means::Looser),
        ("version: 1", "version: 1\nincidents: { open: 1 }", "incidents.open", Means::Looser),
    ] {
        let found = found(from, to);
        assert!(found.contains(&(path.to_owned(), means, true)), "{to}: {found:?}");
    }
}
