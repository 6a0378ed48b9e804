//! `Sec-WebSocket-Extensions`: permessage-deflate, and nothing that cannot be read here.

use super::WsError;

/// How a connection is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// Whether a message of the client may refer to earlier ones.
    pub client_takeover: bool,
    /// Whether one of the server may.
    pub server_takeover: bool,
}

impl Deflate {
    const NAME: &'static str = "permessage-deflate";
}

/// What goes on of a client's offers: those that can be read here, as they were written. Empty when none can.
#[must_use]
pub fn offered(header: &str) -> String {
    let readable = |offer: &&str| Offer::read(offer).is_some();
    split(header, ',').map(str::trim).filter(readable).collect::<Vec<_>>().join(", ")
}

/// What a server has agreed to; `None` is no extension.
///
/// # Errors
///
/// [`WsError::Protocol`], when it is not something that was offered.
pub fn agreed(header: &str, offered: &str) -> Result<Option<Deflate>, WsError> {
    if header.trim().is_empty() {
        return Ok(None);
    }
    let offer = Offer::read(header.trim()).filter(|_| !offered.is_empty());
    let Offer { client, server } = offer.ok_or(WsError::Protocol("an extension that was not offered"))?;
    Ok(Some(Deflate { client_takeover: !client, server_takeover: !server }))
}

/// One offer, or the answer to one: which side does not refer to its earlier messages.
struct Offer {
    client: bool,
    server: bool,
}

impl Offer {
    fn read(text: &str) -> Option<Self> {
        let mut parts = split(text, ';').map(str::trim);
        if parts.next()? != Deflate::NAME {
            return None;
        }
        let (mut offer, mut seen) = (Self { client: false, server: false }, Vec::new());
        for part in parts {
            let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name.trim(), Some(value)));
            let value = value.map(|value| value.trim().trim_matches('"'));
            let known = match (name, value) {
                ("client_no_context_takeover", None) => {
                    offer.client = true;
                    true
                }
                ("server_no_context_takeover", None) => {
                    offer.server = true;
                    true
                }
                ("client_max_window_bits", None) => true,
                ("client_max_window_bits" | "server_max_window_bits", Some(bits)) => WINDOWS.contains(&bits),
                _ => false,
            };
            if !known || seen.contains(&name) {
                return None;
            }
            seen.push(name);
        }
        Some(offer)
    }
}

/// Splits a header, but not within quotes.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == at && !quoted
    })
}

const WINDOWS: [&str; 8] = ["8", "9", "10", "11", "12", "13", "14", "15"];
