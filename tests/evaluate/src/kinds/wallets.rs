//! Keys of wallets: who reads one can move what it holds.

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use super::{Kind, kind};
use crate::case::secret;
use crate::checks::{base32_crc16, base58, base58check};
use crate::rng::{BASE58, RIPPLE, Rng};

pub(super) const KINDS: [Kind; 10] = [
    kind("ethereum private key", |rng| format!("{}{}", rng.pick(&["", "0x"]), rng.hex(64)))
        .names(&["private key", "eth private key", "wallet private key", "deployer private key", "signer key", "privkey"]).own(&[
            |rng| format!("npx hardhat run x.js  # PRIVATE_KEY={}", secret(rng.hex(64))),
            |rng| format!("new ethers.Wallet(\"0x{}\", provider)", secret(rng.hex(64))),
            |rng| format!("cast send 0x00 --private-key 0x{}", secret(rng.hex(64))),
            |rng| format!("(0) 0x{} (10000 ETH)\nPrivate Key: 0x{}", rng.hex(40), secret(rng.hex(64))),
        ]),
    kind("ethereum keystore", |_| String::new()).own(&[
        |rng| format!("{{\"version\":3,\"id\":\"{}\",\"address\":\"{}\",\"crypto\":{{\"ciphertext\":\"{}\",\"cipherparams\":{{\"iv\":\"{}\"}},\"cipher\":\"aes-128-ctr\",\"kdf\":\"scrypt\",\"kdfparams\":{{\"dklen\":32,\"salt\":\"{}\",\"n\":8192,\"r\":8,\"p\":1}},\"mac\":\"{}\"}}}}", rng.uuid(), rng.hex(40), secret(rng.hex(64)), rng.hex(32), rng.hex(64), rng.hex(64)),
    ]),
    kind("bitcoin wif", |rng| {
        let mut payload = [&[0x80][..], &rng.bytes(32)].concat();
        if rng.one_in(2) { payload.push(1); }
        broken(rng, base58check(BASE58, &payload))
    }).names(&["wif", "bitcoin private key", "btc key"]).bare().own(&[
        |rng| { let payload = [&[0x80][..], &rng.bytes(32), &[1]].concat(); format!("bitcoin-cli importprivkey {}", secret(base58check(BASE58, &payload))) },
    ]),
    kind("bip-32 private key", |rng| {
        let version = rng.pick(&[[0x04, 0x88, 0xad, 0xe4], [0x04, 0x9d, 0x78, 0x78], [0x04, 0xb2, 0x43, 0x0c], [0x04, 0x35, 0x83, 0x94]]);
        let payload = [&version[..], &[0; 9], &rng.bytes(32), &[0], &rng.bytes(32)].concat();
        base58check(BASE58, &payload)
    }).names(&["xprv", "master key", "extended private key"]).bare(),
    kind("bip-39 phrase", phrase).names(&["mnemonic", "seed phrase", "recovery phrase", "wallet mnemonic"]).bare().own(&[
        |rng| format!("{{\"mnemonic\":[\"{}\"]}}", secret(phrase(rng).replace(' ', "\",\""))),
        |rng| { let numbered: Vec<_> = phrase(rng).split(' ').enumerate().map(|(at, word)| format!("{}. {}", at + 1, secret(word))).collect(); format!("Recovery phrase:\n{}", numbered.join("\n")) },
        |rng| format!("anvil --mnemonic \"{}\"", secret(phrase(rng))),
    ]),
    kind("solana key", solana).names(&["solana private key", "wallet secret key", "keypair", "secret key"]).own(&[
        |rng| { let key = pair(rng); let list = key.iter().map(u8::to_string).collect::<Vec<_>>().join(","); format!("[{}]", secret(list)) },
        |rng| { let key = pair(rng); let list = key.iter().map(u8::to_string).collect::<Vec<_>>().join(", "); format!("{{\"secretKey\": [{}]}}", secret(list)) },
        |rng| format!("bs58.decode('{}')", secret(solana(rng))),
    ]),
    kind("stellar seed", |rng| { let seed = base32_crc16(&[&[0x90][..], &rng.bytes(32)].concat()); broken(rng, seed) }).names(&["stellar secret", "stellar seed", "secret seed"]).bare(),
    kind("xrp seed", |rng| {
        let payload = if rng.one_in(2) { [&[0x21][..], &rng.bytes(16)].concat() } else { [&[0x01, 0xe1, 0x4b][..], &rng.bytes(16)].concat() };
        base58check(RIPPLE, &payload)
    }).names(&["xrp seed", "ripple secret", "wallet seed", "master seed"]).bare(),
    kind("starknet and cosmos keys", |rng| rng.hex(64)).names(&["stark private key", "l2 private key", "cosmos private key", "agent private key", "dydx mnemonic key"]),
    kind("monero and others", |_| String::new()).own(&[
        |rng| format!("spend key: {}\nview key: {}", secret(rng.hex(64)), secret(rng.hex(64))),
        |rng| format!("Secret Key (ed25519): {}", secret(rng.hex(64))),
        |rng| format!("suiprivkey1{}", secret(rng.of("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 59))),
        |rng| format!("edsk{}", secret(rng.of(BASE58, 50))),
    ]),
];

/// One in five has a wrong checksum, as examples do.
fn broken(rng: &mut Rng, value: String) -> String {
    if !rng.one_in(5) {
        return value;
    }
    let last = if value.ends_with('A') { "B" } else { "A" };
    format!("{}{last}", &value[..value.len() - 1])
}

fn pair(rng: &mut Rng) -> Vec<u8> {
    let seed: [u8; 32] = rng.bytes(32).try_into().unwrap();
    SigningKey::from_bytes(&seed).to_keypair_bytes().to_vec()
}

fn solana(rng: &mut Rng) -> String {
    base58(BASE58, &pair(rng))
}

/// 12 or 24 words whose checksum holds. Every eighth word of the list is enough for that.
fn phrase(rng: &mut Rng) -> String {
    let words: Vec<&str> = EIGHTHS.split_whitespace().collect();
    let count = rng.pick(&[12, 24]);
    loop {
        let chosen: Vec<usize> = (0..count).map(|_| rng.below(words.len())).collect();
        if holds(&chosen) {
            return chosen.iter().map(|at| words[*at]).collect::<Vec<_>>().join(" ");
        }
    }
}

/// BIP-39: behind the entropy stand its SHA-256's first bits, one for every 32.
fn holds(eighths: &[usize]) -> bool {
    let bits: Vec<u8> =
        eighths.iter().flat_map(|at| (0..11).rev().map(move |bit| u8::from((at * 8) >> bit & 1 == 1))).collect();
    let check = bits.len() / 33;
    let (entropy, sum) = bits.split_at(bits.len() - check);
    let bytes: Vec<u8> = entropy.chunks(8).map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    let digest = Sha256::digest(&bytes);
    sum.iter().enumerate().all(|(at, bit)| digest[at / 8] >> (7 - at % 8) & 1 == *bit)
}

/// The words 0, 8, 16, … of the English list.
const EIGHTHS: &str = "abandon absurd acoustic adapt advice agree alcohol alpha amount animal anxiety arch army artist asthma audit
    avoid baby bamboo basic beef bench bid blade blossom boil borrow brand bright brown bulk business cactus canal capital cart
    catch celery champion check chimney cinnamon claw climb clown code come congress copy country craft credit cross crush current
    damage day decorate deliver deposit despair dial dignity disease divorce donate dragon drink dune eagle ecology either elite
    empower energy enrich equal escape evoke excuse exotic extra faith fantasy favorite fence figure finish fix flip foam force
    foster fringe fun gallery gas genre ginger glide goat govern gravity grow gym harbor head help hire home host humor hybrid
    illegal improve indoor inject insect invite jacket job jungle key kitchen lab laptop lawn lecture length library link loan
    lottery lunar maid mandate marine math meat mention metal minimum mix monitor mosquito much must narrow neglect never noodle
    novel object october old only orchard other own pair parade patient pear perfect piano pink plastic poem pool poverty present
    prison project public puppy pyramid quote rain rare reason reduce relax render require retreat ribbon ring roast rose rug safe
    sample scale scissors search seek series shallow ship shove siege simple skate slam slot snack sock someone source speed spirit
    spread staff steak stock strike submit suit sure swallow swing tackle task tenant theme three tilt toast tomato topic toward
    train trend trouble tube twelve ugly unfair unlock upper useless valve velvet vessel village vital voyage warfare way weekend
    wheel wild winter wonder wrap yellow";

#[test]
fn phrases_and_seeds_are_sound() {
    // Sixteen zero bytes have the check bits 0011: the twelfth word is the fourth of the list, which is no eighth.
    let bits = |last: usize| std::iter::repeat_n(0, 11).chain([last]).collect::<Vec<_>>();
    assert!(!holds(&bits(0)) && !holds(&bits(1)));
    assert_eq!(EIGHTHS.split_whitespace().count(), 256);
    let mut rng = Rng::new(1);
    assert!(base32_crc16(&[&[0x90][..], &rng.bytes(32)].concat()).starts_with('S'));
    assert!(base58check(RIPPLE, &[&[0x01, 0xe1, 0x4b][..], &rng.bytes(16)].concat()).starts_with("sEd"));
    assert_eq!(phrase(&mut rng).split(' ').count() % 12, 0);
}
