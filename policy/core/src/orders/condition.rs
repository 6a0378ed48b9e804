//! Fields, and what rules ask of them.

use std::collections::{BTreeMap, BTreeSet};

/// Fields of a message, or of one of its legs.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'m>(Vec<(&'m str, &'m str)>);

impl<'m> Fields<'m> {
    pub(super) fn new(pairs: &'m [(String, String)]) -> Self {
        Self(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
    }

    pub(super) fn with(mut self, other: &'m [(String, String)]) -> Self {
        self.0.extend(Self::new(other).0);
        self
    }

    /// The first of these names that is there.
    pub(super) fn first(&self, names: &[String]) -> Option<&'m str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// How often one of these names is there, in whatever case.
    pub(super) fn times(&self, names: &[String]) -> usize {
        self.0.iter().filter(|(ours, _)| names.iter().any(|name| name.eq_ignore_ascii_case(ours))).count()
    }

    pub(super) fn get(&self, name: &str) -> Option<&'m str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    /// Whether there is such a field, or one within it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(other, _)| other.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// Those beneath `prefix.`, by what is left of their names.
    pub(super) fn beneath(&self, prefix: &str) -> Self {
        let inner = |(name, value): &(&'m str, &'m str)| {
            Some((if prefix.is_empty() { *name } else { name.strip_prefix(prefix)?.strip_prefix('.')? }, *value))
        };
        Self(self.0.iter().filter_map(inner).collect())
    }

    /// The elements of a list of objects beneath `prefix`. `None`, when it is no such list.
    pub(super) fn elements(&self, prefix: &str) -> Option<Vec<Self>> {
        let mut elements: BTreeMap<usize, Vec<(&str, &str)>> = BTreeMap::new();
        let list = self.beneath(prefix).0;
        if self.get(prefix).is_some() || list.is_empty() {
            return None;
        }
        for (name, value) in list {
            let (index, name) = name.split_once('.')?;
            if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            elements.entry(index.parse().ok()?).or_default().push((name, value));
        }
        Some(elements.into_values().map(Self).collect())
    }

    /// Values of fields whose own name, without the path to it, is one of these.
    pub(super) fn named<'s>(&'s self, names: &'s [String]) -> impl Iterator<Item = &'m str> + 's {
        let own = |name: &'m str| name.rsplit_once('.').map_or(name, |(_, own)| own);
        self.0.iter().filter(move |(name, _)| names.iter().any(|wanted| wanted == own(name))).map(|(_, value)| *value)
    }

    /// A name that is there twice, or twice but for its case: servers differ in which they read.
    pub(super) fn twice(&self) -> Option<&'m str> {
        let mut seen = BTreeSet::new();
        self.0.iter().find(|(name, _)| !seen.insert(name.to_ascii_lowercase())).map(|(name, _)| *name)
    }
}

/// What a rule asks of fields. All of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// The field has one of these values, spelled exactly so.
    pub(super) when: Vec<(String, Vec<String>)>,
    /// The field has one of these values, or is not there.
    pub(super) if_present: Vec<(String, Vec<String>)>,
    /// The field is a whole number above zero, written plainly.
    pub(super) positive: Vec<String>,
    /// There is such a field.
    pub(super) present: Vec<String>,
    /// There is none.
    pub(super) absent: Vec<String>,
    /// The field has none of these values; it need not be there.
    pub(super) unless: Vec<(String, Vec<String>)>,
}

impl Condition {
    pub(super) fn holds(&self, fields: &Fields<'_>) -> bool {
        let equal = |(name, values): &(String, Vec<String>)| {
            fields.get(name).is_some_and(|value| values.iter().any(|wanted| fits(wanted, value)))
        };
        let positive = |name: &String| fields.get(name).is_some_and(plainly_positive);
        self.when.iter().all(equal)
            && self.if_present.iter().all(|asked| !fields.has(&asked.0) || equal(asked))
            && self.positive.iter().all(positive)
            && self.present.iter().all(|name| fields.has(name))
            && !self.absent.iter().any(|name| fields.has(name))
            && !self.unless.iter().any(equal)
    }

    /// Whether it holds for anything.
    pub(super) fn is_empty(&self) -> bool {
        let Self { when, if_present, positive, present, absent, unless } = self;
        let values = when.is_empty() && if_present.is_empty() && unless.is_empty();
        values && positive.is_empty() && present.is_empty() && absent.is_empty()
    }
}

/// Whether a value is the one that is wanted: spelled exactly so, or ending as one that begins with `*` does.
fn fits(wanted: &str, value: &str) -> bool {
    match wanted.strip_prefix('*') {
        Some(end) => value.ends_with(end),
        None => wanted == value,
    }
}

/// Neither `0` nor anything that a server might read as zero: `00`, `0x0`, `-1`, `1e-9`.
fn plainly_positive(text: &str) -> bool {
    text.len() <= 18 && !text.starts_with('0') && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
