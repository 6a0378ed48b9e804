//! What must hold for any bytes and any cut.

use proptest::prelude::*;

use super::bodies::BODIES;
use super::{Found, SECRET, run};

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_no_cut_makes_a_difference(bytes: Vec<u8>, cut: prop::sample::Index, body in 0..BODIES.len()) {
        let framing = BODIES[body].framing;
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        let whole = run(&mut *framing(), &[&bytes], &mut Found::default());
        let cut = run(&mut *framing(), &[left, right], &mut Found::default());
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn no_change_makes_it_panic_and_no_cut_makes_a_difference(
        at: prop::sample::Index,
        to: u8,
        cut: prop::sample::Index,
        drops: bool,
        body in 0..BODIES.len(),
    ) {
        let body = &BODIES[body];
        let mut bytes = (body.of)(SECRET);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        let texts = || Found { drops, ..Found::default() };
        let whole = run(&mut *(body.framing)(), &[&bytes], &mut texts());
        let cut = run(&mut *(body.framing)(), &[left, right], &mut texts());
        prop_assert_eq!(cut, whole, "{}", body.name);
    }

    #[test]
    fn what_was_gone_through_is_found_clean(at: prop::sample::Index, to: u8, body in 0..BODIES.len()) {
        let body = &BODIES[body];
        let mut bytes = (body.of)(SECRET);
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(out) = run(&mut *(body.framing)(), &[&bytes], &mut Found::default()) {
            let again = run(&mut *(body.framing)(), &[&out], &mut Found::default());
            prop_assert_eq!(again, Ok(out), "{}", body.name);
        }
    }
}
