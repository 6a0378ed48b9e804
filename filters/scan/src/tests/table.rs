//! Tables whose first line names their columns.

use super::*;

const CASES: &[(&str, &str)] = &[
    (
        "id,owner,db_password,region\n1,bob,hunter2,eu\n2,ann,secret9,us\n",
        "id,owner,db_password,region\n1,bob,****,eu\n2,ann,****,us\n",
    ),
    // the last column, CRLF, no line break at the end
    ("id,api_key\r\n1,abc\r\n2,def", "id,api_key\r\n1,****\r\n2,****"),
    // the first, and other delimiters
    ("token;n\nabcdefgh;1\n", "token;n\n****;1\n"),
    ("user\ttoken\nbob\tabcdefgh\n", "user\ttoken\nbob\t****\n"),
    ("user|token\nbob|abcdefgh\n", "user|token\nbob|****\n"),
    // quotes, doubled quotes, a delimiter and a line break in a value
    ("\"id\",\"password\",\"n\"\n1,\"a,b\"\"c\nd\",2\n", "\"id\",\"password\",\"n\"\n1,\"****\",2\n"),
    // two columns, and a value with a shape of its own
    ("api_key,secret,x\naaaa,bbbb,cccc\n", "api_key,secret,x\n****,****,cccc\n"),
    // empty, masked and referring values stay
    ("id,password\n1,\n2,****\n3,null\n4,${PW}\n", "id,password\n1,\n2,****\n3,null\n4,${PW}\n"),
    // in markets a token is a thing to trade
    ("id,token\n1,USDC\n", "id,token\n1,USDC\n"),
    // a line of another width ends it
    ("id,password\n1,hunter2\nthat was all\n2,hunter2\n", "id,password\n1,****\nthat was all\n2,hunter2\n"),
    ("id,password\n\n2,hunter2\n", "id,password\n\n2,hunter2\n"),
    // sentences are no tables
    (
        "give your name, password, and city\nthis, that, other\n",
        "give your name, password, and city\nthis, that, other\n",
    ),
    ("import os,secrets\nimport re,json\n", "import os,secrets\nimport re,json\n"),
    ("the password\nis gone\n", "the password\nis gone\n"),
    // columns behind a masked one are searched for themselves
    ("password,url\nhunter2,redis://:hunter3@h/0\n", "password,url\n****,redis://:****@h/0\n"),
];

#[test]
fn values_are_masked_under_forbidden_columns() {
    for (text, expected) in CASES {
        assert_eq!(masked(Shape::Text, text), *expected, "{text}");
    }
}

#[test]
fn cuts_make_no_difference() {
    alike_at_every_cut(CASES);
}

#[test]
fn a_long_table_is_masked_to_its_end_and_findings_name_the_column() {
    let mut text = String::from("when,who,api_secret,amount\n");
    let mut expected = text.clone();
    for row in 0..5_000 {
        text.push_str(&format!("{row},bob,s{row}ecret,{row}\n"));
        expected.push_str(&format!("{row},bob,****,{row}\n"));
    }
    let rules = rules();
    let redacted = redact(&rules, Shape::Text, text.as_bytes());
    assert!(&*redacted.bytes == expected.as_bytes());
    assert_eq!(redacted.findings.len(), 5_000);
    assert!(redacted.findings.iter().all(|finding| finding.field.as_deref() == Some("api_secret")));
}

#[test]
fn a_row_longer_than_the_hold_is_a_finding() {
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().hold_bytes(256).build().unwrap());
    let text = format!("id,password\n1,{}\n2,hunter2\n", "x y".repeat(300));
    let redacted = redact(&rules, Shape::Text, text.as_bytes());
    assert_eq!(String::from_utf8_lossy(&redacted.bytes), "id,password\n****\n2,****\n");
    assert_eq!(&*redacted.findings[0].detector, "unscanned");
}
