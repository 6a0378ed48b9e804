use sekisho_codec::framing::Step;

use super::*;

fn rules() -> Arc<Ruleset> {
    Arc::new(Ruleset::builder().embedded().unwrap().build().unwrap())
}

fn token() -> String {
    format!("gh{}_{}", 'p', "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
}

/// Tells the texts to both, as a message would, and gives back what became of them.
fn through(texts: &[(&[Step<'_>], bool, &str)], drops: bool) -> (Vec<Option<String>>, Vec<Finding>) {
    let (rules, mut leaves) = (rules(), Leaves::default());
    leaves.begin(1);
    let each = |all: &mut dyn Texts| -> Vec<Option<String>> {
        let one = |(path, fixed, text): &(&[Step<'_>], bool, &str)| {
            let instead = all.text(&Place { path, fixed: *fixed }, text.as_bytes());
            instead.map(|bytes| String::from_utf8(bytes).unwrap())
        };
        texts.iter().map(one).collect()
    };
    each(&mut leaves);
    let found = redact(&rules, Shape::Text, &leaves.text).findings;
    let mut edits = Edits::new(&rules, &leaves, found, drops);
    let out = each(&mut edits);
    (out, edits.into_findings())
}

#[test]
fn what_stands_under_a_name_reads_as_it_would_in_json() {
    let (out, found) = through(
        &[
            (&[], false, "GET /index.html"),
            (&[Step::Field("attributes"), Step::Name(b"password")], false, "two \"words\"\nand more"),
            (&[Step::Name(b"note")], false, "it's \"fine\""),
            (&[Step::Name(b"secret"), Step::Name(b"inner")], false, "correct horse"),
            (&[Step::Name(b"password")], false, ""),
        ],
        false,
    );
    let wanted = [None, Some("****more".to_owned()), None, Some("****".to_owned()), None];
    assert_eq!(out, wanted);
    let fields: Vec<_> = found.iter().map(|finding| finding.field.clone().unwrap()).collect();
    assert_eq!(fields, ["attributes.password", "secret.inner"]);
}

#[test]
fn a_text_that_breaks_off_hides_nothing_behind_it() {
    let password: &[Step<'_>] = &[Step::Name(b"password")];
    for broken in ["{\"user\":\"x\",\"note\":\"cut o", "\"", "{\"a\":", "'", "x=\"y", "\\", "<a b=\"", "-----BEGIN "] {
        let (out, _) = through(&[(&[], false, broken), (password, false, "correct horse")], false);
        assert!(!out[1].as_deref().unwrap_or("correct horse").contains("correct"), "{broken}: {out:?}");
    }
}

#[test]
fn long_names_over_many_values_are_not_written_out_without_end() {
    let mut leaves = Leaves::default();
    leaves.begin(100_000);
    let name = vec![b'n'; 100_000];
    let path: Vec<_> = std::iter::repeat_n(Step::Name(&name), 8).collect();
    for _ in 0..100_000 {
        leaves.number(&Place { path: &path, fixed: false }, "1");
    }
    assert!(leaves.is_over());
    assert!(leaves.text.len() < 4 << 20, "{}", leaves.text.len());
}

#[test]
fn only_the_secret_of_a_text_is_masked() {
    let text = format!("first line\npushed with {} \"ok\"", token());
    let (out, found) = through(&[(&[Step::Name(b"msg")], false, &text), (&[], false, &text)], false);
    for out in out {
        let out = out.unwrap();
        assert!(out.starts_with("first line\npushed with gh") && out.ends_with(" \"ok\""), "{out}");
        assert!(!out.contains(token().get(8..30).unwrap()), "{out}");
    }
    assert_eq!(found.len(), 2);
}

#[test]
fn what_must_keep_its_length_keeps_it() {
    let text = format!("\u{1}\u{2}{}\u{3}", token());
    let (out, _) = through(&[(&[], true, &text), (&[Step::Name(b"token")], true, &text)], false);
    assert_eq!(out[0].as_deref(), Some(&*format!("\u{1}\u{2}{}\u{3}", "*".repeat(token().len()))));
    assert_eq!(out[1].as_deref(), Some(&*"*".repeat(text.len())));
}

#[test]
fn a_number_under_a_forbidden_name_becomes_a_mask() {
    let (rules, mut leaves) = (rules(), Leaves::default());
    leaves.begin(1);
    let password = [Step::Name(b"password")];
    let count = [Step::Name(b"count")];
    let each =
        |all: &mut dyn Texts| [&password, &count].map(|path| all.number(&Place { path, fixed: false }, "123456"));
    each(&mut leaves);
    let found = redact(&rules, Shape::Text, &leaves.text).findings;
    let mut edits = Edits::new(&rules, &leaves, found, false);
    assert_eq!(each(&mut edits), [Some(b"****".to_vec()), None]);
}

#[test]
fn what_is_escaped_is_unescaped() {
    let all: Vec<u8> = (0..=255).collect();
    let mut escaped = Vec::new();
    escape(&all, &mut escaped);
    assert_eq!(unescape(&escaped), Some(all));
}
