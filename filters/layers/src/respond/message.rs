use sekisho_policy::{OrderRules, Refusal};

use super::answer::{problem, told};
use crate::DecisionId;

/// The answer to a message of a connection that has left HTTP: in the venue's own shape, with the id of `text`, the message,
/// where `rules` have a shape; else the problem details alone.
#[must_use]
pub fn refused_message(refusal: &Refusal, decision: DecisionId, rules: Option<&OrderRules>, text: &str) -> String {
    let decision = decision.text();
    let problem = problem(refusal, refusal.status_for_order(), &decision);
    let shaped = rules.and_then(|rules| rules.refused_message(text, &told(refusal, &decision), &problem));
    shaped.unwrap_or(problem)
}

/// A refusal in one line of plain ASCII, for protocols that have a field for one.
#[must_use]
pub fn line(refusal: &Refusal, decision: DecisionId) -> String {
    told(refusal, &decision.text())
}
