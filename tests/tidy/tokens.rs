//! Rust source as the compiler's tokens: comments and strings cannot be mistaken for code, and macro bodies are read too.

use std::iter::Peekable;
use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream::IntoIter};

/// A file, or what stands between two brackets of it.
pub(crate) struct Source(TokenStream);

/// A path as written, `use` groups spelled out: `std::{fs, io}` is `std::fs` and `std::io`.
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// A function with a body.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

impl Source {
    pub(crate) fn parse(text: &str) -> Self {
        Self(TokenStream::from_str(text).unwrap_or_else(|error| panic!("{error} at {:?}", error.span().start())))
    }

    /// The same, without the items that only tests have.
    pub(crate) fn without_tests(self) -> Self {
        let (mut kept, mut tokens) = (Vec::new(), self.0.into_iter().peekable());
        while let Some(token) = tokens.next() {
            let attribute = tokens.peek().filter(|_| is_punct(&token, '#')).map(ToString::to_string);
            if attribute.is_some_and(|text| text.replace(' ', "") == "[cfg(test)]") {
                skip_item(&mut tokens);
            } else {
                kept.push(token);
            }
        }
        Self(kept.into_iter().collect())
    }

    /// Every path of two segments or more.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        collect_paths(self.0.clone(), &[], &mut found);
        found.retain(|path| path.segments.len() > 1);
        found
    }

    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        collect_functions(self.0.clone(), &mut found);
        found
    }
}

/// `within` is what a group of a `use` stands behind.
fn collect_paths(stream: TokenStream, within: &[String], found: &mut Vec<Path>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => collect_paths(group.stream(), &[], found),
            TokenTree::Ident(first) => {
                let line = first.span().start().line;
                let mut segments = [within, &[first.to_string()]].concat();
                let group = follow(&mut tokens, &mut segments);
                match group {
                    Some(group) => collect_paths(group.stream(), &segments, found),
                    None => found.push(Path { segments, line }),
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Takes `::next` as often as it comes; a group in braces behind a last `::` is given back.
fn follow(tokens: &mut Peekable<IntoIter>, segments: &mut Vec<String>) -> Option<Group> {
    while tokens.next_if(|token| is_punct(token, ':')).is_some() {
        tokens.next_if(|token| is_punct(token, ':'))?;
        match tokens.next_if(|token| matches!(token, TokenTree::Ident(_) | TokenTree::Group(_)))? {
            TokenTree::Group(group) => return Some(group).filter(|group| group.delimiter() == Delimiter::Brace),
            TokenTree::Ident(next) => segments.push(next.to_string()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    None
}

fn collect_functions(stream: TokenStream, found: &mut Vec<Function>) {
    // The name and line of a function whose body has not come yet.
    let mut begun: Option<(String, usize)> = None;
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "fn" => {
                let name = tokens.peek().filter(|token| matches!(token, TokenTree::Ident(_)));
                begun = name.map(|name| (name.to_string(), word.span().start().line));
            }
            TokenTree::Group(group) => {
                let end = group.span_close().end().line;
                let body = begun.take_if(|_| group.delimiter() == Delimiter::Brace);
                found.extend(body.map(|(name, line)| Function { name, line, lines: end + 1 - line }));
                collect_functions(group.stream(), found);
            }
            TokenTree::Punct(point) if point.as_char() == ';' => begun = None,
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// To the end of an item: its braces, or a semicolon.
fn skip_item(tokens: &mut Peekable<IntoIter>) {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(point) => point.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    tokens.find(ends);
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(point) if point.as_char() == wanted)
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let text = "use std::{fs::{self, File}, io}; // std::net\nfn f() { assert!(a == std::env::var(\"std::os\")); }";
    let paths: Vec<_> = Source::parse(text).paths().iter().map(|path| path.segments.join("::")).collect();
    assert_eq!(paths, ["std::fs::self", "std::fs::File", "std::io", "std::env::var"]);
}

#[test]
fn functions_are_found_with_their_length() {
    let text =
        "trait T { fn none(); }\nimpl T for X {\n    fn one() {}\n    fn three()\n    {\n    }\n}\nfn outer() {\n}";
    let found: Vec<_> = Source::parse(text).functions().into_iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(found, [("one".to_owned(), 3, 1), ("three".to_owned(), 4, 3), ("outer".to_owned(), 8, 2)]);
}

#[test]
fn what_only_tests_have_is_left_out() {
    let text = "use a::b;\n#[cfg(test)]\nmod tests { use std::fs; }\n#[cfg(test)]\nuse std::io;\nuse c::d;";
    let paths: Vec<_> =
        Source::parse(text).without_tests().paths().iter().map(|path| path.segments.join("::")).collect();
    assert_eq!(paths, ["a::b", "c::d"]);
}
