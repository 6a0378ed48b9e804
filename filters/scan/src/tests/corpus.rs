//! Hostile texts: secrets of many kinds in many wrappings, with noise between.

use proptest::prelude::*;

use super::expand::{Dice, expand};
use super::known;

/// Bytes that print as text when a property fails.
pub(super) struct Hostile(pub(super) Vec<u8>);

impl std::fmt::Debug for Hostile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Bytes made of pieces of [`PIECES`], noise and the known secret.
pub(super) fn hostile() -> impl Strategy<Value = Hostile> {
    (any::<u64>(), 1..12usize).prop_map(|(seed, pieces)| Hostile(text(&mut Dice(seed), pieces)))
}

/// The same, each piece on lines of its own: what is masked gives its neighbour no new beginning.
pub(super) fn apart() -> impl Strategy<Value = Hostile> {
    (any::<u64>(), 1..12usize).prop_map(|(seed, pieces)| {
        let mut dice = Dice(seed);
        Hostile((0..pieces).flat_map(|_| [text(&mut dice, 1), vec![b'\n']].concat()).collect())
    })
}

pub(super) fn text(dice: &mut Dice, pieces: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..pieces {
        match dice.below(12) {
            0 => {
                let length = dice.below(40);
                bytes.extend((0..length).map(|_| dice.next().to_le_bytes()[0]));
            }
            1 => bytes.extend(known().bytes()),
            2 | 3 if bytes.last().is_some_and(u8::is_ascii_alphanumeric) => bytes.push(b' '),
            2 => bytes.extend(known().encode_utf16().flat_map(u16::to_le_bytes)),
            3 => {
                let wide = expand("password={{alnum:9}} ", dice);
                bytes.extend(wide.encode_utf16().flat_map(u16::to_le_bytes));
            }
            4 => {
                let length = dice.below(400);
                bytes.extend(dice.text("alnum", length).bytes());
            }
            _ => {
                let piece = PIECES[dice.below(PIECES.len())];
                bytes.extend(expand(piece, dice).bytes());
            }
        }
        match dice.below(5) {
            0 => bytes.push(b'\n'),
            1 => bytes.push(b' '),
            2 => bytes.push(b','),
            3 => bytes.push(b'"'),
            _ => {}
        }
    }
    bytes
}

const PIECES: &[&str] = &[
    "{\"password\":\"{{alnum:20}}\",\"n\":1}",
    "{\"a\":\"{\\\"token\\\":\\\"{{alnum:9}}\\\"}\",\"z\":[1,2]}",
    "{\"credentials\":{\"a\":[1,true,\"{{alnum:5}}\"],\"b\":null},\"c\":2}",
    "password={{alnum:7}}",
    "password=\"{{alnum:7}} x\"",
    "api_key: {{alnum:300}}",
    "secret=",
    "\"token\":",
    "user=a&pass%77ord={{alnum:20}}&x=1",
    "{{split:gh|p_}}{{alnum:36}}",
    "AKIA{{b32:16}}",
    "{{digit:9}}:AA{{b64u:33}}",
    "{{jwt}}",
    "eyJ{{alnum:40}}",
    "-----{{split:BEG|IN}} PRIVATE KEY-----\n{{b64:64}}\n-----{{split:EN|D}} PRIVATE KEY-----\n",
    "\"-----{{split:BEG|IN}} PRIVATE KEY-----\\n{{b64:300}}\\n-----{{split:EN|D}} PRIVATE KEY-----\"",
    "postgres://u:{{alnum:8}}@h/x",
    "Authorization: Bearer {{alnum:30}}\n",
    "Authorization: Digest username=\"{{alnum:5}}\", response=\"{{hex:32}}\"\n",
    "Basic {{basic}} ",
    "8=FIX.4.4|35=A|554={{alnum:12}}|10=001|",
    " {{wif}} ",
    " {{stellar}} ",
    "{\"p\\u0061ssword\":\"{{alnum:12}}\"}\n",
    "x%3Dpassword%3D{{alnum:8}} ",
    "%41KIA{{b32:16}}",
    "\\u0041KIA{{b32:16}}",
    "\\\\\\",
    "://",
    "****",
    "token=****abcd ",
    "order {{digit:19}} filled {{hex:64}} at 12:34:56 ",
    "10.0.0.1 - - [01/Jan/2026:12:34:56] \"GET /a?b=c HTTP/1.1\" 200\n",
    "id,owner,db_password,region\n{{digit:4}},bob,{{alnum:12}},eu\n7,\"a\",\"{{alnum:3}}\"\"x,\",us\n",
    "a;token\r\n{{alnum:3}};{{alnum:9}}\r\n",
    " eyB1c2VyOiBib2IsIHBhc3N3b3JkOiBodW50ZXIy{{split:LCBu|OiAxIH0}}",
    " 7b2275736572223a22626f62222c2270617373776f7264223a2278797a7879227d",
    "&quot;password&quot;:&quot;{{alnum:6}}&quot; &#x26; ",
    "\\x22token\\x22:\\x22{{alnum:8}}\\x22",
    "db.example.com:5432:*:app:{{alnum:9}} ",
    "pw: {{alnum:8}} ",
    "{{discord}} {{xrp}} ",
    "{\"a\":1,\"secret\":\"{{alnum:4}}\",\"token\":\"{{alnum:17}}\"}",
];
