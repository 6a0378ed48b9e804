//! Log protocols that are not HTTP: where they come in, and where they go on to.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{UpstreamTls, UpstreamTlsWritten};
use super::upstreams::valid_host;
use crate::bodies::BadRecords;
use crate::check::Checker;
use crate::written::{Address, At, Raw, RecordWord, StreamWord, Text};

/// A log protocol over TCP.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StreamWritten {
    /// The name that the journal and metrics use for it.
    pub(crate) name: Option<Raw<Text>>,
    /// Where connections are accepted.
    pub(crate) listen: Option<Raw<Address>>,
    /// `syslog`, counted or by lines, or `forward`, as Fluentd and Fluent Bit speak it.
    pub(crate) format: Option<Raw<StreamWord>>,
    /// `HOST:PORT` of the receiver.
    pub(crate) to: Option<Raw<Text>>,
    /// Speaks TLS with the receiver: whom to believe, and what to show. `{}` believes whom the system trusts. Absent: no TLS.
    pub(crate) tls: Option<At<UpstreamTlsWritten>>,
    /// What becomes of a record that holds a secret. Default mask; `block` ends the connection.
    pub(crate) records: Option<Raw<RecordWord>>,
}

/// A log protocol over TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPolicy {
    /// The name that the journal and metrics use for it.
    pub name: Arc<str>,
    /// Where connections are accepted.
    pub listen: SocketAddr,
    /// What is spoken on it.
    pub format: StreamFormat,
    /// The receiver's host.
    pub host: String,
    /// The receiver's port.
    pub port: u16,
    /// How TLS is spoken with it. None: not at all.
    pub tls: Option<UpstreamTls>,
    /// What becomes of a record that holds a secret.
    pub records: BadRecords,
}

/// What is spoken on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// Syslog over TCP.
    Syslog,
    /// Fluentd's forward protocol.
    Forward,
}

pub(crate) fn check_streams(written: &[At<StreamWritten>], checker: &mut Checker) -> Vec<StreamPolicy> {
    let (mut names, mut ports, mut streams) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (index, stream) in written.iter().enumerate() {
        let path = format!("streams[{index}]");
        let Some(checked) = check(stream, &path, checker) else { continue };
        if !names.insert(Arc::clone(&checked.name)) {
            checker.wrong(stream.place, &format!("{path}.name"), "expected a name that no other stream has");
        }
        if checked.listen.port() != 0 && !ports.insert(checked.listen.port()) {
            checker.wrong(stream.place, &format!("{path}.listen"), "expected a port that no other stream has");
        }
        streams.push(checked);
    }
    streams
}

fn check(stream: &At<StreamWritten>, path: &str, checker: &mut Checker) -> Option<StreamPolicy> {
    let StreamWritten { name, listen, format, to, tls, records } = &stream.value;
    let field = |name: &str| format!("{path}.{name}");
    let name = checker.needed(name.as_ref(), stream.place, &field("name"));
    let name = name.map(|raw| checker.name(raw, &field("name")));
    let listen = checker.needed(listen.as_ref(), stream.place, &field("listen"));
    let listen = listen.and_then(|raw| checker.address(Some(raw), &field("listen")));
    let format = checker.needed(format.as_ref(), stream.place, &field("format"));
    let format = format.and_then(|raw| checker.choice(raw, &field("format"), &FORMATS));
    let to = checker.needed(to.as_ref(), stream.place, &field("to"));
    let to = to.and_then(|raw| {
        let receiver = receiver(raw.text());
        if receiver.is_none() {
            checker.wrong(raw.place(), &field("to"), "expected HOST:PORT");
        }
        receiver
    });
    let records = records.as_ref().and_then(|raw| checker.choice(raw, &field("records"), &BadRecords::WORDS));
    let tls = tls.as_ref().map(|tls| tls.value.check(&field("tls"), checker));
    let (host, port) = to?;
    Some(StreamPolicy {
        name: name?.into(),
        listen: listen?,
        format: format?,
        host,
        port,
        tls,
        records: records.unwrap_or_default(),
    })
}

fn receiver(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    valid_host(host).then(|| (bare.to_ascii_lowercase(), port))
}

const FORMATS: [(&str, StreamFormat); 2] = [("syslog", StreamFormat::Syslog), ("forward", StreamFormat::Forward)];
