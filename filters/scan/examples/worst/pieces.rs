//! Texts made to be slow: a piece repeated for ever, each piece something that makes the scanner look.

/// Every piece: literals of the packs in all company, and structure around structure.
pub(super) fn pieces() -> Vec<Vec<u8>> {
    let anchors = anchors();
    let mut pieces: Vec<String> = STRUCTURE.iter().map(|piece| (*piece).to_owned()).collect();
    for anchor in &anchors {
        pieces.push(anchor.clone());
        for link in LINKS {
            pieces.push(format!("{anchor}{link}"));
        }
        pieces.push(format!("{anchor}{}", "aB3".repeat(20)));
        pieces.push(format!("{anchor}{}!", "0f".repeat(20)));
        pieces.push(format!("{}{anchor}", "0f".repeat(20)));
    }
    for (one, other) in anchors.iter().zip(anchors.iter().skip(1)) {
        pieces.push(format!("{one}-{other}-"));
    }
    for one in STRUCTURE {
        for other in STRUCTURE {
            pieces.push(format!("{one}{other}"));
        }
    }
    for deep in ["password", "://a:b", "eyJhIjoi", "{\"token\":"] {
        let percent: String = deep.bytes().map(|byte| format!("%{byte:02x}")).collect();
        pieces.push(percent.replace('%', "%25"));
        pieces.push(percent.replace('%', "%2525"));
        pieces.push(deep.bytes().map(|byte| format!("\\u00{byte:02x}")).collect());
        pieces.push(deep.bytes().flat_map(|byte| [char::from(byte), '\0']).collect());
        pieces.push(percent);
    }
    pieces.extend(APART.iter().map(|piece| (*piece).to_owned()));
    pieces.sort();
    pieces.dedup();
    pieces.into_iter().map(String::into_bytes).collect()
}

/// The literals of the packs' patterns.
fn anchors() -> Vec<String> {
    let quoted = PACKS.iter().flat_map(|pack| pack.lines()).filter_map(|line| line.trim().strip_prefix("- '"));
    let patterns = quoted.filter(|text| text.contains('{') && !text.contains("{{"));
    let mut anchors: Vec<String> = patterns
        .filter_map(|text| {
            let behind_lead =
                text.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or(text, |(_, rest)| rest);
            let (anchor, _) = behind_lead.split_once('{')?;
            Some(anchor.to_owned())
        })
        .collect();
    anchors.extend(["BEGIN ", "eyJ", "asic ", "earer "].map(str::to_owned));
    anchors.sort();
    anchors.dedup();
    anchors
}

/// Names that no separator joins to their value.
const APART: [&str; 16] = [
    "password ",
    "password is ",
    "the key for a b c d ",
    "secret key secret key ",
    "mnemonic: abandon ",
    "mnemonic=abandon ability ",
    "<password>",
    "<password><",
    "--password ",
    "\"token\",",
    "name=\"password\"\n",
    "mysql -p",
    "curl -u a:",
    "Private-Lines: 1 ",
    "password: |\n ",
    "Cookie: a=b; ",
];

const LINKS: [&str; 6] = [".", "-", "/", "=", "%41", "{"];

const STRUCTURE: [&str; 31] = [
    "order filled at 64120.10 ",
    "abandon ",
    "a",
    "7",
    "K",
    "a=",
    "://",
    "a://b:c",
    "@",
    "password=",
    "token:",
    "\"password\":",
    "\"password\":{},",
    "\"secret\":[[",
    "\"token\":\"",
    "\"",
    "\\",
    "\\\"",
    "{",
    ")",
    "];",
    ",x=",
    "<",
    "${",
    "****",
    "%41",
    "%2541",
    "\\u0041",
    "-----BEGIN ",
    "554=",
    "\0",
];

const PACKS: [&str; 7] = [
    include_str!("../../../packs/providers.yaml"),
    include_str!("../../../packs/structures.yaml"),
    include_str!("../../../packs/exchanges.yaml"),
    include_str!("../../../packs/wallets.yaml"),
    include_str!("../../../packs/generic.yaml"),
    include_str!("../../../packs/places.yaml"),
    include_str!("../../../packs/personal.yaml"),
];
