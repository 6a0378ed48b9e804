//! Who cancels resting orders when a scope comes to BLOCK.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::{Name, Scope};
use serde::Deserialize;

use super::gates::{Probe, probe};
use crate::check::{Bounds, Checker};
use crate::written::{At, Place, Raw, ScopeText, Text, Time};

/// Somebody who can cancel what rests at a venue, and sign for it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SweepWritten {
    /// The scope that has to come to BLOCK. Default fleet.
    pub(crate) scope: Option<Raw<ScopeText>>,
    /// `http://HOST:PORT/PATH`, told by POST that all orders of the scope are to be cancelled; 2xx says that it has been asked of
    /// the venue.
    pub(crate) cancel: Option<Raw<Text>>,
    /// `http://HOST:PORT/PATH`, asked by GET how many orders rest: `{"resting": 0}`. Without it that is never known.
    pub(crate) resting: Option<Raw<Text>>,
    /// How often it is asked while BLOCK lasts, and how long an answer may take, from 100ms to 10m. Default 5s.
    pub(crate) every: Option<Raw<Time>>,
}

/// Who cancels the resting orders of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Its name in policy.
    pub name: Name,
    /// What has to come to BLOCK.
    pub scope: Scope,
    /// Who is told to cancel.
    pub cancel: Probe,
    /// Who is asked what rests; `None`: nobody knows.
    pub resting: Option<Probe>,
    /// How often, and how long an answer may take.
    pub every: Duration,
}

pub(crate) fn check_sweeps(written: &BTreeMap<String, At<SweepWritten>>, checker: &mut Checker) -> Vec<Sweep> {
    if written.len() > MOST {
        let first = written.values().next().map_or(Place::START, |sweep| sweep.place);
        checker.wrong(first, "sweeps", format!("expected at most {MOST} sweeps"));
    }
    written.iter().filter_map(|(name, sweep)| check(name, sweep, checker)).collect()
}

fn check(name: &str, sweep: &At<SweepWritten>, checker: &mut Checker) -> Option<Sweep> {
    let Ok(checked) = name.parse::<Name>() else {
        checker.wrong(sweep.place, "sweeps", "expected a name of 1 to 64 of A-Z a-z 0-9 . _ : @ -");
        return None;
    };
    let path = format!("sweeps.{name}");
    let SweepWritten { scope, cancel, resting, every } = &sweep.value;
    let scope = scope.as_ref().and_then(|raw| checker.scope(raw, &format!("{path}.scope")));
    let resting = resting.as_ref().and_then(|raw| probe(raw, &format!("{path}.resting"), checker));
    let bounds = Bounds { default: "5s", min: "100ms", max: "10m" };
    let every = checker.bounded(every.as_ref(), &format!("{path}.every"), bounds);
    let cancel = checker.needed(cancel.as_ref(), sweep.place, &format!("{path}.cancel"));
    let cancel = cancel.and_then(|raw| probe(raw, &format!("{path}.cancel"), checker))?;
    Some(Sweep { name: checked, scope: scope.unwrap_or(Scope::Fleet), cancel, resting, every })
}

const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Policy;

    fn sweeps(text: &str) -> Result<Vec<super::Sweep>, String> {
        let policy = Policy::parse("p", &format!("version: 1\nservice: s\nsweeps: {text}\n"));
        policy.map(|policy| policy.sweeps).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_sweep_is_somebody_who_cancels_and_perhaps_somebody_who_knows() {
        let sweep = sweeps("{desk: {scope: 'venue:a', cancel: 'http://s:1/c', resting: 'http://s:1/r', every: 1s}}");
        let sweep = sweep.unwrap().remove(0);
        assert_eq!((sweep.scope.to_string().as_str(), sweep.every), ("venue:a", Duration::from_secs(1)));
        assert_eq!((sweep.cancel.path.as_str(), sweep.resting.unwrap().path.as_str()), ("/c", "/r"));
        let least = sweeps("{desk: {cancel: 'http://s:1/c'}}").unwrap().remove(0);
        assert_eq!((least.scope.to_string().as_str(), least.resting), ("fleet", None));
    }

    #[test]
    fn what_is_no_sweep_is_said_with_its_place() {
        for (text, why) in [
            ("{a: {resting: 'http://s:1/r'}}", "p:3:13: sweeps.a.cancel: "),
            ("{a: {cancel: 'https://s:1/c'}}", "p:3:22: sweeps.a.cancel: expected http://HOST:PORT/PATH"),
            ("{'a b': {cancel: 'http://s:1/c'}}", "p:3:17: sweeps: expected a name of 1 to 64"),
            ("{a: {cancel: 'http://s:1/c', every: 1ms}}", "p:3:45: sweeps.a.every: expected a time"),
        ] {
            let told = sweeps(text).unwrap_err();
            assert!(told.starts_with(why), "{told}");
        }
    }
}
