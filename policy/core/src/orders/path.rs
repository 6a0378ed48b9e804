//! Paths, and the patterns that rules write for them.

/// A pattern: `/v2/orders/{symbol}`. A segment is itself, `*` for any one, `get_*` for any that begins so, or `{name}` for
/// any one whose text is to be known by that name. `**` at the end stands for one segment or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// All of it up to the first segment that is not simply itself. Most paths fail here.
    lead: String,
    /// Whether that is the whole of it.
    exact: bool,
    segments: Vec<Segment>,
    rest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Exact(String),
    Prefix(String),
    Named(Option<String>),
}

impl Pattern {
    /// `None`, when it is no pattern.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "/" {
            return Some(Self { lead: text.to_owned(), exact: true, segments: Vec::new(), rest: false });
        }
        let text = text.strip_prefix('/')?;
        let (text, rest) = text.strip_suffix("**").map_or((text, false), |text| (text, true));
        let text = if rest { text.strip_suffix('/').unwrap_or(text) } else { text };
        if rest && text.is_empty() {
            return Some(Self::new(Vec::new(), rest));
        }
        let segments = text.split('/').map(Segment::parse).collect::<Option<_>>()?;
        Some(Self::new(segments, rest))
    }

    fn new(segments: Vec<Segment>, rest: bool) -> Self {
        let lead = segments.iter().map_while(|segment| match segment {
            Segment::Exact(text) => Some(format!("/{text}")),
            Segment::Prefix(_) | Segment::Named(_) => None,
        });
        let lead: Vec<String> = lead.collect();
        Self { exact: lead.len() == segments.len() && !rest, lead: lead.concat(), segments, rest }
    }

    /// The path, where it is the only one of this form.
    pub(super) fn written_out(&self) -> Option<&str> {
        self.exact.then_some(self.lead.as_str())
    }

    /// Whether a path has this form, and the segments that it names.
    pub(super) fn matches<'p>(&'p self, path: &'p str) -> Option<Vec<(&'p str, &'p str)>> {
        if self.exact {
            return (self.lead == path).then(Vec::new);
        }
        if !path.starts_with(&self.lead) {
            return None;
        }
        let mut parts = path.strip_prefix('/')?.split('/');
        let mut named = Vec::new();
        for segment in &self.segments {
            let part = parts.next()?;
            match segment {
                Segment::Exact(text) if text == part => {}
                Segment::Prefix(text) if part.starts_with(text) => {}
                Segment::Named(name) if !part.is_empty() => named.extend(name.as_deref().map(|name| (name, part))),
                Segment::Exact(_) | Segment::Prefix(_) | Segment::Named(_) => return None,
            }
        }
        (parts.next().is_some() == self.rest).then_some(named)
    }

    /// The same, in lower case: what a lenient server would take for it.
    pub(super) fn lower(&self) -> Self {
        let lower = |segment: &Segment| match segment {
            Segment::Exact(text) => Segment::Exact(text.to_ascii_lowercase()),
            Segment::Prefix(text) => Segment::Prefix(text.to_ascii_lowercase()),
            Segment::Named(name) => Segment::Named(name.clone()),
        };
        Self::new(self.segments.iter().map(lower).collect(), self.rest)
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Named(None));
        }
        if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            return plain(name).then(|| Self::Named(Some(name.to_owned())));
        }
        if let Some(prefix) = text.strip_suffix('*') {
            return plain(prefix).then(|| Self::Prefix(prefix.to_owned()));
        }
        plain(text).then(|| Self::Exact(text.to_owned()))
    }
}

/// Why a path may be read in two ways, if it may. A server may decode, merge, cut or resolve what is named here.
pub(super) fn aliased(path: &str) -> Option<&'static str> {
    if is_plain_path(path) {
        return None;
    }
    if path.contains('%') {
        return Some("the path is percent-encoded");
    }
    if path.contains(';') || path.contains('\\') || path.contains('*') {
        return Some("the path has `;`, `*` or a backslash in it");
    }
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Some("the path has a dot segment in it");
    }
    if path.contains("//") {
        return Some("the path has an empty segment in it");
    }
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("the path is not plain");
    }
    None
}

/// Whether one look settles it: nothing in the path but letters, digits and signs that mean nothing, each segment begun by one.
fn is_plain_path(path: &str) -> bool {
    let mut before = b'/';
    let plain = path.strip_prefix('/').is_some_and(|path| {
        path.bytes().all(|byte| {
            let sound = byte.is_ascii_alphanumeric() || (before != b'/' && b"/-_.".contains(&byte));
            before = byte;
            sound
        })
    });
    plain && before != b'/'
}

fn plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte))
}
