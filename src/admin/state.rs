use std::net::IpAddr;

use http::{HeaderMap, Response, StatusCode};
use sekisho_filters::Body;
use sekisho_filters::order_gate::SafetyView;
use sekisho_policy::{Operation, Refusal};
use sekisho_safety::{Cause, Level, Mode, Scope, Source, Switch};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Admin, reply};
use crate::control::safety::now_ms;
use crate::control::sweeps::{Status, SweepView};

/// What `POST /v1/tighten` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tighten {
    #[serde(default = "fleet")]
    scope: Scope,
    #[serde(default)]
    switch: Option<Switch>,
    #[serde(default)]
    mode: Option<Mode>,
    reason: String,
}

fn sweep(view: &SweepView) -> Value {
    let resting = match view.status {
        Status::Resting(count) => Some(count),
        Status::None => Some(0),
        Status::Idle | Status::Unknown => None,
    };
    json!({
        "name": view.name,
        "scope": view.scope,
        "status": view.status.as_str(),
        "resting": resting,
        "since_ms": view.since_ms,
        "looked_ms": view.looked_ms,
    })
}

fn fleet() -> Scope {
    Scope::Fleet
}

#[derive(Serialize)]
struct Tightened {
    scope: Scope,
    before: Level,
    after: Level,
    epoch: String,
    changed: bool,
    durable: bool,
    settled: bool,
}

impl Admin {
    pub(super) fn show_state(&self) -> Response<Body> {
        let state = self.safety.state();
        let effective = self.safety.effective(&[]);
        let scopes: Vec<Value> = state
            .scopes()
            .map(|view| {
                json!({ "scope": view.scope, "epoch": view.epoch, "level": view.level, "posture": view.level.posture(), "sources": view.sources })
            })
            .collect();
        reply::json(
            StatusCode::OK,
            &json!({
                "posture": effective.posture,
                "level": effective.level,
                "scope": effective.scope,
                "epoch": effective.epoch,
                "stored": self.safety.is_stored(),
                "unverified_at_start": self.unverified,
                "scopes": scopes,
                "releases": self.releases.waiting(),
                "sweeps": self.sweeps.all().iter().map(sweep).collect::<Vec<_>>(),
                "journal": { "ok": self.journal.health().is_ok(), "sealed_records": self.journal.sealed_size() },
                "policy_hash": self.reload.hash(),
            }),
        )
    }

    pub(super) async fn tighten(&self, headers: &HeaderMap, peer: IpAddr, asked: Tighten) -> Response<Body> {
        let principal = match self.may(headers, peer, Operation::Tighten, &asked.scope) {
            Ok(principal) => principal,
            Err(refusal) => return self.no(&refusal),
        };
        let level = Level {
            switch: asked.switch.unwrap_or(if asked.mode.is_some() { Switch::Allow } else { Switch::Block }),
            mode: asked.mode.unwrap_or(Mode::Normal),
            ..Level::OPEN
        };
        let cause = Cause {
            source: Source::Operator,
            actor: principal.key.person.clone(),
            reason: asked.reason,
            at_ms: now_ms(),
        };
        let acknowledged = self.safety.tighten(asked.scope, level, cause).await;
        let change = acknowledged.change;
        let told = Tightened {
            changed: change.changed(),
            scope: change.scope,
            before: change.before,
            after: change.after,
            epoch: change.epoch.to_string(),
            durable: acknowledged.durable,
            settled: acknowledged.settled,
        };
        // In force either way; 202 says that it is not yet all that an acknowledgement promises.
        let held = acknowledged.durable && acknowledged.settled;
        reply::json(if held { StatusCode::OK } else { StatusCode::ACCEPTED }, &told)
    }

    pub(super) fn no(&self, refusal: &Refusal) -> Response<Body> {
        reply::refused(refusal, self.decisions.next())
    }
}
