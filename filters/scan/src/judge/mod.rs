//! The slow look at one place: is it a secret, and where does it begin and end?

mod apart;

mod auth;

mod command;

mod header;

mod named;

mod phrase;

mod plain;

mod proof;

mod reference;

mod region;

mod short;

pub(crate) mod table;

mod token;

mod url;

mod value;

use crate::class;
use crate::decode::LOOK_BACK;
use crate::edit::Edit;
use crate::finding::{Action, Shape};
use crate::hunt::{Asker, Hit, Kind, Range};
use crate::ruleset::Ruleset;
use crate::ruleset::pack::Engine;
use crate::swallow::Swallow;
use crate::view::View;
use crate::work::Work;
use table::Table;

/// Judges places of one stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'r> {
    pub(crate) rules: &'r Ruleset,
    pub(crate) shape: Shape,
    pub(crate) depth: usize,
    pub(crate) work: &'r Work,
}

/// What a place turned out to be.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) edits: Vec<Edit>,
    /// Decoded up to here: escapes before it need no second look.
    pub(crate) decoded: usize,
    /// Further places to be judged, behind this one.
    pub(crate) more: Vec<Hit>,
    /// A table starts.
    pub(crate) table: Option<Table>,
}

impl Verdict {
    /// Nothing was found, though not everything was seen if the view was starved.
    pub(crate) fn is_open(&self) -> bool {
        self.edits.is_empty() && self.decoded == 0 && self.more.is_empty()
    }
}

impl From<Option<Edit>> for Verdict {
    fn from(edit: Option<Edit>) -> Self {
        Self { edits: edit.into_iter().collect(), ..Self::default() }
    }
}

/// What earlier verdicts on the same text left to the next one.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// Escapes were decoded up to here.
    pub(crate) decoded: usize,
    /// The table whose rows may follow.
    table: Option<Table>,
}

impl Before {
    /// Takes what `verdict`, on `hit`, leaves to those behind it, and adds its places to `hits`, which are sorted.
    pub(crate) fn learn(&mut self, hit: Hit, verdict: &mut Verdict, hits: &mut Vec<Hit>) {
        self.decoded = self.decoded.max(verdict.decoded);
        if hit.kind == Kind::Row && verdict.more.is_empty() && verdict.edits.is_empty() {
            self.table = None;
        }
        if verdict.table.is_some() {
            self.table = verdict.table.take();
        }
        for more in verdict.more.drain(..) {
            insert(hits, more);
        }
    }

    /// What was too long to be a row ended before `at`: the table goes on there.
    pub(crate) fn resume(&self, at: usize, hits: &mut Vec<Hit>) {
        if self.table.is_some() {
            insert(hits, Hit { at, kind: Kind::Row });
        }
    }
}

fn insert(hits: &mut Vec<Hit>, hit: Hit) {
    if let Err(place) = hits.binary_search(&hit) {
        hits.insert(place, hit);
    }
}

impl Judge<'_> {
    /// The verdict on one place. It holds only if the view was not starved.
    pub(crate) fn judge(&self, view: &View<'_>, hit: Hit, before: &Before) -> Verdict {
        let table = before.table.as_ref();
        if hit.kind.is_encoded() && !matches!(hit.kind, Kind::Literal(_)) && hit.at < before.decoded {
            return Verdict::default();
        }
        match hit.kind {
            Kind::Known(needle) => self.known(view, hit.at, needle).into(),
            Kind::Cell(column) => table.and_then(|table| self.cell(view, hit.at, (table, column))).into(),
            Kind::Row => table.and_then(|table| self.row(view, hit.at, table)).unwrap_or_default(),
            Kind::Literal(bucket) => self.literal(view, hit.at, bucket, before.decoded),
            Kind::Dot => self.address(view, hit.at).into(),
            Kind::Run => self.run(view, hit.at).into(),
            Kind::Words => self.phrases(view, hit.at),
            Kind::Base64(phase) => self.base64_text(view, hit.at, usize::from(phase)),
            Kind::Hex(phase) => self.hex_text(view, hit.at, usize::from(phase)),
            Kind::Separator => self.separator(view, hit.at).into(),
            Kind::Percent => self.percent(view, hit.at),
            Kind::Zero => self.utf16(view, hit.at),
        }
    }

    fn known(&self, view: &View<'_>, at: usize, needle: usize) -> Option<Edit> {
        let (detector, end) = self.rules.known.find(view, at, needle)?;
        let start = at.max(view.floor());
        if start >= end {
            return None;
        }
        let confidence = crate::finding::Confidence::High;
        Some(Edit::new(self.rules, view, (start, end), detector).sure(confidence))
    }

    fn literal(&self, view: &View<'_>, at: usize, bucket: usize, decoded: usize) -> Verdict {
        let mut best: Option<Edit> = None;
        for asker in self.rules.hunt.askers(bucket) {
            let edit = match asker {
                Asker::Pattern(index) => self.pattern(view, at, index),
                Asker::Engine(Engine::Pem) => self.pem(view, at),
                Asker::Engine(Engine::Jwt) => self.jwt(view, at),
                Asker::Engine(Engine::Basic) => self.basic(view, at),
                Asker::Engine(Engine::Bearer) => self.bearer(view, at),
                Asker::Engine(Engine::Putty) => self.putty(view, at),
                Asker::Engine(Engine::Command) => self.command(view, at),
                Asker::Engine(Engine::Discord) => self.discord(view, at),
                Asker::Engine(Engine::Pgpass) => self.pgpass(view, at),
                Asker::Engine(
                    Engine::UrlPassword
                    | Engine::Fix
                    | Engine::Wif
                    | Engine::Stellar
                    | Engine::Nats
                    | Engine::Xrp
                    | Engine::Ipv4
                    | Engine::Phrase
                    | Engine::Iban
                    | Engine::Mailgun,
                ) => None,
                Asker::Authority => None,
                Asker::Engine(Engine::FieldName) => match self.table(view, at) {
                    Some(verdict) => return verdict,
                    None => self.short(view, at).or_else(|| self.apart(view, at)),
                },
                Asker::Escape | Asker::Entity if at < decoded => None,
                Asker::Escape | Asker::Entity => {
                    if best.is_none() {
                        return self.escaped(view, at, asker == Asker::Entity);
                    }
                    None
                }
            };
            let better = match (&best, &edit) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(old), Some(new)) => new.end > old.end,
            };
            if better {
                best = edit;
            }
        }
        best.into()
    }

    /// The word at `at` cannot be told for certain: it and what follows is not let through.
    pub(crate) fn unscanned(&self, view: &View<'_>, at: usize) -> Verdict {
        let start = view.run_back(at, class::BARE, LOOK_BACK).max(view.floor());
        Some(Edit::open((start, start), self.rules.unscanned, Swallow::rest())).into()
    }

    /// Whether there is anything to be masked in a text that stands alone.
    pub(crate) fn finds(rules: &Ruleset, text: &[u8]) -> bool {
        let work = Work::of(text, 0);
        let judge = Judge { rules, shape: Shape::Text, depth: 0, work: &work };
        let masked = |edit: &Edit| rules.action(edit.detector) != Action::Alert;
        judge.all(text).iter().any(masked) || work.exhausted()
    }

    /// Everything in a whole text; the whole of it, where it is encoded too deep to be looked into.
    pub(crate) fn all(&self, bytes: &[u8]) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        if self.depth > MAX_DEPTH {
            edits.push(
                Edit::new(self.rules, &View::whole(bytes, self.work), (0, bytes.len()), self.rules.unscanned).plain(),
            );
            return edits;
        }
        self.work.read(bytes.len());
        let mut hits = Vec::new();
        let range = Range { start: 0, limit: bytes.len(), base: 0 };
        let rules = self.rules;
        rules.hunt.find(rules, bytes, range, &mut hits);
        let mut floor = 0;
        let mut before = Before::default();
        let mut next = 0;
        while let Some(hit) = hits.get(next).copied() {
            next += 1;
            if self.work.exhausted() {
                break;
            }
            if hit.at < floor && !matches!(hit.kind, Kind::Known(_)) {
                continue;
            }
            let view = View::new(bytes, floor, self.work).ended(true);
            let mut verdict = self.judge(&view, hit, &before);
            before.learn(hit, &mut verdict, &mut hits);
            for edit in verdict.edits {
                if rules.action(edit.detector) != Action::Alert {
                    floor = floor.max(edit.end);
                }
                edits.push(edit);
            }
        }
        edits
    }
}

/// Encodings within encodings that are looked into.
const MAX_DEPTH: usize = 3;
