//! Commands that take a password among their flags.

use super::value::{Written, is_placeholder, value};
use crate::class;
use crate::edit::{Edit, is_masked};
use crate::finding::{Confidence, Shape};
use crate::judge::Judge;
use crate::ruleset::pack::Engine;
use crate::view::View;

/// A command, the flag its password follows, and how.
struct Command {
    name: &'static [u8],
    flag: &'static [u8],
    /// The password is glued to the flag (`-pX`); else it is the next word.
    glued: bool,
    /// The value is `user:password`.
    pair: bool,
}

impl Judge<'_> {
    /// The name of a command may stand at `at`: the password on its line.
    pub(super) fn command(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Command)?;
        if view.before(at).is_some_and(|byte| class::is(byte, class::WORD | class::DOT)) {
            return None;
        }
        COMMANDS.iter().filter(|command| view.starts_with(at, command.name)).find_map(|command| {
            let from = at + command.name.trim_ascii_end().len();
            let end = view.until(from, LONGEST_LINE, |byte| matches!(byte, b'\n' | b'|' | b';'));
            flags(view, (from, end), command).find_map(|start| self.flagged(view, start, command, detector))
        })
    }

    fn flagged(&self, view: &View<'_>, start: usize, command: &Command, detector: usize) -> Option<Edit> {
        let found = value(view, start, None, Shape::Text).filter(|value| value.written != Written::Tree)?;
        let mut span = (found.start, found.end);
        if command.pair {
            let colon = memchr::memchr(b':', view.slice(span.0, span.1))?;
            span.0 += colon + 1;
        }
        let secret = view.slice(span.0, span.1);
        if secret.is_empty()
            || span.0 < view.floor()
            || is_masked(self.rules, secret)
            || is_placeholder(secret)
            || WORDS.contains(&secret)
        {
            return None;
        }
        Some(Edit::new(self.rules, view, span, detector).sure(Confidence::High))
    }
}

/// Where values of the flag start, in the line.
fn flags<'v>(view: &'v View<'_>, line: (usize, usize), command: &'v Command) -> impl Iterator<Item = usize> + 'v {
    let text = view.slice(line.0, line.1);
    memchr::memmem::find_iter(text, command.flag).filter_map(move |offset| {
        let before = offset.checked_sub(1).and_then(|at| text.get(at));
        let spaced = before.is_some_and(|byte| class::is(*byte, class::SPACE | class::QUOTE));
        let after = line.0 + offset + command.flag.len();
        let next = view.at(after)?;
        let start = if command.glued { after } else { view.run(after, class::SPACE | class::EQUALS, 4) };
        let apart = command.glued && !class::is(next, class::SPACE) || !command.glued && start > after;
        (spaced && apart && start < line.1).then_some(start)
    })
}

const fn command(name: &'static [u8], flag: &'static [u8], glued: bool, pair: bool) -> Command {
    Command { name, flag, glued, pair }
}

const COMMANDS: [Command; 15] = [
    command(b"mysql", b"-p", true, false),
    command(b"mariadb", b"-p", true, false),
    command(b"curl ", b"-u", false, true),
    command(b"curl ", b"-u", true, true),
    command(b"curl ", b"--user", false, true),
    command(b"curl ", b"--proxy-user", false, true),
    command(b"curl ", b"-U", false, true),
    command(b"sshpass", b"-p", false, false),
    command(b"sshpass", b"-p", true, false),
    command(b"redis-cli", b"-a", false, false),
    command(b"ldap", b"-w", false, false),
    command(b"docker login", b"-p", false, false),
    command(b"docker login", b"-p", true, false),
    command(b"mosquitto_", b"-P", false, false),
    command(b"chpasswd", b"<<<", false, true),
];
/// What a manual writes where a password goes.
const WORDS: [&[u8]; 4] = [b"password", b"passwd", b"pass", b"secret"];
const LONGEST_LINE: usize = 1024;
