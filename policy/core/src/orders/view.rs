//! A message, as the gate sees it.

/// A message on an order route: its head, and its fields as text. Nothing in it has to be decoded further.
#[derive(Clone, Copy, Debug)]
pub struct OrderView<'m> {
    /// The method, as sent.
    pub method: &'m str,
    /// The host, in lower case and without a port.
    pub host: &'m str,
    /// The path, as sent: not decoded.
    pub path: &'m str,
    /// The query, decoded.
    pub query: &'m [(String, String)],
    /// The body, flattened: a form's fields, or JSON with paths for names (`legs.0.reduceOnly`).
    pub body: &'m [(String, String)],
    /// Those of its headers that the rules ask for ([`OrderRules::headers`](super::OrderRules::headers)), as often as they are
    /// there; names in lower case.
    pub headers: &'m [(String, String)],
    /// What has already been found to make it readable in two ways.
    pub ambiguity: Option<&'m str>,
}

/// What is known of a message before its body is read.
#[derive(Clone, Copy, Debug)]
pub struct OrderHead<'m> {
    /// The method, as sent.
    pub method: &'m str,
    /// The host, in lower case and without a port.
    pub host: &'m str,
    /// The path, as sent: not decoded.
    pub path: &'m str,
}
