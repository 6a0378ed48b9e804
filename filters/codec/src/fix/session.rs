use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Answer, Draft, Message, tag};

/// Two sequences, client to venue and venue to client, in which a refused message leaves no gap and an answer of ours takes no
/// number of its own.
///
/// FIX numbers every message, so one cannot simply be left out and none can be added. A proxy that renumbers has to translate
/// every later number, resend request and gap fill of the session, over reconnects and its own restarts, or break the session
/// for ever. So numbers are never changed here; messages change places instead:
///
/// 1. A refused message with number N becomes a TestRequest with number N. The venue has to answer that with a Heartbeat.
/// 2. That Heartbeat, with number M of the venue's, becomes the answer to the client, with number M.
/// 3. If the venue asks for N again, the client sends its message again, as a possible duplicate; that becomes a gap fill.
/// 4. If the client asks for M again, the venue fills the gap where its Heartbeat was; the answer is put back into it.
///
/// Both sides see whole sequences, whatever is asked again, and nothing depends on what this process remembers but 3 and 4. Of a
/// possible duplicate it does not remember, nobody knows what became: it is never let through.
///
/// The answer comes one round trip later than the refusal. A venue that answers no TestRequest cannot carry it, and is one whose
/// clients will soon hang up.
#[derive(Clone, Debug)]
pub struct Session {
    /// Most entries of each list below.
    most: usize,
    /// Numbers of the client's that did not go on.
    refused: BTreeSet<u64>,
    /// From this number of the client's on it is known what was refused.
    since: Option<u64>,
    /// Answers that wait for a Heartbeat to take the place of, with the TestReqID that asks for it.
    awaiting: VecDeque<(String, Answer)>,
    /// Answers given, by the number that they took.
    given: BTreeMap<u64, Answer>,
}

/// Whether a client sends a message for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resent {
    /// It does.
    No,
    /// It has sent it before, and it was refused.
    Refused,
    /// It has sent it before, and it was not refused.
    Passed,
    /// It says that it has, and nothing is known of that here.
    Unknown,
}

impl Session {
    /// A session of which nothing is known yet. `most`: refusals and answers that are remembered.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, refused: BTreeSet::new(), since: None, awaiting: VecDeque::new(), given: BTreeMap::new() }
    }

    /// Takes a message of the client. `None`, when it has no number.
    pub fn sent(&mut self, message: &Message<'_>) -> Option<Resent> {
        let number = message.number()?;
        if message.kind() == "A" && message.flag(tag::RESET_SEQ_NUM) {
            *self = Self::new(self.most);
        }
        if !message.flag(tag::POSS_DUP) {
            self.since.get_or_insert(number);
            return Some(Resent::No);
        }
        if self.refused.contains(&number) {
            return Some(Resent::Refused);
        }
        let known = self.since.is_some_and(|since| since <= number);
        Some(if known { Resent::Passed } else { Resent::Unknown })
    }

    /// What goes on in the place of a refused message. With an answer that asks the venue for something to carry it back.
    #[must_use]
    pub fn take_out(&mut self, message: &Message<'_>, answer: Option<(Answer, &str)>) -> Vec<u8> {
        let number = message.number().unwrap_or_default();
        self.refuse(number);
        let Some((answer, id)) = answer.filter(|_| self.awaiting.len() < self.most) else {
            let next = number.saturating_add(1).to_string();
            return Draft::again(message, "4", number).field(tag::GAP_FILL, "Y").field(tag::NEW_SEQ_NO, next).finish();
        };
        self.awaiting.push_back((id.to_owned(), answer));
        Draft::in_place_of(message, "1").field(tag::TEST_REQ_ID, id).finish()
    }

    /// Takes a message of the venue. `None`: the client gets it as it is; else what it gets in its place.
    #[must_use]
    pub fn received(&mut self, message: &Message<'_>) -> Option<Vec<u8>> {
        match message.kind() {
            "0" => self.heartbeat(message),
            "4" if message.flag(tag::GAP_FILL) => self.gap(message),
            "A" if message.flag(tag::RESET_SEQ_NUM) => {
                self.given.clear();
                None
            }
            _ => None,
        }
    }

    fn refuse(&mut self, number: u64) {
        self.refused.insert(number);
        if self.refused.len() > self.most
            && let Some(oldest) = self.refused.pop_first()
        {
            self.since = self.since.max(Some(oldest.saturating_add(1)));
        }
    }

    /// A Heartbeat becomes the answer that asked for it, or, when nobody asked for it, the one that waits longest.
    fn heartbeat(&mut self, message: &Message<'_>) -> Option<Vec<u8>> {
        let asked = message.text(tag::TEST_REQ_ID);
        let at = match asked {
            Some(id) => self.awaiting.iter().position(|(ours, _)| ours == id)?,
            None => 0,
        };
        if message.flag(tag::POSS_DUP) {
            return None;
        }
        let (number, (_, answer)) = (message.number()?, self.awaiting.remove(at)?);
        let written = answer.write(Draft::in_place_of(message, answer.kind()), message);
        self.given.insert(number, answer);
        if self.given.len() > self.most {
            self.given.pop_first();
        }
        Some(written)
    }

    /// A gap that the venue fills where its Heartbeats were: the answers that took their places are put back.
    fn gap(&self, message: &Message<'_>) -> Option<Vec<u8>> {
        let (mut from, to) = (message.number()?, message.parsed(tag::NEW_SEQ_NO)?);
        let mut within = self.given.range(from..to.max(from)).peekable();
        within.peek()?;
        let mut bytes = Vec::new();
        let fill = |from: u64, to: u64| {
            let fill = Draft::again(message, "4", from).field(tag::GAP_FILL, "Y");
            fill.field(tag::NEW_SEQ_NO, to.to_string()).finish()
        };
        for (number, answer) in within {
            if from < *number {
                bytes.extend(fill(from, *number));
            }
            bytes.extend(answer.write(Draft::again(message, answer.kind(), *number), message));
            from = number.saturating_add(1);
        }
        if from < to {
            bytes.extend(fill(from, to));
        }
        Some(bytes)
    }
}
