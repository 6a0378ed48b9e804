//! Asks for positions, so that in CLOSE_ONLY what can only close may pass.

use std::sync::Arc;
use std::time::Instant;

use sekisho_filters::order_gate::{Position, Positions};
use sekisho_policy::{PositionSource, Side};
use serde::Deserialize;

use super::probe::fetch;

/// Asks the source again and again. An answer that is none of the form that is wanted is no answer, so that positions grow old.
pub async fn ask(source: PositionSource, positions: Arc<Positions>) {
    loop {
        let asked = Instant::now();
        let told = fetch(&source.probe.authority, &source.probe.path, source.ttl).await;
        if let Some(told) = told.and_then(|body| parse(&body)) {
            positions.replace(told, asked);
        }
        tokio::time::sleep(source.interval).await;
    }
}

#[derive(Deserialize)]
struct Told {
    positions: Vec<One>,
}

/// Both numbers have to be there: without what is closing already, the rest cannot be told.
#[derive(Deserialize)]
struct One {
    instrument: String,
    quantity: String,
    closing: String,
}

/// One that is not as wanted makes all of it unusable.
fn parse(body: &[u8]) -> Option<Vec<Position>> {
    let told: Told = serde_json::from_slice(body).ok()?;
    let one = |one: One| {
        let (closes, quantity) = match one.quantity.strip_prefix('-') {
            Some(short) => (Side::Buy, short),
            None => (Side::Sell, one.quantity.as_str()),
        };
        let (quantity, closing) = (quantity.parse().ok()?, one.closing.parse().ok()?);
        Some(Position { instrument: one.instrument, closes, quantity, closing })
    };
    let positions: Vec<_> = told.positions.into_iter().map(one).collect::<Option<_>>()?;
    let mut names: Vec<_> = positions.iter().map(|position| &position.instrument).collect();
    names.sort_unstable();
    // Hedged positions are two of one instrument: which of them an order closes cannot be told.
    names.windows(2).all(|pair| pair.first() != pair.last()).then_some(positions)
}

#[cfg(test)]
mod tests {
    use sekisho_policy::Side;

    use super::parse;

    #[test]
    fn long_and_short_are_told_apart_and_what_is_not_clear_is_nothing() {
        let told = br#"{"positions":[{"instrument":"A","quantity":"1.5","closing":"0.5"},{"instrument":"B","quantity":"-2","closing":"0"}]}"#;
        let told = parse(told).unwrap();
        assert_eq!((told[0].closes, told[1].closes), (Side::Sell, Side::Buy));
        assert_eq!((told[0].closing.to_string(), told[1].quantity.to_string()), ("0.5".to_owned(), "2".to_owned()));
        for text in [
            "",
            "[]",
            r#"{"positions":[{"instrument":"A","quantity":"1"}]}"#,
            r#"{"positions":[{"instrument":"A","quantity":1,"closing":"0"}]}"#,
            r#"{"positions":[{"instrument":"A","quantity":"1e3","closing":"0"}]}"#,
            r#"{"positions":[{"instrument":"A","quantity":"1","closing":"0"},{"instrument":"A","quantity":"-1","closing":"0"}]}"#,
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
