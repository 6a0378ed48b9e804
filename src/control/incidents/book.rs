use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use sekisho_safety::{Incident, Name, Opening, Scope, Sev};

use crate::control::safety::now_ms;
use crate::control::sealed;

/// Incidents in memory, by number.
#[derive(Debug)]
pub(super) struct Book {
    pages: BTreeMap<u64, Page>,
    next: u64,
    shown: usize,
}

#[derive(Debug)]
struct Page {
    incident: Incident,
    /// How often it has changed, and what of that is on the disk.
    version: u64,
    written: u64,
}

impl Book {
    /// Reads every incident below `dir`, and the names of those that do not verify.
    pub(super) fn read(dir: &Path, shown: usize, respond_ms: &dyn Fn(Sev) -> u64) -> io::Result<(Self, Vec<String>)> {
        sealed::private_dir(dir)?;
        let mut book = Self { pages: BTreeMap::new(), next: 1, shown };
        let mut torn = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let (Some(number), Ok(id)) = (number(&name), name.parse::<Name>()) else { continue };
            book.next = book.next.max(number.saturating_add(1));
            let found = sealed::read::<Incident>(&dir.join(&name));
            let incident = found.ok().flatten().filter(|incident| incident.id == id).unwrap_or_else(|| {
                torn.push(name);
                Incident::open(id, unreadable(), now_ms(), respond_ms(Sev::Sev1))
            });
            book.pages.insert(number, Page { incident, version: 0, written: 0 });
        }
        book.forget();
        Ok((book, torn))
    }

    pub(super) fn next_name(&mut self) -> Name {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        Name::numbered("inc", number)
    }

    pub(super) fn put(&mut self, incident: Incident) {
        let Some(number) = number(incident.id.as_str()) else { return };
        match self.pages.get_mut(&number) {
            Some(page) => {
                page.incident = incident;
                page.version = page.version.saturating_add(1);
            }
            None => drop(self.pages.insert(number, Page { incident, version: 1, written: 0 })),
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<&Incident> {
        self.pages.get(&number(id)?).map(|page| &page.incident)
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &Incident> {
        self.pages.values().map(|page| &page.incident).filter(|incident| incident.is_open())
    }

    pub(super) fn all(&self) -> Vec<(Incident, bool)> {
        self.pages.values().map(|page| (page.incident.clone(), page.version == page.written)).collect()
    }

    pub(super) fn unwritten(&self) -> Vec<(Incident, u64)> {
        let changed = self.pages.values().filter(|page| page.version != page.written);
        changed.map(|page| (page.incident.clone(), page.version)).collect()
    }

    pub(super) fn has_unwritten(&self) -> bool {
        self.pages.values().any(|page| page.version != page.written)
    }

    pub(super) fn written(&mut self, id: &Name, version: u64) {
        if let Some(page) = number(id.as_str()).and_then(|number| self.pages.get_mut(&number)) {
            page.written = page.written.max(version);
        }
        self.forget();
    }

    /// Closed ones beyond what is shown stay on the disk alone.
    fn forget(&mut self) {
        let over = |page: &Page| !page.incident.is_open() && page.version == page.written;
        let closed: Vec<u64> = self.pages.iter().filter(|(_, page)| over(page)).map(|(number, _)| *number).collect();
        for number in closed.iter().take(closed.len().saturating_sub(self.shown)) {
            self.pages.remove(number);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn unreadable() -> Opening {
    Opening {
        severity: Sev::Sev1,
        scope: Scope::Fleet,
        title: "the file of this incident does not verify: look for what it was in the journal".to_owned(),
        by: "sekisho".to_owned(),
        rule: "incident.unreadable".parse().ok(),
        refs: Vec::new(),
    }
}

const PREFIX: &str = "inc-";
