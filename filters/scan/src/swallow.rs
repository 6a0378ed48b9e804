//! Secrets without a known end: what follows is swallowed byte by byte until the end comes, however far away.

use crate::class::{self, Class};
use crate::edit::MASK;
use crate::judge::Judge;
use crate::ruleset::Ruleset;

/// How a secret goes on.
#[derive(Debug, Clone)]
pub(crate) enum Swallow {
    /// As long as the bytes are of a class.
    Run(Class),
    /// To the closing quote; the bytes of a run of backslashes are counted.
    Quoted { quote: u8, slashes: usize, run: usize },
    /// To the end marker of a PEM block; `inline` ones end at a quote too.
    Pem { inline: bool, last: u64, ending: bool, slash: bool },
    /// Every scalar of a JSON value.
    Tree(Tree),
    /// To the end of the line: nothing in it was looked at.
    Rest(Rest),
    /// To a word of eight letters that stays, or the quote that ends the text it is in.
    Until { word: [u8; 8], last: u64, slash: bool },
    /// The lines of a YAML block: those indented deeper than its name.
    Block(Block),
}

/// A YAML block: `lines` and `column` count the line ends and the indentation that were not written yet.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    indent: usize,
    lines: usize,
    column: usize,
}

impl Block {
    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Step {
        match byte {
            b'\n' => {
                self.lines += 1;
                self.column = 0;
            }
            b' ' if self.lines > 0 => self.column += 1,
            b'\r' => {}
            _ if self.lines > 0 && self.column <= self.indent => {
                self.finish(out);
                return Step::Past;
            }
            _ => self.lines = 0,
        }
        Step::On
    }

    fn finish(&self, out: &mut Vec<u8>) {
        if self.lines > 0 {
            out.push(b'\n');
            out.extend(std::iter::repeat_n(b' ', self.column));
        }
    }
}

/// A line that was not looked at; a PEM block that begins in it is swallowed to its end, and what opens a value at the end of a line
/// takes the next line with it.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    last: u64,
    pem: bool,
    shown: bool,
}

impl Rest {
    /// Lets everything through.
    pub(crate) fn shown(self) -> Self {
        Self { shown: true, ..self }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Step {
        let opens = matches!(self.last.to_le_bytes().first(), Some(b':' | b'=' | b'{' | b'[' | b',' | b'\\'));
        if byte == b'\n' && !self.pem && !opens {
            return Step::Past;
        }
        if self.shown {
            out.push(byte);
        }
        if !matches!(byte, b'\n' | b'\r') {
            self.last = self.last << 8 | u64::from(byte);
        }
        match self.last {
            BEGIN => self.pem = true,
            END => self.pem = false,
            _ => {}
        }
        Step::On
    }
}

/// A JSON value whose scalars are masked while its structure stays.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    slashes: usize,
    /// The open brackets: true for an object.
    depth: Vec<bool>,
    run: usize,
    place: Place,
    key: bool,
    /// The key that is being read, and a little of it when it is too long to be kept.
    name: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Word { null: usize },
    Key,
    Text { empty: bool },
}

impl Swallow {
    pub(crate) fn quoted(quote: u8, slashes: usize, run: usize) -> Self {
        Self::Quoted { quote, slashes, run }
    }

    pub(crate) fn pem(inline: bool) -> Self {
        Self::Pem { inline, last: 0, ending: false, slash: false }
    }

    pub(crate) fn tree(slashes: usize) -> Self {
        Self::Tree(Tree { slashes, depth: Vec::new(), run: 0, place: Place::Between, key: false, name: Vec::new() })
    }

    pub(crate) fn until(word: &[u8; 8]) -> Self {
        Self::Until { word: *word, last: 0, slash: false }
    }

    pub(crate) fn block(indent: usize) -> Self {
        Self::Block(Block { indent, lines: 0, column: 0 })
    }

    pub(crate) fn rest() -> Self {
        Self::Rest(Rest { last: 0, pem: false, shown: false })
    }

    /// Takes bytes; says how many belonged to the secret, and whether it ended there.
    pub(crate) fn feed(&mut self, rules: &Ruleset, bytes: &[u8], out: &mut Vec<u8>) -> (usize, bool) {
        for (taken, byte) in bytes.iter().enumerate() {
            match self.step(rules, *byte, out) {
                Step::On => {}
                Step::Last => return (taken + 1, true),
                Step::Past => return (taken, true),
            }
        }
        (bytes.len(), false)
    }

    fn step(&mut self, rules: &Ruleset, byte: u8, out: &mut Vec<u8>) -> Step {
        match self {
            Self::Run(set) => past_if(!class::is(byte, *set)),
            Self::Quoted { quote, slashes, run } => {
                let closing = byte == *quote && closes(*run, *slashes);
                *run = if byte == b'\\' { *run + 1 } else { 0 };
                past_if(closing || byte == b'\n')
            }
            Self::Pem { inline, last, ending, slash } => {
                if *inline && !*slash && matches!(byte, b'"' | b'\'' | b'`' | b'&' | b'<') {
                    return Step::Past;
                }
                *slash = byte == b'\\' && !*slash;
                *last = *last << 8 | u64::from(byte);
                if *ending && *last & 0xff_ffff_ffff == DASHES {
                    return Step::Last;
                }
                if *last == END {
                    *ending = true;
                    *last = 0;
                }
                Step::On
            }
            Self::Tree(tree) => tree.step(rules, byte, out),
            Self::Rest(rest) => rest.step(byte, out),
            Self::Block(block) => block.step(byte, out),
            Self::Until { word, last, slash } => {
                if byte == b'"' && !*slash {
                    return Step::Past;
                }
                *slash = byte == b'\\' && !*slash;
                *last = *last << 8 | u64::from(byte);
                if *last != u64::from_be_bytes(*word) {
                    return Step::On;
                }
                out.push(b'\n');
                out.extend_from_slice(word);
                Step::Last
            }
        }
    }

    /// The stream ended in the middle: closes what was opened.
    pub(crate) fn finish(&mut self, rules: &Ruleset, out: &mut Vec<u8>) {
        match self {
            Self::Tree(tree) => {
                tree.end_word(out);
                tree.end_name(rules, out);
            }
            Self::Block(block) => block.finish(out),
            Self::Run(_) | Self::Quoted { .. } | Self::Pem { .. } | Self::Rest(_) | Self::Until { .. } => {}
        }
    }
}

enum Step {
    /// Part of the secret.
    On,
    /// The last byte of it.
    Last,
    /// No longer part of it.
    Past,
}

fn past_if(past: bool) -> Step {
    if past { Step::Past } else { Step::On }
}

/// Whether a quote after `run` backslashes closes a string that was opened by one after `slashes`. At a depth of n the opening quote
/// has 2ⁿ−1 backslashes, an escaped one inside 2ⁿ⁺¹−1, and a backslash inside is written as 2ⁿ⁺¹.
pub(crate) fn closes(run: usize, slashes: usize) -> bool {
    run < slashes || run % (2 * (slashes + 1)) == slashes
}

impl Tree {
    fn step(&mut self, rules: &Ruleset, byte: u8, out: &mut Vec<u8>) -> Step {
        let run = self.run;
        self.run = if byte == b'\\' { run + 1 } else { 0 };
        match self.place {
            Place::Text { empty } => self.text(byte, run, empty, out),
            Place::Key => {
                if byte == b'"' && closes(run, self.slashes) {
                    self.place = Place::Between;
                    self.end_name(rules, out);
                    out.push(byte);
                } else if self.name.len() <= LONGEST_NAME {
                    self.name.push(byte);
                }
                Step::On
            }
            Place::Between | Place::Word { .. } => self.between(byte, run, out),
        }
    }

    fn text(&mut self, byte: u8, run: usize, empty: bool, out: &mut Vec<u8>) -> Step {
        if byte == b'"' && closes(run, self.slashes) {
            if !empty || run > self.slashes {
                out.extend_from_slice(MASK);
            }
            self.quote(out);
            self.place = Place::Between;
            if run < self.slashes || self.depth.is_empty() {
                return Step::Last;
            }
        } else if byte != b'\\' {
            self.place = Place::Text { empty: false };
        }
        Step::On
    }

    fn between(&mut self, byte: u8, run: usize, out: &mut Vec<u8>) -> Step {
        if byte == b'\\' {
            return Step::On;
        }
        if byte == b'"' {
            self.end_word(out);
            if run < self.slashes {
                return Step::Past;
            }
            self.quote(out);
            self.place = if self.key { Place::Key } else { Place::Text { empty: true } };
            return Step::On;
        }
        if run > 0 && matches!(byte, b'n' | b'r' | b't') {
            self.end_word(out);
            out.extend(std::iter::repeat_n(b'\\', run));
            out.push(byte);
            return Step::On;
        }
        if class::is(byte, class::SPACE) || matches!(byte, b',' | b':' | b'[' | b']' | b'{' | b'}') {
            self.end_word(out);
            out.push(byte);
            return self.structure(byte);
        }
        self.place = match self.place {
            Place::Word { null } if NULL.get(null) == Some(&byte) => Place::Word { null: null + 1 },
            Place::Between if byte == b'n' => Place::Word { null: 1 },
            Place::Between | Place::Word { .. } | Place::Key | Place::Text { .. } => {
                Place::Word { null: NULL.len() + 1 }
            }
        };
        Step::On
    }

    fn structure(&mut self, byte: u8) -> Step {
        match byte {
            b'{' | b'[' if self.depth.len() < MAX_DEPTH => self.depth.push(byte == b'{'),
            b'}' | b']' => {
                self.depth.pop();
                self.key = false;
                if self.depth.is_empty() {
                    return Step::Last;
                }
                return Step::On;
            }
            _ => {}
        }
        if matches!(byte, b'{' | b'[' | b',') {
            self.key = self.depth.last().copied().unwrap_or_default();
        } else if byte == b':' {
            self.key = false;
        }
        Step::On
    }

    /// Keys stay, unless one is a secret itself.
    fn end_name(&mut self, rules: &Ruleset, out: &mut Vec<u8>) {
        let name = std::mem::take(&mut self.name);
        if name.len() > LONGEST_NAME || Judge::finds(rules, &name) {
            out.extend_from_slice(MASK);
        } else {
            out.extend_from_slice(&name);
        }
    }

    fn end_word(&mut self, out: &mut Vec<u8>) {
        if let Place::Word { null } = self.place {
            if null == NULL.len() {
                out.extend_from_slice(NULL);
            } else {
                self.quote(out);
                out.extend_from_slice(MASK);
                self.quote(out);
            }
            self.place = Place::Between;
        }
    }

    fn quote(&self, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(b'\\', self.slashes));
        out.push(b'"');
    }
}

const NULL: &[u8] = b"null";
const MAX_DEPTH: usize = 128;
const LONGEST_NAME: usize = 1024;
const BEGIN: u64 = u64::from_be_bytes(*b"---BEGIN");
const END: u64 = u64::from_be_bytes(*b"-----END");
const DASHES: u64 = 0x2d_2d2d_2d2d;
