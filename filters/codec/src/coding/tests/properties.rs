//! What must hold for any bytes and any cut.

use proptest::prelude::*;

use super::forms::{FORMS, log};
use super::{BUDGET, decode, encode};

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(plain: Vec<u8>, cut in 0..200usize, form in 0..FORMS.len()) {
        let form = &FORMS[form];
        let (left, right) = plain.split_at(cut.min(plain.len()));
        let coded = encode((form.encoder)(), &[left, right]);
        let (left, right) = coded.split_at(cut.min(coded.len()));
        prop_assert_eq!(decode(form.coding, &[left, right], BUDGET), Ok(plain));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, cut in 0..100usize, form in 0..FORMS.len()) {
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        let coding = FORMS[form].coding;
        // And a verdict does not depend on the cut.
        prop_assert_eq!(decode(coding, &[left, right], BUDGET), decode(coding, &[&bytes], BUDGET));
    }

    #[test]
    fn no_change_makes_it_panic(at: prop::sample::Index, to: u8, cut: prop::sample::Index, form in 0..FORMS.len()) {
        let form = &FORMS[form];
        let mut coded = (form.write)(&log(20));
        let at = at.index(coded.len());
        coded[at] = to;
        let (left, right) = coded.split_at(cut.index(coded.len()));
        prop_assert_eq!(decode(form.coding, &[left, right], BUDGET), decode(form.coding, &[&coded], BUDGET));
    }
}
