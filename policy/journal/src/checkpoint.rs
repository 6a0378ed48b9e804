//! The signed root of the journal at one size: a C2SP tlog-checkpoint inside a C2SP signed note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{SignerKey, VerifierKey};
use crate::tree::Hash;

/// What the journal was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the journal; also the name of the key that signs it.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: origin, size and root, each on its line.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The note: the text, an empty line, the signature.
    #[must_use]
    pub fn sign(&self, key: &SignerKey) -> String {
        let text = self.text();
        let signature = key.signature_line(&text);
        format!("{text}\n{signature}")
    }

    /// Reads a note and checks its signature. Signatures of other keys (witnesses) may stand beside it.
    ///
    /// # Errors
    ///
    /// When it is no note, is not signed by `key`, or its text is not the one this key may sign.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE || note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError::Form);
        }
        let (body, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let text = format!("{body}\n");
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Form)?;
        let mut signed = false;
        for line in lines.split('\n') {
            let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::Form)?;
            let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Form)?;
            let blob = STANDARD.decode(encoded).map_err(|_| NoteError::Form)?;
            if name != key.name() {
                continue;
            }
            match key.checks(&text, &blob) {
                Some(true) => signed = true,
                Some(false) => return Err(NoteError::Signature),
                None => {}
            }
        }
        if !signed {
            return Err(NoteError::Unsigned);
        }
        let checkpoint = Self::parse(&text)?;
        if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(NoteError::Origin) }
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, ""] = lines[..] else {
            return Err(NoteError::Text);
        };
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| NoteError::Text)?,
            root: STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(NoteError::Text)?,
        };
        // One way to write each: no sign, no leading zero.
        if checkpoint.text() == text { Ok(checkpoint) } else { Err(NoteError::Text) }
    }
}

/// Why a note is no checkpoint of this journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("it is not a signed note")]
    Form,
    /// No signature of the key.
    #[error("it carries no signature of this key")]
    Unsigned,
    /// A signature of the key that does not fit the text.
    #[error("the signature does not fit the text")]
    Signature,
    /// A text other than origin, size, root.
    #[error("the signed text is not origin, size and root")]
    Text,
    /// Signed by a key that had been handed over to the next.
    #[error("only a key signed it that had been handed over before")]
    Retired,
    /// Signed for another journal.
    #[error("it is the checkpoint of another journal")]
    Origin,
}

/// Longest note, in bytes.
const MAX_NOTE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyError;

    fn key(name: &str, n: u8) -> SignerKey {
        SignerKey::from_seed(name, &[n; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "desk.example/engine".into(), size: 42, root: [7; 32] }
    }

    #[test]
    fn a_note_is_read_back_by_its_key_and_by_no_other() {
        let signer = key("desk.example/engine", 1);
        let note = checkpoint().sign(&signer);
        assert_eq!(Checkpoint::open(&note, signer.verifier()), Ok(checkpoint()));
        let stranger = key("desk.example/engine", 2);
        assert_eq!(Checkpoint::open(&note, stranger.verifier()), Err(NoteError::Unsigned));
        let namesake = key("desk.example/other", 1);
        assert_eq!(Checkpoint::open(&note, namesake.verifier()), Err(NoteError::Unsigned));
    }

    #[test]
    fn every_changed_byte_is_seen() {
        let signer = key("desk.example/engine", 1);
        let note = checkpoint().sign(&signer);
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(Checkpoint::open(&changed, signer.verifier()).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn a_witness_may_sign_beside_it() {
        let signer = key("desk.example/engine", 1);
        let witness = key("witness.example", 9);
        let mut note = checkpoint().sign(&signer);
        note.push_str(&witness.signature_line(&checkpoint().text()));
        assert_eq!(Checkpoint::open(&note, signer.verifier()), Ok(checkpoint()));
    }

    #[test]
    fn only_one_spelling_is_accepted() {
        let signer = key("o", 1);
        let root = STANDARD.encode([7; 32]);
        for text in [
            format!("o\n042\n{root}\n"),
            format!("o\n+42\n{root}\n"),
            format!("o\n42\n{root}\nmore\n"),
            format!("o\n42\n{}\n", STANDARD.encode([7; 31])),
            "o\n42\n".to_owned(),
        ] {
            let note = format!("{text}\n{}", signer.signature_line(&text));
            assert_eq!(Checkpoint::open(&note, signer.verifier()), Err(NoteError::Text), "{text}");
        }
        let other = Checkpoint { origin: "p".into(), ..checkpoint() };
        assert_eq!(Checkpoint::open(&other.sign(&signer), signer.verifier()), Err(NoteError::Origin));
    }

    /// The example key of the Go package golang.org/x/mod/sumdb/note, which the format comes from.
    #[test]
    fn a_verifier_key_of_another_implementation_is_read() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!(key.name(), "PeterNeumann");
        assert_eq!(key.to_string(), text);
        let note = "If you think cryptography is the answer to your problem,\n\
             then you don't know what your problem is.\n\
             \n\
             \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        // signed as it should be; only its text is no checkpoint
        assert_eq!(Checkpoint::open(note, &key), Err(NoteError::Text));
    }

    #[test]
    fn keys_that_are_none_are_refused_and_the_signer_does_not_print() {
        let good = key("o", 1).verifier().to_string();
        assert!(good.parse::<VerifierKey>().is_ok());
        assert_eq!("o".parse::<VerifierKey>(), Err(KeyError::Form));
        assert_eq!(good.replacen('o', "p", 1).parse::<VerifierKey>(), Err(KeyError::Id));
        assert!(matches!(SignerKey::from_seed("a b", &[1; 32]), Err(KeyError::Name)));
        assert!(matches!(SignerKey::from_seed("", &[1; 32]), Err(KeyError::Name)));
        assert_eq!(format!("{:?}", key("o", 1)), "SignerKey { name: \"o\", .. }");
    }
}
