//! The opening handshake (RFC 6455, 4), on both sides.

use std::sync::Arc;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::ext::ReasonPhrase;
use hyper::upgrade::OnUpgrade;
use sekisho_codec::ws::{self, Deflate, WsError};
use sekisho_filters::Body;
use sekisho_filters::access::Standing;
use sekisho_policy::Refusal;
use tokio_util::sync::CancellationToken;

/// A handshake that a client has begun.
#[derive(Debug)]
pub(in crate::data) struct Opening {
    key: String,
    upgrade: OnUpgrade,
    /// What it asked for, as it came in.
    pub(super) path: Arc<str>,
    /// When it is over for all connections that were accepted with its own.
    pub(super) began: CancellationToken,
}

/// When a drain of the connection began that a request came on; lies beside one that asks for an upgrade.
#[derive(Clone, Debug, Default)]
pub(in crate::data) struct Began(pub(in crate::data) CancellationToken);

/// What is to be asked of an upstream; travels with the request.
#[derive(Clone, Debug)]
pub(in crate::data) struct Wanted {
    /// The client's offers that can be read here.
    extensions: String,
}

/// What an upstream has agreed to, and who may use it for how long; travels with the answer.
#[derive(Clone)]
pub(in crate::data) struct Joined {
    pub(super) upgrade: OnUpgrade,
    pub(super) deflate: Option<Deflate>,
    pub(super) standing: Option<Standing>,
}

impl Opening {
    /// Takes the handshake off a request, which from then on is an ordinary `GET` with a [`Wanted`] beside it. `None`: it is
    /// no WebSocket's.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadRequest`], when it is one and is not sound.
    pub(in crate::data) fn take<B>(request: &mut Request<B>) -> Result<Option<Self>, Refusal> {
        if !request.headers().get(UPGRADE).is_some_and(|asked| says(asked, b"websocket")) {
            return Ok(None);
        }
        let sound = sound(request);
        let headers = request.headers_mut();
        let key = headers.remove(SEC_WEBSOCKET_KEY);
        let extensions = list(headers, &SEC_WEBSOCKET_EXTENSIONS);
        for name in [UPGRADE, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_EXTENSIONS] {
            headers.remove(name);
        }
        sound?;
        let key = key.and_then(|key| key.to_str().ok().map(str::to_owned)).unwrap_or_default();
        let upgrade = hyper::upgrade::on(&mut *request);
        let path = Arc::from(request.uri().path());
        request.extensions_mut().insert(Wanted { extensions: ws::offered(&extensions) });
        let Began(began) = request.extensions_mut().remove().unwrap_or_default();
        Ok(Some(Self { key, upgrade, path, began }))
    }

    /// Writes what the client gets to see, and gives its side of the connection.
    pub(super) fn switch(self, headers: &mut HeaderMap) -> OnUpgrade {
        write(headers);
        if let Ok(accept) = HeaderValue::try_from(ws::accept(&self.key)) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        self.upgrade
    }
}

impl Wanted {
    /// Writes the handshake with a key of its own, which it returns. The client's never leaves: 16 bytes that nobody can search.
    pub(in crate::data) fn write(&self, headers: &mut HeaderMap) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        write(headers);
        headers.insert(SEC_WEBSOCKET_VERSION, VERSION);
        if let Ok(key) = HeaderValue::try_from(&key) {
            headers.insert(SEC_WEBSOCKET_KEY, key);
        }
        if let Some(extensions) = HeaderValue::try_from(&self.extensions).ok().filter(|all| !all.is_empty()) {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, extensions);
        }
        Ok(key)
    }
}

impl Joined {
    /// Checks an upstream's answer to the handshake that had `key`, and makes of it the one for the client.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(in crate::data) fn from<B>(
        (wanted, key): (&Wanted, &str),
        protocols: &str,
        standing: Option<Standing>,
        mut response: Response<B>,
    ) -> Result<Response<Body>, WsError> {
        let headers = response.headers();
        let one = |name: &HeaderName, word: &[u8]| headers.get(name).is_some_and(|value| says(value, word));
        let accepted =
            headers.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|said| said.as_bytes() == ws::accept(key).as_bytes());
        if !one(&UPGRADE, b"websocket") || !names(headers, b"upgrade") || !accepted {
            return Err(WsError::Protocol("the upstream's handshake is not an answer to ours"));
        }
        let deflate = ws::agreed(&list(headers, &SEC_WEBSOCKET_EXTENSIONS), &wanted.extensions)?;
        let chosen = list(headers, &SEC_WEBSOCKET_PROTOCOL);
        if !chosen.is_empty() && !protocols.split(',').any(|offered| offered.trim() == chosen) {
            return Err(WsError::Protocol("the upstream chose a subprotocol that was not offered"));
        }
        let upgrade = hyper::upgrade::on(&mut response);
        let mut ours = Response::new(Body::empty());
        *ours.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *ours.headers_mut() = std::mem::take(response.headers_mut());
        for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT, CONTENT_LENGTH, TRANSFER_ENCODING] {
            ours.headers_mut().remove(name);
        }
        ours.extensions_mut().remove::<ReasonPhrase>();
        ours.extensions_mut().insert(Self { upgrade, deflate, standing });
        Ok(ours)
    }
}

/// The subprotocols that a handshake offers.
pub(in crate::data) fn protocols(headers: &HeaderMap) -> String {
    list(headers, &SEC_WEBSOCKET_PROTOCOL)
}

fn sound<B>(request: &Request<B>) -> Result<(), Refusal> {
    let headers = request.headers();
    let once = |name: &HeaderName| headers.get_all(name).iter().count() == 1;
    let bad = |what| Err(Refusal::BadRequest { what });
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return bad("a WebSocket begins with a GET of HTTP/1.1");
    }
    if headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING) {
        return bad("a WebSocket's handshake has no body");
    }
    if !once(&UPGRADE) || !names(headers, b"upgrade") {
        return bad("Upgrade and Connection do not say the same");
    }
    if !once(&SEC_WEBSOCKET_VERSION) || headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return bad("a version of WebSocket that is not 13");
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| once(&SEC_WEBSOCKET_KEY));
    if key.is_some_and(|key| ws::is_key(key.as_bytes())) { Ok(()) } else { bad("no Sec-WebSocket-Key") }
}

fn write(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn says(value: &HeaderValue, word: &[u8]) -> bool {
    value.as_bytes().trim_ascii().eq_ignore_ascii_case(word)
}

/// Whether `Connection` names a word.
fn names(headers: &HeaderMap, word: &[u8]) -> bool {
    let mut words = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    words.any(|named| named.trim_ascii().eq_ignore_ascii_case(word))
}

/// All values of a header that is a list.
fn list(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(", ")
}

const VERSION: HeaderValue = HeaderValue::from_static("13");

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");

    fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().method(method).uri("/ws");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_handshake_is_taken_off_or_refused() {
        let (upgrade, connection) = (("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade"));
        let version = ("sec-websocket-version", "13");
        let whole = [upgrade, connection, version, KEY];
        let mut sound =
            request("GET", &[&whole[..], &[("sec-websocket-extensions", "x, permessage-deflate")]].concat());
        let asked = Opening::take(&mut sound).unwrap().unwrap();
        assert_eq!(asked.key, KEY.1);
        assert_eq!(sound.extensions().get::<Wanted>().unwrap().extensions, "permessage-deflate");
        let left: Vec<_> = sound.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["connection"], "what is left is an ordinary request");
        for (what, method, headers) in [
            ("a POST", "POST", whole.to_vec()),
            ("a body", "GET", [&whole[..], &[("content-length", "1")]].concat()),
            ("no Connection", "GET", vec![upgrade, version, KEY]),
            ("two upgrades", "GET", [&whole[..], &[upgrade]].concat()),
            ("no version", "GET", vec![upgrade, connection, KEY]),
            ("an old version", "GET", vec![upgrade, connection, ("sec-websocket-version", "8"), KEY]),
            ("no key", "GET", vec![upgrade, connection, version]),
            ("two keys", "GET", [&whole[..], &[KEY]].concat()),
            ("a short key", "GET", vec![upgrade, connection, version, ("sec-websocket-key", "c2hvcnQ=")]),
        ] {
            assert!(matches!(Opening::take(&mut request(method, &headers)), Err(Refusal::BadRequest { .. })), "{what}");
        }
        assert!(Opening::take(&mut request("GET", &[("upgrade", "h2c"), connection])).unwrap().is_none());
        assert!(Opening::take(&mut request("GET", &[])).unwrap().is_none());
    }

    #[test]
    fn an_upstream_has_to_answer_what_it_was_asked() {
        let wanted = Wanted { extensions: "permessage-deflate".to_owned() };
        let accept = ws::accept(KEY.1);
        let whole = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", &*accept)];
        let answer = |headers: &[(&str, &str)]| {
            let mut response = Response::builder().status(101);
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            Joined::from((&wanted, KEY.1), "v1, v2", None, response.body(()).unwrap())
        };
        let joined = answer(&[&whole[..], &[("sec-websocket-protocol", "v2"), ("x-kept", "1")]].concat()).unwrap();
        assert_eq!(joined.extensions().get::<Joined>().unwrap().deflate, None);
        let kept: Vec<_> = joined.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(kept, ["sec-websocket-protocol", "x-kept"]);
        let deflated = answer(&[&whole[..], &[("sec-websocket-extensions", "permessage-deflate")]].concat()).unwrap();
        assert!(deflated.extensions().get::<Joined>().unwrap().deflate.is_some());
        for (what, headers) in [
            ("no accept", whole[..2].to_vec()),
            ("another accept", vec![whole[0], whole[1], ("sec-websocket-accept", KEY.1)]),
            ("another protocol", vec![("upgrade", "h2c"), whole[1], whole[2]]),
            ("no Connection", vec![whole[0], whole[2]]),
            ("a subprotocol nobody offered", [&whole[..], &[("sec-websocket-protocol", "v3")]].concat()),
            ("an extension nobody offered", [&whole[..], &[("sec-websocket-extensions", "other")]].concat()),
        ] {
            assert!(answer(&headers).is_err(), "{what}");
        }
    }
}
