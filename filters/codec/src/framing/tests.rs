//! One table of bodies, and what must hold for each of them.

mod bodies;

mod outcomes;

mod properties;

use super::{Framing, FramingError, Place, Texts, drive};
use bodies::{BODIES, BOUNDS};

/// What is looked for, and what takes its place: longer, so that every length around it changes.
const SECRET: &str = "SECRET42";
const INSTEAD: &str = "(it is gone, and the gap is wide)";

/// Replaces what is looked for, and notes what it was told.
#[derive(Default)]
struct Found {
    places: Vec<String>,
    told: Vec<String>,
    /// Records with a find are left out.
    drops: bool,
    found: bool,
    dropped: usize,
}

impl Texts for Found {
    fn text(&mut self, place: &Place<'_>, text: &[u8]) -> Option<Vec<u8>> {
        self.told.push(String::from_utf8_lossy(text).into_owned());
        let at = text.windows(SECRET.len()).position(|window| window == SECRET.as_bytes())?;
        self.found = true;
        self.places.push(place.to_string());
        let instead = if place.fixed { "********" } else { INSTEAD };
        Some([&text[..at], instead.as_bytes(), &text[at + SECRET.len()..]].concat())
    }

    fn number(&mut self, place: &Place<'_>, written: &str) -> Option<Vec<u8>> {
        self.told.push(written.to_owned());
        let forbidden = place.names().any(|name| name == b"pin");
        forbidden.then(|| INSTEAD.as_bytes().to_vec())
    }

    fn enter(&mut self) {
        self.found = false;
    }

    fn leave(&mut self) -> bool {
        let drop = self.drops && self.found;
        self.dropped += usize::from(drop);
        self.found = false;
        !drop
    }
}

fn run(framing: &mut dyn Framing, pieces: &[&[u8]], texts: &mut Found) -> Result<Vec<u8>, FramingError> {
    let (mut held, mut out) = (Vec::new(), Vec::new());
    let mut each = |framing: &dyn Framing, units: &[u8]| framing.walk(units, texts);
    for piece in pieces {
        held.extend_from_slice(piece);
        drive(framing, (&mut held, false), &mut out, &mut each)?;
    }
    drive(framing, (&mut held, true), &mut out, &mut each)?;
    Ok(out)
}

#[test]
fn the_secret_goes_and_everything_else_stays_wherever_it_is_cut() {
    for body in BODIES {
        let (with, without) = ((body.of)(SECRET), (body.of)(INSTEAD));
        let whole = run(&mut *(body.framing)(), &[&with], &mut Found::default());
        assert_eq!(whole.as_deref().map(decoded(body)), Ok(decoded(body)(&without)), "{}", body.name);
        for at in 0..=with.len() {
            let (left, right) = with.split_at(at);
            let cut = run(&mut *(body.framing)(), &[left, right], &mut Found::default());
            assert_eq!(cut, whole, "{} cut at {at}", body.name);
        }
        let bytes: Vec<&[u8]> = with.chunks(1).collect();
        assert_eq!(run(&mut *(body.framing)(), &bytes, &mut Found::default()), whole, "{} byte by byte", body.name);
    }
}

/// What is compressed may come out in other bytes of the same content.
fn decoded(body: &bodies::Body) -> impl Fn(&[u8]) -> Vec<u8> {
    let plain = body.plain;
    move |bytes| plain(bytes)
}

#[test]
fn what_is_clean_comes_out_as_the_bytes_it_was() {
    for body in BODIES {
        let clean = (body.of)("nothing");
        assert_eq!(run(&mut *(body.framing)(), &[&clean], &mut Found::default()), Ok(clean), "{}", body.name);
    }
}

#[test]
fn each_text_is_told_with_its_place() {
    for body in BODIES {
        let mut found = Found::default();
        run(&mut *(body.framing)(), &[&(body.of)(SECRET)], &mut found).unwrap();
        assert_eq!(found.places, body.places, "{}", body.name);
        assert!(found.told.iter().any(|text| text.contains("nothing")), "{}: {:?}", body.name, found.told);
    }
}

#[test]
fn a_record_is_left_out_and_its_neighbours_stay() {
    for body in BODIES.iter().filter(|body| body.record.is_some()) {
        let with = (body.of)(SECRET);
        let mut found = Found { drops: true, ..Found::default() };
        let out = run(&mut *(body.framing)(), &[&with], &mut found).unwrap();
        assert_eq!((body.plain)(&out), (body.plain)(&body.record.unwrap()()), "{}", body.name);
        assert!(found.dropped > 0, "{}", body.name);
        for at in 0..=with.len() {
            let (left, right) = with.split_at(at);
            let mut found = Found { drops: true, ..Found::default() };
            assert_eq!(run(&mut *(body.framing)(), &[left, right], &mut found), Ok(out.clone()), "{}", body.name);
        }
    }
}

#[test]
fn nothing_is_held_beyond_the_bounds() {
    for body in BODIES {
        let mut framing = (body.framing)();
        let endless = (body.endless)(4 * BOUNDS.bytes);
        let (mut held, mut out, mut most) = (Vec::new(), Vec::new(), 0);
        let mut each = |framing: &dyn Framing, units: &[u8]| framing.walk(units, &mut Found::default());
        for piece in endless.chunks(997) {
            held.extend_from_slice(piece);
            if drive(&mut *framing, (&mut held, false), &mut out, &mut each).is_err() {
                break;
            }
            most = most.max(held.len());
        }
        assert!(most <= BOUNDS.bytes + 2048, "{}: held {most}", body.name);
    }
}
