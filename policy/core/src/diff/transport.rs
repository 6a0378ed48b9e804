//! Where connections come from and go to. All of it is read at the start alone; files that it names are followed.

use super::{Diff, Difference, Means, within};
use crate::sections::{ClientCertificates, ListenerTls, Listeners, StreamPolicy, Upstream, UpstreamTls};

impl Diff {
    pub(super) fn listeners(&mut self, before: &Listeners, now: &Listeners) {
        let Listeners {
            ingress,
            egress,
            admin,
            health,
            ingress_tls,
            egress_tls,
            health_tls,
            trusted_hops,
            proxy_protocol,
        } = before;
        let addresses = (*ingress, *egress, *admin, *health);
        let moved = addresses != (now.ingress, now.egress, now.admin, now.health);
        self.start("listeners", moved);
        for (name, before, now) in [
            ("ingress_tls", ingress_tls, &now.ingress_tls),
            ("egress_tls", egress_tls, &now.egress_tls),
            ("health_tls", health_tls, &now.health_tls),
        ] {
            self.listener_tls(&format!("listeners.{name}"), before.as_ref(), now.as_ref());
        }
        let hops = match (within(&now.trusted_hops, trusted_hops), within(trusted_hops, &now.trusted_hops)) {
            (true, true) => None,
            (true, false) => Some(Means::Tighter),
            (false, _) => Some(Means::Looser),
        };
        self.anew("listeners.trusted_hops", hops, "proxies whose word is taken");
        let spoken = (*proxy_protocol != now.proxy_protocol).then_some(Means::Looser);
        self.anew("listeners.proxy_protocol", spoken, "who opened a connection is read elsewhere");
    }

    fn listener_tls(&mut self, path: &str, before: Option<&ListenerTls>, now: Option<&ListenerTls>) {
        let (before, now) = match (before, now) {
            (Some(before), Some(now)) => (before, now),
            (before, now) => return self.anew(path, on(before.is_some(), now.is_some()), "TLS is spoken, or not"),
        };
        let ListenerTls { certificates, min_version, clients } = before;
        let other = (*certificates != now.certificates).then_some(Means::Looser);
        self.anew(&format!("{path}.certificates"), other, "others are shown");
        self.anew(&format!("{path}.min_version"), more(min_version, &now.min_version), "the oldest version spoken");
        let asked = match (clients, &now.clients) {
            (Some(before), Some(now)) => before.becomes(now),
            (before, now) => on(before.is_some(), now.is_some()),
        };
        self.anew(&format!("{path}.client_ca"), asked, "clients that are believed, or asked");
    }

    pub(super) fn upstreams(&mut self, before: &[Upstream], after: &[Upstream]) {
        for upstream in before {
            let path = format!("upstreams.{}", upstream.name);
            match after.iter().find(|now| now.name == upstream.name) {
                None => self.anew(&path, Some(Means::Neutral), "it is gone"),
                Some(now) => self.upstream(&path, upstream, now),
            }
        }
        for now in after.iter().filter(|now| !before.iter().any(|upstream| upstream.name == now.name)) {
            self.anew(&format!("upstreams.{}", now.name), Some(Means::Looser), "it is new");
        }
    }

    fn upstream(&mut self, path: &str, before: &Upstream, now: &Upstream) {
        let Upstream { name: _, host, port, more: others, preserve_host, protocol, tls, retries, health_check } =
            before;
        let there = (host, port, others, preserve_host, protocol)
            == (&now.host, &now.port, &now.more, &now.preserve_host, &now.protocol);
        self.anew(path, (!there).then_some(Means::Looser), "it is elsewhere, or spoken to otherwise");
        let again = (*retries != now.retries).then_some(Means::Neutral);
        self.anew(&format!("{path}.retries"), again, "how often what failed is sent again");
        let asked = (*health_check != now.health_check).then_some(Means::Neutral);
        self.anew(&format!("{path}.health_check"), asked, "how its servers are asked whether they are well");
        self.upstream_tls(&format!("{path}.tls"), tls.as_ref(), now.tls.as_ref());
    }

    pub(super) fn upstream_tls(&mut self, path: &str, before: Option<&UpstreamTls>, now: Option<&UpstreamTls>) {
        let (before, now) = match (before, now) {
            (Some(before), Some(now)) => (before, now),
            (before, now) => return self.anew(path, on(before.is_some(), now.is_some()), "TLS is spoken, or not"),
        };
        let UpstreamTls { ca, name, spiffe_id, certificate, min_version } = before;
        self.anew(&format!("{path}.min_version"), more(min_version, &now.min_version), "the oldest version spoken");
        let believed = match (ca, &now.ca) {
            (before, now) if before == now => None,
            (None, Some(_)) => Some(Means::Tighter),
            (Some(_), _) | (None, None) => Some(Means::Looser),
        };
        self.anew(&format!("{path}.ca"), believed, "authorities that are believed");
        let meant = (name, spiffe_id) == (&now.name, &now.spiffe_id);
        self.anew(&format!("{path}.name"), (!meant).then_some(Means::Looser), "another name is looked for");
        let other = (*certificate != now.certificate).then_some(Means::Looser);
        self.anew(&format!("{path}.certificate"), other, "another is shown");
    }

    pub(super) fn streams(&mut self, before: &[StreamPolicy], after: &[StreamPolicy]) {
        for stream in before {
            let path = format!("streams.{}", stream.name);
            let Some(now) = after.iter().find(|now| now.name == stream.name) else {
                self.anew(&path, Some(Means::Neutral), "it is gone");
                continue;
            };
            let StreamPolicy { name: _, listen, format, host, port, tls, records } = stream;
            let same = (listen, format, host, port) == (&now.listen, &now.format, &now.host, &now.port);
            self.anew(&path, (!same).then_some(Means::Looser), "it is elsewhere, or spoken otherwise");
            self.upstream_tls(&format!("{path}.tls"), tls.as_ref(), now.tls.as_ref());
            self.anew(&format!("{path}.records"), more(records, &now.records), "what becomes of a bad record");
        }
        for now in after.iter().filter(|now| !before.iter().any(|stream| stream.name == now.name)) {
            self.anew(&format!("streams.{}", now.name), Some(Means::Looser), "it is new");
        }
    }

    /// Something that is read at the start alone, if it differs.
    pub(super) fn anew(&mut self, path: &str, means: Option<Means>, what: &str) {
        let difference = |means| Difference { path: path.to_owned(), means, restart: true, what: what.to_owned() };
        self.found.extend(means.map(difference));
    }
}

impl ClientCertificates {
    fn becomes(&self, now: &Self) -> Option<Means> {
        let Self { ca, crls, required } = self;
        let strict = *ca == now.ca && within(crls, &now.crls) && *required <= now.required;
        (self != now).then_some(if strict { Means::Tighter } else { Means::Looser })
    }
}

/// Something that protects when it is there.
fn on(before: bool, now: bool) -> Option<Means> {
    (before != now).then_some(if now { Means::Tighter } else { Means::Looser })
}

/// Something that protects the more of it there is.
pub(super) fn more<T: PartialOrd>(before: &T, now: &T) -> Option<Means> {
    (before != now).then_some(if now > before { Means::Tighter } else { Means::Looser })
}
