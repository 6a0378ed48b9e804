use std::fmt::Write;

use super::*;
use crate::{Listener, Operation, Protocol, Role, UnknownOrders};

#[test]
fn the_embedded_policy_is_sound() {
    let policy = Policy::parse("default.yaml", Policy::embedded()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.listeners.ingress.unwrap().to_string(), "127.0.0.1:8443");
    assert_eq!(policy.listeners.egress.unwrap().to_string(), "127.0.0.1:15001");
    assert_eq!(policy.listeners.admin.to_string(), "127.0.0.1:9911");
    assert_eq!(policy.listeners.health.to_string(), "0.0.0.0:9912");
    let names: Vec<_> = policy.routes.iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["logs", "telemetry", "binance", "alpaca", "service"]);
    let binance = &policy.routes[2];
    let orders = binance.orders.as_ref().unwrap();
    assert_eq!((orders.rules.name(), orders.rules.unknown()), ("binance", UnknownOrders::Deny));
    assert_eq!(orders.scopes, ["venue:binance".parse().unwrap()]);
    assert!(policy.routes[0].redact_request && !policy.routes[0].redact_response);
    assert!(!policy.routes[4].redact_request && policy.routes[4].redact_response);
    assert!(policy.routes.iter().all(|route| route.redact_request || route.listener == Listener::Ingress));
    assert!(policy.upstreams.iter().all(|upstream| upstream.host == "127.0.0.1"));
}

#[test]
fn the_least_policy_has_all_defaults() {
    let policy = Policy::parse("p", "version: 1\nservice: desk\n").unwrap();
    assert_eq!((policy.listeners.ingress, policy.workers), (None, None));
    insta::assert_debug_snapshot!((
        policy.limits,
        policy.auth_failures,
        policy.safety,
        policy.journal,
        policy.detectors,
        policy.signals
    ));
}

#[test]
fn everything_can_be_said() {
    let hash = "ab".repeat(32);
    let yaml = format!(
        "version: 1\nservice: desk\ndata_dir: /var/lib/sekisho\nworkers: 4\n\
         listeners: {{ingress: '[::1]:8443', egress: 127.0.0.1:15001}}\n\
         limits: {{body_bytes: 1024, order_body_bytes: 1KiB, h2_streams: 7, connect_timeout: 250ms}}\n\
         upstreams:\n  a: {{url: 'http://[::1]:80/', protocol: http1, host: preserve}}\n  \
         b: {{url: 'http://h:1', protocol: h2c}}\n\
         secrets: [{{name: s, ref: env:S}}]\n\
         identity:\n  pepper: env:PEPPER\n  keys: [{{id: k, role: viewer, hash: {hash}, allow: [10.0.0.0/8, '::1']}}]\n\
         signals: {{secret_leak: {{level: BLOCK, scope: venue:x}}}}\n\
         routes:\n  - name: r\n    listener: ingress\n    match: {{host: Api.Test, path_prefix: /x, methods: [GET]}}\n    \
         upstream: a\n    allow_headers: [X-Key]\n    roles: [operator]\n    orders:\n      unknown: opening\n      rules:\n        \
         rules: [{{methods: [GET], paths: [/x], class: read_only}}]\n"
    );
    let policy = Policy::parse("p", &yaml).unwrap_or_else(|errors| panic!("{errors}"));
    let key = &policy.identity.keys[0];
    assert_eq!((key.hash, key.role, key.person.as_str()), ([0xab; 32], Role::Viewer, "k"));
    assert_eq!((key.allow[0].prefix, key.allow[1].prefix), (8, 128));
    assert_eq!(policy.upstreams[0].host, "[::1]");
    assert_eq!(
        policy.upstreams.iter().map(|upstream| upstream.protocol).collect::<Vec<_>>(),
        [Protocol::Http1, Protocol::H2c]
    );
    let route = &policy.routes[0];
    assert_eq!((route.listener, route.host.as_deref()), (Listener::Ingress, Some("api.test")));
    assert_eq!(route.allow_headers, ["x-key"]);
    assert!(policy.matrix.may(route.roles.as_ref().unwrap()[0], Operation::ReadMetrics));
    assert_eq!(policy.secrets[0].source.to_string(), "env:S");
    assert_eq!(policy.limits.connect_timeout.as_millis(), 250);
}

#[test]
fn a_fix_listener_has_the_pack_of_its_protocol() {
    let fix =
        "fix: [{name: f, listen: '127.0.0.1:0', connect: 'Venue.Test:9876', allow: [10.0.0.0/8], scopes: [venue:v]}]";
    let policy = Policy::parse("p", &format!("version: 1\nservice: desk\n{fix}\n")).unwrap();
    let fix = &policy.fix[0];
    assert_eq!((fix.host.as_str(), fix.port, fix.search), ("venue.test", 9876, true));
    assert_eq!((fix.orders.rules.name(), fix.orders.scopes.len()), ("fix", 1));
    assert_eq!((fix.allow[0].addr.to_string().as_str(), fix.allow[0].prefix), ("10.0.0.0", 8));
}

#[test]
fn what_is_sealed_at_rest_is_said_by_reference() {
    let parse = |at_rest: &str| Policy::parse("p", &format!("version: 1\nservice: desk\nat_rest: {at_rest}\n"));
    let plain = parse("{}").unwrap().at_rest;
    assert_eq!((plain.master_key, plain.bundle_bytes, plain.seal_interval.as_secs()), (None, 64 << 20, 10));
    let bao = "{master_key: 'openbao:infra/transit/desk', old_master_keys: [env:OLD], \
               openbao: {url: 'http://127.0.0.1:8200', token: file:/run/token}}";
    let bao = parse(bao).unwrap().at_rest;
    let on_server = crate::MasterSource::OpenBao { mount: "infra/transit".into(), key: "desk".into() };
    assert_eq!(bao.master_key, Some(on_server));
    assert_eq!(bao.openbao.unwrap().authority, "127.0.0.1:8200");
    for (wrong, path) in [
        ("{master_key: c2VjcmV0}", "at_rest.master_key"),
        ("{master_key: 'openbao:transit'}", "at_rest.master_key"),
        ("{master_key: 'openbao:../sys/x', openbao: {url: 'http://h:1', token: env:T}}", "at_rest.master_key"),
        ("{old_master_keys: [env:OLD]}", "at_rest.master_key"),
        ("{master_key: 'openbao:transit/k'}", "at_rest.openbao"),
        ("{master_key: 'openbao:transit/k', openbao: {url: 'https://h:1', token: env:T}}", "at_rest.openbao.url"),
        ("{master_key: 'openbao:transit/k', openbao: {url: 'http://h:1'}}", "at_rest.openbao.token"),
        ("{bundle_bytes: 2GiB}", "at_rest.bundle_bytes"),
    ] {
        let errors = parse(wrong).unwrap_err().to_string();
        assert!(errors.contains(path) && !errors.contains("c2VjcmV0"), "{wrong}: {errors}");
    }
}

#[test]
fn how_long_evidence_is_kept_is_said_in_classes() {
    let parse = |retention: &str| Policy::parse("p", &format!("version: 1\nservice: desk\nretention: {retention}\n"));
    assert_eq!(parse("{}").unwrap().retention, RetentionPolicy::default());
    let all = parse("{keep: {operation: 7y, gate.record: 2y}, prune: true, archive: /srv/evidence}").unwrap().retention;
    assert_eq!(
        (all.keep["operation"], all.keep["gate.record"]),
        (crate::KeepFor::SevenYears, crate::KeepFor::TwoYears)
    );
    assert!(all.prune && all.archive.is_some());
    for (wrong, path) in [
        ("{keep: {operation: 3y}}", "retention.keep.operation"),
        ("{prune: often}", "retention.prune"),
        ("{archive: evidence}", "retention.archive"),
    ] {
        let errors = parse(wrong).unwrap_err().to_string();
        assert!(errors.contains(path), "{wrong}: {errors}");
    }
}

#[test]
fn the_hash_is_of_the_text() {
    let hash = |yaml| Policy::parse("p", yaml).unwrap().hash().to_owned();
    assert_eq!(hash("version: 1\nservice: a\n"), hash("version: 1\nservice: a\n"));
    assert_ne!(hash("version: 1\nservice: a\n"), hash("version: 1\nservice: a\n# b\n"));
    assert!(hash("version: 1\nservice: a\n").starts_with("sha256:"));
}

#[test]
fn the_schema_knows_every_section_and_no_field_goes_undocumented() {
    let schema: serde_json::Value = serde_json::from_str(&Policy::json_schema()).unwrap();
    let sections = schema["properties"].as_object().unwrap();
    for section in ["version", "service", "listeners", "limits", "upstreams", "routes", "secrets", "safety", "journal"]
    {
        assert!(sections.contains_key(section), "{section}");
    }
    let mut silent = Vec::new();
    undocumented(&schema, "", &mut silent);
    assert_eq!(silent, Vec::<String>::new());
}

fn undocumented(schema: &serde_json::Value, path: &str, silent: &mut Vec<String>) {
    let Some(object) = schema.as_object() else { return };
    for (name, field) in object.get("properties").and_then(|fields| fields.as_object()).into_iter().flatten() {
        if field.get("description").is_none() {
            silent.push(format!("{path}.{name}"));
        }
    }
    for (name, inner) in object {
        undocumented(inner, &format!("{path}.{name}"), silent);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut table = String::new();
    for (name, yaml) in broken() {
        match Policy::parse("p.yaml", &yaml) {
            Ok(_) => panic!("{name} passes"),
            Err(errors) => writeln!(table, "{name}\n{errors}\n").unwrap(),
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn no_error_repeats_a_value() {
    let secret = ["hunter", "2hunter", "2"].concat();
    let lines = [
        "workers: {}",
        "version: {}",
        "listeners: {admin: {}}",
        "listeners: {}",
        "limits: {body_bytes: {}}",
        "limits: [{}]",
        "upstreams: {a: {url: {}}}",
        "upstreams: {a: {protocol: {}}}",
        "secrets: [{name: a, ref: {}}]",
        "secrets: {}",
        "identity: {pepper: {}}",
        "identity: {keys: [{id: a, role: {}, hash: {}}]}",
        "routes: [{name: a, listener: {}, upstream: {}}]",
        "routes: [{name: a, orders: {pack: {}}}]",
        "signals: {secret_leak: {level: {}, scope: {}}}",
        "detectors: {default_action: {}}",
        "journal: {batch: {}, queue: '{}'}",
        "{}: 1",
        "{}",
        "a: &{} [*x{}]",
        "a: !{} b",
        "a: \"{}",
        "\t{}",
    ];
    for line in lines {
        let yaml = format!("service: a\n{}\n", line.replace("{}", &secret));
        let errors = Policy::parse("p", &yaml).unwrap_err().to_string();
        assert!(!errors.contains(&secret), "{line}: {errors}");
    }
}

#[test]
fn all_errors_are_told_at_once_and_in_order() {
    let yaml = "version: 3\nservice: A B\nworkers: 0\nlimits:\n  header_count: 1\n  body_bytes: lots\n";
    let errors = Policy::parse("p", yaml).unwrap_err();
    let lines: Vec<_> = errors.iter().map(|error| (error.line, error.path.as_str())).collect();
    let expected =
        [(1, "version"), (2, "service"), (3, "workers"), (5, "limits.header_count"), (6, "limits.body_bytes")];
    assert_eq!(lines, expected);
}

fn broken() -> Vec<(String, String)> {
    let head = "version: 1\nservice: desk\n";
    let sections = [
        ("listeners", "listeners: {egress: 127.0.0.1:15001}\n"),
        ("upstreams", "upstreams: {a: {url: 'http://h:1'}}\n"),
    ];
    SECTIONS
        .iter()
        .map(|(name, yaml)| {
            let missing = sections.iter().filter(|(section, _)| !yaml.contains(&format!("{section}:")));
            let rest: String = missing.map(|(_, text)| *text).collect();
            ((*name).to_owned(), format!("{head}{yaml}\n{rest}"))
        })
        .chain(WHOLE.iter().map(|(name, yaml)| ((*name).to_owned(), (*yaml).to_owned())))
        .collect()
}

const WHOLE: [(&str, &str); 12] = [
    ("empty", ""),
    ("no version", "service: desk\n"),
    ("no service", "version: 1\n"),
    ("another version", "version: 2\nservice: desk\n"),
    ("a list", "- version: 1\n"),
    ("a tab", "version: 1\nservice: desk\nlimits:\n\tbody_bytes: 1\n"),
    ("a key twice", "version: 1\nservice: desk\nversion: 1\n"),
    ("an open quote", "version: 1\nservice: \"desk\n"),
    ("two documents", "version: 1\nservice: desk\n---\nversion: 1\n"),
    ("a merge key", "version: 1\nservice: desk\nlimits:\n  <<: {body_bytes: 1}\n"),
    ("an unknown alias", "version: 1\nservice: *desk\n"),
    ("a service that is a map", "version: 1\nservice: {a: b}\n"),
];

const SECTIONS: [(&str, &str); 70] = [
    ("an unknown section", "limit: {}"),
    ("an unknown field", "limits:\n  body_byte: 1"),
    ("a section that is a value", "limits: 5"),
    ("a list that is a map", "secrets: {a: b}"),
    ("workers of none", "workers: 0"),
    ("workers in words", "workers: four"),
    ("a negative number", "limits:\n  header_count: -5"),
    ("a number with a fraction", "limits:\n  header_count: 10.5"),
    ("a number too large", "limits:\n  header_count: 99999999999999999999"),
    ("a time without a unit", "limits:\n  header_timeout: 10"),
    ("a time of another unit", "limits:\n  header_timeout: 10min"),
    ("a time too long", "limits:\n  header_timeout: 10h"),
    ("a size of another unit", "limits:\n  body_bytes: 10MB"),
    ("a size too small", "limits:\n  body_bytes: 0"),
    ("orders longer than bodies", "limits: {body_bytes: 4KiB}"),
    ("a first lockout longer than the longest", "auth_failures: {lockout: 1h, lockout_max: 1m}"),
    ("an address without a port", "listeners: {admin: 127.0.0.1}"),
    ("admin for everybody", "listeners: {admin: '0.0.0.0:9911'}"),
    ("two listeners on a port", "listeners: {ingress: '127.0.0.1:80', egress: '127.0.0.1:80'}"),
    ("a listener on a default port", "listeners: {ingress: '127.0.0.1:9912'}"),
    ("an upstream without a url", "upstreams: {a: {}}"),
    ("an upstream over TLS with a path", "upstreams: {a: {url: 'https://h:1/x'}}"),
    ("an upstream with a path", "upstreams: {a: {url: 'http://h:1/x'}}"),
    ("an upstream without a port", "upstreams: {a: {url: 'http://h'}}"),
    ("an upstream with a user", "upstreams: {a: {url: 'http://u:p@h:1'}}"),
    ("an upstream that speaks otherwise", "upstreams: {a: {url: 'http://h:1', protocol: spdy}}"),
    ("an upstream that sends too often", "upstreams: {a: {url: 'http://h:1', retries: 6}}"),
    ("an upstream asked for no path", "upstreams: {a: {url: 'http://h:1', health_check: {path: healthz}}}"),
    ("an upstream asked too often", "upstreams: {a: {url: 'http://h:1', health_check: {interval: 1ms}}}"),
    ("an upstream with a strange name", "upstreams: {A B: {url: 'http://h:1'}}"),
    ("a route without anything", "routes: [{}]"),
    ("a route to nowhere", "routes: [{name: r, listener: egress, upstream: b}]"),
    ("a route on no listener", "routes: [{name: r, listener: ingress, upstream: a}]"),
    ("a route on a strange listener", "routes: [{name: r, listener: both, upstream: a}]"),
    (
        "two routes of a name",
        "routes:\n  - {name: r, listener: egress, match: {host: x}, upstream: a}\n  - {name: r, listener: egress, upstream: a}",
    ),
    (
        "a shadowed route",
        "routes:\n  - {name: r, listener: egress, match: {path_prefix: /a}, upstream: a}\n  - {name: s, listener: egress, match: {path_prefix: /a/b, methods: [GET]}, upstream: a}",
    ),
    ("a prefix with dots", "routes: [{name: r, listener: egress, match: {path_prefix: /a/../b}, upstream: a}]"),
    ("a prefix that ends in a slash", "routes: [{name: r, listener: egress, match: {path_prefix: /a/}, upstream: a}]"),
    ("a host with a port", "routes: [{name: r, listener: egress, match: {host: 'h:1'}, upstream: a}]"),
    ("a method in lower case", "routes: [{name: r, listener: egress, match: {methods: [get]}, upstream: a}]"),
    ("no method", "routes: [{name: r, listener: egress, match: {methods: []}, upstream: a}]"),
    ("a header with a space", "routes: [{name: r, listener: egress, allow_headers: [a b], upstream: a}]"),
    ("a flag in words", "routes: [{name: r, listener: egress, redact: {request: sometimes}, upstream: a}]"),
    (
        "a format nobody reads",
        "routes: [{name: r, listener: egress, redact: {format: avro, records: keep, digests: sign}, upstream: a}]",
    ),
    ("streams without anything", "streams: [{}]"),
    (
        "streams that are wrong",
        "streams:\n  - {name: s, listen: '127.0.0.1:514', format: gelf, to: h}\n  - {name: s, listen: '127.0.0.1:514', format: syslog, to: 'h:514', records: some}\n  - {name: s, listen: '127.0.0.1:514', format: forward, to: '[::1]:514'}",
    ),
    ("roles without keys", "routes: [{name: r, listener: egress, roles: [admin], upstream: a}]"),
    ("no role", "routes: [{name: r, listener: egress, roles: [], upstream: a}]"),
    (
        "a path of a field with a space",
        "routes: [{name: r, listener: egress, websocket: true, allow_fields: [a b], upstream: a}]",
    ),
    ("fields of no WebSocket", "routes: [{name: r, listener: egress, allow_fields: [a], upstream: a}]"),
    (
        "a WebSocket on a shared connection",
        "upstreams: {a: {url: 'http://h:1', protocol: h2c}}\nroutes: [{name: a, listener: egress, upstream: a, websocket: true}]",
    ),
    ("FIX to nowhere", "fix: [{name: f, listen: '127.0.0.1:1'}]"),
    ("FIX to no port", "fix: [{name: f, listen: '127.0.0.1:1', connect: venue}]"),
    ("FIX for no network", "fix: [{name: f, listen: '127.0.0.1:1', connect: 'v:1', allow: [somewhere]}]"),
    (
        "one name for two FIX listeners",
        "fix: [{name: f, listen: '127.0.0.1:1', connect: 'v:1'}, {name: f, listen: '127.0.0.1:2', connect: 'v:1'}]",
    ),
    ("an unknown pack", "routes: [{name: r, listener: egress, orders: {pack: mtgox}, upstream: a}]"),
    ("neither pack nor rules", "routes: [{name: r, listener: egress, orders: {unknown: deny}, upstream: a}]"),
    (
        "another fate for the unknown",
        "routes: [{name: r, listener: egress, orders: {pack: okx, unknown: allow}, upstream: a}]",
    ),
    ("an unknown scope", "routes: [{name: r, listener: egress, orders: {pack: okx}, scopes: [desk:a], upstream: a}]"),
    ("scopes without orders", "routes: [{name: r, listener: egress, scopes: [fleet], upstream: a}]"),
    (
        "rules that are wrong",
        "routes:\n  - name: r\n    listener: egress\n    upstream: a\n    orders:\n      rules:\n        rules:\n          - {methods: [get], paths: [a], class: buying}\n          - {methods: [POST], paths: [/a], class: batch}\n          - {methods: [POST], paths: [/a], class: cancel, legs: [{class: batch}]}\n          - {}",
    ),
    ("a secret in the open", "secrets: [{name: s, ref: abcdef}]"),
    ("a secret in a relative file", "secrets: [{name: s, ref: 'file:secret'}]"),
    ("two secrets of a name", "secrets: [{name: s, ref: env:A}, {name: s, ref: env:B}]"),
    ("a key without a pepper", "identity: {keys: [{id: k, role: admin, hash: ab}]}"),
    ("a key of a strange role", "identity: {pepper: env:P, keys: [{id: k, role: root}]}"),
    ("a network with host bits", "identity: {pepper: env:P, keys: [{id: k, allow: [10.0.0.1/8, x, 10.0.0.0/33]}]}"),
    ("an unknown action", "detectors: {default_action: ignore, actions: {jwt: sing}}"),
    ("a signal to ALLOW", "signals: {auth_failures: {level: ALLOW, count: 0}}"),
    ("a relative sentinel", "safety: {sentinel: stop}"),
];
