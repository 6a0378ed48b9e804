//! What follows from a signal by policy.

use std::sync::Arc;

use sekisho_journal::{Event, EventType, Severity};
use sekisho_safety::{Cause, Name, Opening, Source};
use tokio::sync::mpsc;

use super::Containments;
use super::containments::{Ask, With};
use crate::control::safety::{now_ms, words};
use crate::control::signals::Raised;

/// Tightens, contains and opens incidents for whatever is raised, until nobody can raise anything any more. `told`
/// hears of each by name.
pub async fn contain(mut raised: mpsc::Receiver<Raised>, containments: Arc<Containments>, told: impl Fn(&Name)) {
    let With { journal, safety, incidents, .. } = containments.with().clone();
    while let Some(Raised { name, level, scope, incident, reason, measures }) = raised.recv().await {
        told(&name);
        let mut text = reason.clone();
        if let Some(level) = level {
            let source = Source::Signal(name.clone());
            let cause = Cause { source, actor: "sekisho".to_owned(), reason: reason.clone(), at_ms: now_ms() };
            let acknowledged = safety.tighten(scope.clone(), level, cause).await;
            let applied = Event::new(EventType::SecurityContainmentApplied, name.to_string())
                .with_severity(Severity::High)
                .with_input("scope", scope.to_string())
                .with_output("changed", acknowledged.change.changed())
                .with_output("durable", acknowledged.durable);
            journal.record(applied);
            text = format!("{reason}; {scope} is {}", words(acknowledged.change.after));
        }
        for measure in &measures {
            let (measure, by) = (measure.clone(), format!("signal:{name}"));
            let ask = Ask { measure, by, reason: reason.clone(), incident: None, rotate: false };
            match containments.apply(ask).await {
                Ok(applied) => {
                    text.push_str(&format!("; {} contains {}", applied.containment.id, applied.containment.measure))
                }
                Err(error) => tracing::error!("{name}: nothing is contained: {error}"),
            }
        }
        let serious = level.is_some() || !measures.is_empty();
        let mut alert = Event::new(EventType::SecurityAlertRaised, name.to_string())
            .with_severity(if serious { Severity::High } else { Severity::Medium })
            .with_input("reason", reason)
            .with_output("level", level.map(words).unwrap_or_default());
        if let Some(severity) = incident {
            let title = format!("{name}: {text}");
            let opening = Opening { severity, scope, title, by: "sekisho".to_owned(), rule: None, refs: Vec::new() };
            let id = incidents.open_by_rule(name, opening).await;
            alert = id.into_iter().fold(alert, |alert, id| alert.with_ref(id.to_string()));
        }
        journal.record(alert);
    }
}
