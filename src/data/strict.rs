//! One canonical request, or none: what two HTTP readers could read in two ways is refused here (SPEC D12).

use std::sync::Arc;

use http::header::{CONNECTION, COOKIE, EXPECT, HeaderName, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use sekisho_policy::Refusal;

use super::host::{is_name, plain};

/// Checks the head of a request and takes off it what concerns only this hop.
///
/// Returns the host it is meant for: lower case, without the port.
///
/// # Errors
///
/// [`Refusal::BadRequest`] or [`Refusal::UpgradeRefused`].
pub fn head<B>(request: &mut Request<B>) -> Result<Arc<str>, Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::UpgradeRefused);
    }
    target(request)?;
    let told = Told::by(request.headers())?;
    let host = told.host(request.uri())?;
    told.framing(request.version())?;
    let (this_hop, trailers, crumbs) = (told.this_hop, told.trailers, told.cookies > 1);
    if crumbs {
        join_cookies(request.headers_mut());
    }
    strip(request.headers_mut(), this_hop);
    if trailers {
        request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    }
    Ok(host)
}

/// Takes off an answer what concerns only this hop. Its reason phrase is free text that nobody searches, and goes too.
///
/// # Errors
///
/// [`Refusal::UpstreamUnavailable`] when the upstream changes protocol unasked, or its answer has two lengths or a coding that
/// is not undone on this hop.
pub fn answer<B>(response: &mut http::Response<B>) -> Result<(), Refusal> {
    let mut told = Told::default();
    for (name, value) in response.headers() {
        told.frames(name.as_str(), value).map_err(|_two_ways| Refusal::UpstreamUnavailable)?;
        told.this_hop |= of_this_hop(name);
    }
    let sound = response.status() != http::StatusCode::SWITCHING_PROTOCOLS && told.framing(response.version()).is_ok();
    let this_hop = told.this_hop;
    if !sound {
        return Err(Refusal::UpstreamUnavailable);
    }
    strip(response.headers_mut(), this_hop);
    response.extensions_mut().remove::<hyper::ext::ReasonPhrase>();
    Ok(())
}

const fn bad(what: &'static str) -> Refusal {
    Refusal::BadRequest { what }
}

fn target<B>(request: &Request<B>) -> Result<(), Refusal> {
    let path = request.uri().path();
    if request.uri().scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return Err(bad("the target is of another scheme"));
    }
    let whole = request.uri().path_and_query().map_or("", |target| target.as_str());
    if !whole.is_ascii() || whole.bytes().any(|byte| byte <= b' ' || byte == 0x7F) {
        return Err(bad("the target is not plain ASCII"));
    }
    if path == "*" && request.method() == Method::OPTIONS {
        return Ok(());
    }
    if !path.starts_with('/') {
        return Err(bad("the target is not a path"));
    }
    if has_alias(path) { Err(bad("the path has a second spelling")) } else { Ok(()) }
}

fn has_alias(path: &str) -> bool {
    let bytes = path.as_bytes();
    let odd = |(byte, next): (&u8, &u8)| matches!((byte, next), (b'%' | b'\\', _) | (b'/', b'/' | b'.'));
    // Hardly any path gets past this line.
    if !bytes.iter().zip(bytes.iter().skip(1)).any(odd) && !path.ends_with(['\\', '%']) {
        return false;
    }
    let folded = path.to_ascii_lowercase();
    let decoded = percent_decoded(path);
    if str::from_utf8(&decoded).is_err() || decoded.iter().any(u8::is_ascii_control) {
        return true;
    }
    let dots = folded.ends_with("/..") || folded.ends_with("/.");
    dots || ALIASES.iter().any(|alias| folded.contains(alias)) || escapes_plain(path)
}

/// The bytes that a path stands for. An overlong form of UTF-8 is a second spelling of a byte, and what is no UTF-8 at all is
/// read by each server in its own way.
fn percent_decoded(path: &str) -> Vec<u8> {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let escaped = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.extend(escaped);
        bytes.extend_from_slice(piece.as_bytes().get(2..).unwrap_or_default());
    }
    bytes
}

/// Whether a byte is escaped that needs no escape (RFC 3986, 2.3), so that `/%76%32` is another server's `/v2`; or nothing is.
/// Old clients escape the tilde, which no route needs.
fn escapes_plain(path: &str) -> bool {
    let escaped = |rest: &str| rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    path.split('%').skip(1).any(|rest| escaped(rest).is_none_or(plain))
}

/// What a head says about the message and about this hop, read in one pass.
#[derive(Default)]
struct Told<'h> {
    host: Option<&'h HeaderValue>,
    length: bool,
    coding: Option<&'h HeaderValue>,
    /// Which headers concern only this hop: a bit for each of [`THIS_HOP`].
    this_hop: u16,
    /// Whether trailers are asked for.
    trailers: bool,
    cookies: usize,
}

impl<'h> Told<'h> {
    fn by(headers: &'h HeaderMap) -> Result<Self, Refusal> {
        let mut told = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "host" => {
                    once(told.host.replace(value).is_none(), "there is more than one Host")?;
                    continue;
                }
                "content-length" => {
                    told.frames(name.as_str(), value)?;
                    continue;
                }
                "transfer-encoding" => told.frames(name.as_str(), value)?,
                "connection" => names_no_header(value)?,
                // One to h2c may be ignored (RFC 9110, 7.8); any other asks to leave what is searched here.
                "upgrade" if !value.as_bytes().eq_ignore_ascii_case(b"h2c") => return Err(Refusal::UpgradeRefused),
                "te" => told.trailers |= value.as_bytes().eq_ignore_ascii_case(b"trailers"),
                "cookie" => {
                    told.cookies += 1;
                    continue;
                }
                "upgrade" | "expect" | "proxy-authorization" | "keep-alive" | "proxy-connection" | "http2-settings" => {
                }
                other => {
                    once(!is_near_miss(other), "a header is spelled like one that says what the message is")?;
                    continue;
                }
            }
            told.this_hop |= of_this_hop(name);
        }
        Ok(told)
    }

    /// Notes what says where the message ends: once each, in one spelling.
    fn frames(&mut self, name: &str, value: &'h HeaderValue) -> Result<(), Refusal> {
        match name {
            "content-length" => {
                once(!std::mem::replace(&mut self.length, true), "the message has two lengths")?;
                once(value.len() == 1 || !value.as_bytes().starts_with(b"0"), "the length has a second spelling")
            }
            "transfer-encoding" => {
                once(self.coding.replace(value).is_none(), "the transfer coding is not chunked alone")
            }
            _ => Ok(()),
        }
    }

    fn host(&self, uri: &Uri) -> Result<Arc<str>, Refusal> {
        if let (None, Some(plain)) = (uri.authority(), self.host.and_then(|host| plain(host.as_bytes()))) {
            return Ok(Arc::from(plain));
        }
        let named = self.host.map(|host| Authority::try_from(host.as_bytes())).transpose();
        let named = named.map_err(|_not_an_authority| bad("Host is not a host"))?;
        let authority = match (uri.authority(), &named) {
            (None, None) => return Err(bad("there is no Host")),
            (Some(target), Some(host)) if target != host => return Err(bad("Host and target disagree")),
            (Some(target), _) => target,
            (None, Some(host)) => host,
        };
        let is_port = authority.port_u16().is_some() || authority.as_str().len() == authority.host().len();
        if authority.as_str().contains('@') || !is_name(authority.host()) || !is_port {
            return Err(bad("Host is not a host"));
        }
        Ok(Arc::from(authority.host().to_ascii_lowercase()))
    }

    fn framing(&self, version: Version) -> Result<(), Refusal> {
        let Some(coding) = self.coding else { return Ok(()) };
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && version == Version::HTTP_11;
        once(chunked, "the transfer coding is not chunked alone")?;
        once(!self.length, "the message has two lengths")
    }
}

const fn once(is: bool, otherwise: &'static str) -> Result<(), Refusal> {
    if is { Ok(()) } else { Err(bad(otherwise)) }
}

fn is_near_miss(name: &str) -> bool {
    name.contains('_') && FRAMING.contains(&name.replace('_', "-").as_str())
}

fn names_no_header(connection: &HeaderValue) -> Result<(), Refusal> {
    let known = |word: &[u8]| word.is_empty() || CONNECTION_WORDS.iter().any(|ours| word.eq_ignore_ascii_case(ours));
    let sound = connection.as_bytes().split(|byte| *byte == b',').all(|word| known(word.trim_ascii()));
    once(sound, "Connection names a header that is not about the connection")
}

fn of_this_hop(name: &HeaderName) -> u16 {
    THIS_HOP.iter().position(|ours| ours == name).map_or(0, |at| 1 << at)
}

/// HTTP/2 may divide the cookies of a request; outside of it they are one header (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, whole);
    }
}

/// Takes off what concerns only this hop.
fn strip(headers: &mut HeaderMap, this_hop: u16) {
    let there = THIS_HOP.iter().enumerate().filter(|(at, _)| this_hop >> at & 1 == 1);
    there.for_each(|(_, name)| drop(headers.remove(name)));
}

/// What stands behind a `;` some servers take off a segment before they read it.
const ALIASES: [&str; 10] = ["//", "/./", "/.;", "/../", "/..;", "\\", "%2f", "%5c", "%00", "%25"];

const FRAMING: [&str; 9] = [
    "transfer-encoding",
    "content-length",
    "host",
    "connection",
    "x-api-key",
    "content-encoding",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

const CONNECTION_WORDS: [&[u8]; 5] = [b"close", b"keep-alive", b"te", b"upgrade", b"http2-settings"];

static THIS_HOP: [HeaderName; 9] = [
    CONNECTION,
    EXPECT,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

#[cfg(test)]
mod tests {
    use super::{Request, answer, head};

    fn outcome(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<String, String> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        head(&mut request.body(()).unwrap()).map(|host| host.to_string()).map_err(|refusal| refusal.code().to_owned())
    }

    #[test]
    fn one_host_is_read_from_wherever_it_stands() {
        assert_eq!(outcome("GET", "/a?b", &[("host", "API.example:80")]), Ok("api.example".into()));
        assert_eq!(outcome("GET", "http://api.example/a", &[("host", "api.example")]), Ok("api.example".into()));
        assert_eq!(outcome("OPTIONS", "*", &[("host", "a")]), Ok("a".into()));
        for (host, read) in [("a.b-1", "a.b-1"), ("A:65535", "a"), ("[::1]:80", "[::1]"), ("127.0.0.1:9", "127.0.0.1")]
        {
            assert_eq!(outcome("GET", "/", &[("host", host)]), Ok(read.into()));
        }
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        let host = ("host", "a");
        for (what, method, target, headers) in [
            ("no host", "GET", "/", &[][..]),
            ("two hosts", "GET", "/", &[host, ("host", "b")]),
            ("target disagrees", "GET", "http://b/", &[host]),
            ("no port", "GET", "/", &[("host", "a:x")]),
            ("no name", "GET", "/", &[("host", ":80")]),
            ("user in host", "GET", "/", &[("host", "x@a")]),
            ("dot dot", "GET", "/a/../b", &[host]),
            ("dot dot at the end", "GET", "/a/..", &[host]),
            ("backslash at the end", "GET", "/a\\", &[host]),
            ("dot", "GET", "/./a", &[host]),
            ("escaped dot", "GET", "/a/%2E%2e/b", &[host]),
            ("escaped slash", "GET", "/a%2fb", &[host]),
            ("escaped percent", "GET", "/a%252fb", &[host]),
            ("another scheme", "GET", "ftp://a/", &[host]),
            ("overlong dots", "GET", "/a/%c0%ae%c0%ae/b", &[host]),
            ("no UTF-8", "GET", "/a%ff", &[host]),
            ("escaped line end", "GET", "/a%0d%0ax:y", &[host]),
            ("escaped letter", "GET", "/%762/orders", &[host]),
            ("no escape", "GET", "/a%zz", &[host]),
            ("no escape at the end", "GET", "/a%", &[host]),
            ("dots with a parameter", "GET", "/x/..;/v2/orders", &[host]),
            ("empty segment", "GET", "/a//b", &[host]),
            ("two lengths", "POST", "/", &[host, ("content-length", "1"), ("transfer-encoding", "chunked")]),
            ("length twice", "POST", "/", &[host, ("content-length", "1"), ("content-length", "1")]),
            ("octal length", "POST", "/", &[host, ("content-length", "010")]),
            ("hidden coding", "POST", "/", &[host, ("transfer-encoding", "gzip, chunked")]),
            ("near miss", "POST", "/", &[host, ("transfer_encoding", "chunked")]),
            ("near miss of an override", "GET", "/", &[host, ("x_http_method_override", "POST")]),
            ("hidden hop-by-hop", "GET", "/", &[host, ("connection", "close, x-api-key")]),
        ] {
            assert_eq!(outcome(method, target, headers), Err("bad_request".into()), "{what}");
        }
    }

    #[test]
    fn an_escape_that_is_needed_is_no_second_spelling() {
        assert_eq!(outcome("GET", "/a%20b/%E3%81%82/c:d@e,f/%7Eg", &[("host", "a")]), Ok("a".into()));
    }

    #[test]
    fn an_answer_with_two_lengths_is_no_answer() {
        for (headers, whole) in [
            (&[("content-length", "5")][..], true),
            (&[("transfer-encoding", "chunked")], true),
            (&[("transfer-encoding", "chunked"), ("content-length", "2")], false),
            (&[("transfer-encoding", "gzip")], false),
            (&[("content-length", "2"), ("content-length", "2")], false),
        ] {
            let mut response = http::Response::builder();
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            assert_eq!(answer(&mut response.body(()).unwrap()).is_ok(), whole, "{headers:?}");
        }
    }

    #[test]
    fn leaving_http_is_refused() {
        assert_eq!(outcome("CONNECT", "a:443", &[("host", "a:443")]), Err("upgrade_refused".into()));
        let upgrade = [("host", "a"), ("connection", "upgrade"), ("upgrade", "websocket")];
        assert_eq!(outcome("GET", "/", &upgrade), Err("upgrade_refused".into()));
        let h2c =
            [("host", "a"), ("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "x")];
        assert_eq!(outcome("GET", "/", &h2c), Ok("a".into()));
    }

    #[test]
    fn cookies_that_were_divided_are_one_header() {
        let request = Request::builder().uri("http://a/").header("cookie", "a=1").header("cookie", "b=2; c=3");
        let mut request = request.body(()).unwrap();
        head(&mut request).unwrap();
        let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }

    #[test]
    fn what_concerns_this_hop_stays_on_it() {
        let mut request = Request::builder()
            .uri("/")
            .header("host", "a")
            .header("connection", "keep-alive, te")
            .header("te", "trailers")
            .header("keep-alive", "5")
            .header("proxy-connection", "x")
            .header("expect", "100-continue")
            .header("x-kept", "yes")
            .body(())
            .unwrap();
        head(&mut request).unwrap();
        let mut left: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", "te", "x-kept"]);
    }
}
