//! What no name tells and no literal: phrases by their words and checksum, accounts by theirs, keys by their dashes.

use super::*;

const CASES: &[(&str, &str)] = &[
    (
        "somebody pasted legal winner thank year wave sausage worth useful legal winner thank yellow over there",
        "somebody pasted **** over there",
    ),
    (
        "{\"a\":\"legal winner thank year wave sausage worth useful legal winner thank yellow\",\"b\":1}",
        "{\"a\":\"****\",\"b\":1}",
    ),
    (
        "{\"a\":\"see:\\nlegal winner thank year wave sausage worth useful legal winner thank yellow\\nso\"}",
        "{\"a\":\"see:\\n****\\nso\"}",
    ),
    // words of the list before it and behind it are no part of it
    (
        "true story: call legal winner thank year wave sausage worth useful legal winner thank yellow people, all",
        "true story: call **** people, all",
    ),
    // two in one line, one in another spelling of the blank
    (
        "?a=legal%20winner%20thank%20year%20wave%20sausage%20worth%20useful%20legal%20winner%20thank%20yellow&b=1",
        "?a=****&b=1",
    ),
    // no checksum, a word of another list, a word too few
    (
        "see abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon",
        "see abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon",
    ),
    (
        "legal winner thank year wave sausages worth useful legal winner thank yellow",
        "legal winner thank year wave sausages worth useful legal winner thank yellow",
    ),
    (
        "winner thank year wave sausage worth useful legal winner thank yellow, and so on",
        "winner thank year wave sausage worth useful legal winner thank yellow, and so on",
    ),
    // under its name numbers may stand between, and the checksum need not hold
    (
        "Recovery phrase:\n1. zoo\n2. zoo\n3. zoo\n4. zoo\n5. zoo\n6. zoo\n7. zoo\n8. zoo\n9. zoo\n10. zoo\n11. zoo\n12. zoo\nbye",
        "Recovery phrase:\n1. ****\nbye",
    ),
    ("sent to DE89370400440532013000, thanks", "sent to ****3000, thanks"),
    ("sent to DE89370400440532013001, thanks", "sent to DE89370400440532013001, thanks"),
    ("key 0123456789abcdef0123456789abcde0-01234567-89abcdef.", "key ****cdef."),
    (
        "id 0123456789abcdef0123456789abcde0-01234567-89abcdef-x",
        "id 0123456789abcdef0123456789abcde0-01234567-89abcdef-x",
    ),
    ("libx:amd64 1.2, xauth:amd64 1.1, <a accesskey=\"n\">", "libx:amd64 1.2, xauth:amd64 1.1, <a accesskey=\"n\">"),
];

#[test]
fn they_are_told_from_what_looks_like_them() {
    for (text, expected) in CASES {
        assert_eq!(masked(Shape::Text, text), *expected, "{text}");
    }
}

#[test]
fn cuts_make_no_difference() {
    alike_at_every_cut(CASES);
}
