//! What may be called a host.

/// A name of letters, digits, dots, hyphens and underscores, or an address of IPv6 in brackets: what else RFC 3986 lets stand in
/// one, lists and parameters among it, no host is called.
pub(super) fn is_name(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The host in a `Host` that needs no parser: lower case letters, digits, dots and hyphens, with or without a port.
pub(super) fn plain(host: &[u8]) -> Option<&str> {
    let end = host.iter().position(|byte| *byte == b':');
    let (name, port) = end.map_or((host, None), |end| (host.get(..end).unwrap_or_default(), host.get(end + 1..)));
    let is_name = !name.is_empty() && name.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
    let is_port = port.is_none_or(|port| str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok()));
    if is_name && is_port { str::from_utf8(name).ok() } else { None }
}
