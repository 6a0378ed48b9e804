use super::*;
use crate::chain::Handover;
use crate::checkpoint::Checkpoint;
use crate::contract::{JournalRange, VERSION, Versions};
use crate::event::Event;
use crate::names::EventType;
use crate::record::{Stamp, line};
use crate::tree::{Hash, Tree, leaf_hash};
use crate::verify::Verdict;

fn signer(n: u8) -> SignerKey {
    SignerKey::from_seed("test.example/journal", &[n; 32]).unwrap()
}

fn keys() -> KeyChain {
    KeyChain::of(signer(1).verifier())
}

fn journal(size: u64) -> Vec<Vec<u8>> {
    let kinds = [EventType::Operation, EventType::StateTightened, EventType::GateRecord];
    let one = |seq: u64| {
        let stamp =
            Stamp { seq, wall_ms: 1000 * seq, mono_ns: 0, boot_id: "b".into(), engine: "e".into(), retention: None };
        line(&Event::new(kinds[usize::try_from(seq % 3).unwrap()], "done"), &stamp).unwrap()
    };
    (0..size).map(one).collect()
}

fn joined<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    lines.into_iter().flat_map(|line| [&line[..], b"\n"].concat()).collect()
}

/// The parts of a sound bundle of the entries `from..to` of a journal of `size`.
fn parts((from, to): (usize, usize), size: u64) -> (SupportBundleManifest, Files) {
    let all = journal(size);
    let leaves: Vec<Hash> = all.iter().map(|line| leaf_hash(line)).collect();
    let mut tree = Tree::new();
    tree.extend(leaves.iter().copied());
    let proof = prove(&leaves[..], (from as u64, to as u64), size).unwrap();
    let of = |kind: &str| joined(all[from..to].iter().filter(|line| String::from_utf8_lossy(line).contains(kind)));
    let files = [
        (BundleKind::AuditEvents, joined(&all[from..to])),
        (BundleKind::Proofs, serde_json::to_vec(&proof).unwrap()),
        (BundleKind::SafetyTransitions, of("state.tightened")),
        (BundleKind::GateResults, of("gate.record")),
        (BundleKind::IntegrityReport, b"{}".to_vec()),
        (BundleKind::ReplayPointers, b"{}".to_vec()),
        (BundleKind::Policy, b"version: 1\n".to_vec()),
    ];
    let checkpoint = Checkpoint { origin: "test.example/journal".into(), size, root: tree.root() };
    let manifest = SupportBundleManifest {
        v: VERSION,
        id: "bundle-x".into(),
        incident: None,
        service: "desk".into(),
        created_by: "ann".into(),
        as_of: "1970-01-01T00:00:00.000Z".into(),
        checkpoint: checkpoint.sign(&signer(1)),
        verifier_key: signer(1).verifier().to_string(),
        journal: JournalRange {
            origin: checkpoint.origin.clone(),
            from: from as u64,
            to: to as u64,
            tree_size: size,
            root: hex(&checkpoint.root),
        },
        policy_hash: String::new(),
        versions: Versions { engine: "e".into(), contracts: VERSION },
        files: Vec::new(),
        refs: Vec::new(),
    };
    (manifest, files.map(|(kind, bytes)| (kind.path().to_owned(), (kind, bytes))).into_iter().collect())
}

fn sound(range: (usize, usize), size: u64) -> Bundle {
    let (manifest, files) = parts(range, size);
    make(manifest, files, &signer(1)).unwrap()
}

/// What was found, each kind once for each run of it.
fn kinds(archive: &[u8]) -> Vec<FaultKind> {
    let report = verify_bundle(archive, &keys());
    let mut kinds: Vec<FaultKind> = report.faults.iter().map(|fault| fault.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn every_stretch_of_every_size_is_proved() {
    for size in [1, 2, 3, 7, 8, 13, 33] {
        for from in 0..=size {
            for to in from..=size {
                let bundle = sound((from, to), size as u64);
                let report = verify_bundle(&bundle.archive, &keys());
                assert_eq!(report.verdict, Verdict::Pass, "{from}..{to} of {size}: {report}");
            }
        }
    }
}

#[test]
fn the_same_evidence_makes_the_same_bytes() {
    assert_eq!(sound((3, 9), 13).archive, sound((3, 9), 13).archive);
}

#[test]
fn any_changed_byte_is_found() {
    let good = sound((2, 5), 7).archive;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(verify_bundle(&bad, &keys()).verdict, Verdict::Fail, "byte {at}");
    }
    for length in (0..good.len()).step_by(256) {
        assert_eq!(kinds(&good[..length]), [FaultKind::Form], "cut at {length}");
    }
    assert_eq!(kinds(&[&good[..], &[0; 512]].concat()), [FaultKind::Form]);
}

/// Packs the entries of a sound bundle again after `change`.
fn repacked(change: impl Fn(&mut Vec<Entry>)) -> Vec<u8> {
    let mut entries = archive::unpack(&sound((2, 9), 13).archive).unwrap();
    change(&mut entries);
    pack(&entries)
}

fn at(entries: &[Entry], kind: BundleKind) -> usize {
    entries.iter().position(|entry| entry.path == kind.path()).unwrap()
}

#[test]
fn absence_extras_and_edits_are_named() {
    let other = archive::unpack(&sound((4, 11), 13).archive).unwrap();
    let events = BundleKind::AuditEvents;
    let table: [(&str, Vec<u8>, &[FaultKind]); 6] = [
        ("gone", repacked(|e| drop(e.remove(at(e, events)))), &[FaultKind::Missing]),
        (
            "edited",
            repacked(|e| {
                let at = at(e, BundleKind::Policy);
                e[at].bytes.push(b'#');
            }),
            &[FaultKind::Edited],
        ),
        ("extra", repacked(|e| e.push(Entry { path: "zz".into(), bytes: vec![1] })), &[FaultKind::Extra]),
        (
            "of another bundle",
            repacked(|e| {
                let at = at(e, events);
                e[at] = other[at].clone();
            }),
            &[FaultKind::Edited, FaultKind::Unproved],
        ),
        ("out of order", repacked(|e| e.swap(2, 3)), &[FaultKind::Form]),
        ("no signature", repacked(|e| drop(e.remove(1))), &[FaultKind::Form]),
    ];
    for (what, archive, expected) in table {
        assert_eq!(kinds(&archive), expected, "{what}");
    }
    let foreign = repacked(|entries| entries[1] = other[1].clone());
    assert_eq!(kinds(&foreign), [FaultKind::BadSignature], "the signature of another bundle");
    assert!(kinds(&sound((2, 9), 13).archive).is_empty());
}

#[test]
fn who_signs_anew_still_cannot_prove_what_the_journal_does_not_say() {
    let all = journal(13);
    let resigned = |change: &dyn Fn(&mut SupportBundleManifest, &mut Files)| {
        let (mut manifest, mut files) = parts((2, 9), 13);
        change(&mut manifest, &mut files);
        kinds(&make(manifest, files, &signer(1)).unwrap().archive)
    };
    let events = BundleKind::AuditEvents.path();
    let set = |files: &mut Files, path: &str, bytes: Vec<u8>| files.get_mut(path).unwrap().1 = bytes;
    let mut swapped = all[2..9].to_vec();
    swapped.swap(1, 2);
    assert_eq!(resigned(&|_, files| set(files, events, joined(&all[2..8]))), [FaultKind::Unproved], "cut");
    assert_eq!(resigned(&|_, files| set(files, events, joined(&swapped))), [FaultKind::Unproved], "reordered");
    assert_eq!(resigned(&|_, files| set(files, events, joined(&all[3..10]))), [FaultKind::Unproved], "moved");
    let invented = BundleKind::GateResults.path();
    assert_eq!(resigned(&|_, files| set(files, invented, b"{}\n".to_vec())), [FaultKind::Unproved], "invented");
    let gone = resigned(&|_, files| drop(files.remove(BundleKind::IntegrityReport.path())));
    assert_eq!(gone, [FaultKind::Missing], "a kind that has to be there");
    let (manifest, files) = parts((2, 9), 13);
    let foreign = make(manifest, files, &signer(2)).unwrap();
    assert_eq!(kinds(&foreign.archive), [FaultKind::BadSignature], "another key");
}

#[test]
fn a_bundle_leads_from_the_key_one_has_to_the_key_it_is_signed_with() {
    let mut chain = keys();
    chain.hand_over(Handover::sign(5, &signer(1), &signer(2)).unwrap()).unwrap();
    let signed = |by: u8, carried: Option<String>| {
        let (mut manifest, mut files) = parts((2, 9), 13);
        let checkpoint = Checkpoint::open(&manifest.checkpoint, signer(1).verifier()).unwrap();
        manifest.checkpoint = checkpoint.sign(&signer(by));
        let carried = carried.map(|text| (BundleKind::Keys.path().to_owned(), (BundleKind::Keys, text.into_bytes())));
        files.extend(carried);
        make(manifest, files, &signer(by)).unwrap().archive
    };
    let good = signed(2, Some(chain.text()));
    for known in [keys(), KeyChain::of(signer(2).verifier()), chain.clone()] {
        assert_eq!(verify_bundle(&good, &known).verdict, Verdict::Pass);
    }
    let stranger = verify_bundle(&good, &KeyChain::of(signer(3).verifier()));
    assert_eq!(stranger.verdict, Verdict::Fail, "{stranger}");
    assert!(kinds(&signed(2, None)).contains(&FaultKind::BadSignature), "nothing leads there");
    assert!(
        kinds(&signed(1, Some(chain.text()))).contains(&FaultKind::BadSignature),
        "by the key that was handed over"
    );
    assert_eq!(verify_bundle(&signed(2, None), &chain).verdict, Verdict::Pass, "who knows the way needs no statement");
    let broken = chain.text().replace("handover 1", "handover 2");
    assert!(kinds(&signed(2, Some(broken))).contains(&FaultKind::Unproved));
}
