use std::fmt;

use super::{Draft, Message, tag};

/// What a client is told of a message that did not go on: an ExecutionReport for an order, an OrderCancelReject for a change
/// of one, a BusinessMessageReject for anything else.
#[derive(Clone)]
pub struct Answer {
    kind: &'static str,
    fields: Vec<(u32, Vec<u8>)>,
}

impl Answer {
    /// The answer to `message`. `text` says why; `id` is unique, as an ExecID has to be.
    #[must_use]
    pub fn to(message: &Message<'_>, text: &str, id: &str) -> Self {
        let answer = match message.kind() {
            "D" | "AB" => report(message, id),
            "F" | "G" | "AC" => cancel_reject(message),
            kind => Self::of("j")
                .say(tag::REF_SEQ_NUM, message.number().unwrap_or_default().to_string())
                .say(tag::REF_MSG_TYPE, kind)
                .say(tag::BUSINESS_REJECT_REASON, OTHER),
        };
        answer.say(tag::TEXT, text)
    }

    const fn of(kind: &'static str) -> Self {
        Self { kind, fields: Vec::new() }
    }

    fn say(mut self, tag: u32, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((tag, value.as_ref().to_vec()));
        self
    }

    /// Repeats fields of a message, those of them that it has.
    fn repeat(self, message: &Message<'_>, tags: &[u32]) -> Self {
        let there = tags.iter().filter_map(|tag| Some((*tag, message.get(*tag)?)));
        there.fold(self, |answer, (tag, value)| answer.say(tag, value))
    }

    /// MsgType.
    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Writes it behind a header. It happened when `carrier` was sent, as far as the client can tell.
    pub(super) fn write(&self, draft: Draft, carrier: &Message<'_>) -> Vec<u8> {
        let draft = self.fields.iter().fold(draft, |draft, (tag, value)| draft.field(*tag, value));
        draft.maybe(tag::TRANSACT_TIME, carrier.get(tag::SENDING_TIME)).finish()
    }
}

fn report(message: &Message<'_>, id: &str) -> Answer {
    let mut answer = Answer::of("8").say(tag::ORDER_ID, NO_ORDER).say(tag::EXEC_ID, id);
    if message.version() <= "FIX.4.2" {
        answer = answer.say(tag::EXEC_TRANS_TYPE, "0");
    }
    let symbol = [tag::CL_ORD_ID, tag::ACCOUNT, tag::SYMBOL, 48, 22, tag::SIDE, tag::ORDER_QTY, 40, 44, 59];
    answer
        .say(tag::EXEC_TYPE, REJECTED)
        .say(tag::ORD_STATUS, REJECTED)
        .say(tag::ORD_REJ_REASON, OTHER)
        .repeat(message, &symbol)
        .say(tag::LEAVES_QTY, "0")
        .say(tag::CUM_QTY, "0")
        .say(tag::AVG_PX, "0")
}

fn cancel_reject(message: &Message<'_>) -> Answer {
    let order = message.get(tag::ORDER_ID).unwrap_or(NO_ORDER.as_bytes());
    let to = if message.kind() == "F" { "1" } else { "2" };
    // What the order itself has come to is not known here; that it was refused would be the one wrong answer.
    Answer::of("9")
        .say(tag::ORDER_ID, order)
        .say(tag::ORD_STATUS, NEW)
        .say(tag::CXL_REJ_RESPONSE_TO, to)
        .say(tag::CXL_REJ_REASON, BROKER_OPTION)
        .repeat(message, &[tag::CL_ORD_ID, tag::ORIG_CL_ORD_ID, tag::ACCOUNT])
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// OrderID of an order that the venue has never seen.
const NO_ORDER: &str = "NONE";

/// ExecType and OrdStatus.
const REJECTED: &str = "8";
const NEW: &str = "0";

/// OrdRejReason (broker or exchange option) and BusinessRejectReason (other).
const OTHER: &str = "0";

/// CxlRejReason.
const BROKER_OPTION: &str = "2";
