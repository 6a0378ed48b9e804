use proptest::prelude::*;

use super::*;

mod engines;

const MOST: usize = 4096;
const TIME: &str = "20260102-03:04:05";

/// A message from one side to the other.
fn draft(from: &str, number: u64, kind: &str) -> Draft {
    let to = if from == "DESK" { "VENUE" } else { "DESK" };
    Draft::new("FIX.4.4", kind)
        .field(tag::SENDER_COMP_ID, from)
        .field(tag::TARGET_COMP_ID, to)
        .field(tag::MSG_SEQ_NUM, number.to_string())
        .field(tag::SENDING_TIME, TIME)
}

fn order(number: u64) -> Vec<u8> {
    draft("DESK", number, "D")
        .field(11, format!("order-{number}"))
        .field(55, "ABC")
        .field(54, "1")
        .field(38, "10")
        .finish()
}

fn frame(bytes: &[u8]) -> Frame {
    let mut stream = Stream::new(MOST);
    stream.push(bytes);
    stream.frame().unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\u{1}', "|")
}

/// Every message in `bytes`, cut in pieces, and the errors between them.
fn read(bytes: &[u8], cuts: &[usize]) -> Vec<Result<String, FixError>> {
    let (mut stream, mut read, mut start) = (Stream::new(MOST), Vec::new(), 0);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
    cuts.sort_unstable();
    for cut in cuts {
        stream.push(&bytes[start..cut]);
        start = cut;
        loop {
            match stream.frame() {
                Ok(None) => break,
                Ok(Some(frame)) => read.push(frame.message().map(|_| text(frame.bytes()))),
                Err(why @ FixError::Garbled(_)) => read.push(Err(why)),
                Err(why) => {
                    read.push(Err(why));
                    return read;
                }
            }
        }
    }
    read
}

#[test]
fn a_message_as_the_standard_shows_one() {
    let shown = "8=FIX.4.2|9=65|35=A|49=SERVER|56=CLIENT|34=177|52=20090107-18:15:16|98=0|108=30|10=062|";
    let bytes = shown.replace('|', "\u{1}").into_bytes();
    let frame = frame(&bytes);
    let message = frame.message().unwrap();
    assert_eq!((frame.kind(), message.version(), message.number()), ("A", "FIX.4.2", Some(177)));
    assert_eq!(message.text(108), Some("30"));
    let draft = Draft::in_place_of(&message, "A").field(98, "0").field(108, "30").finish();
    assert_eq!(text(&draft), shown);
}

#[test]
fn what_is_not_sound_is_told() {
    let sound = order(1);
    let with = |from: &str, to: &str| text(&sound).replacen(from, to, 1).replace('|', "\u{1}").into_bytes();
    let resummed = |fields: &str| {
        let body = fields.replace('|', "\u{1}");
        let head = format!("8=FIX.4.4\u{1}9={}\u{1}{body}", body.len());
        let sum = head.bytes().fold(0_u8, u8::wrapping_add);
        format!("{head}10={sum:03}\u{1}").into_bytes()
    };
    let length = text(&sound).split('|').nth(1).unwrap().to_owned();
    for (what, bytes, broken) in [
        ("another beginning", with("8=FIX", "8=FOX"), true),
        ("a version with a space", with("FIX.4.4", "FIX 4.4"), true),
        ("no BodyLength", with("9=", "7="), true),
        ("a BodyLength that is no number", with(&length, "9=x"), true),
        ("a BodyLength too short", with(&length, "9=20"), true),
        ("a wrong sum", with("54=1", "54=2"), false),
        ("a sum that is no number", [&sound[..sound.len() - 4], b"x", &sound[sound.len() - 3..]].concat(), false),
        ("no MsgType", resummed("34=1|35=D|"), false),
        ("a MsgType that is no word", resummed("35=D/|34=1|"), false),
        ("a tag that is no number", resummed("35=D|x=1|"), false),
        ("a tag with a zero before it", resummed("35=D|034=1|"), false),
        ("a tag without a value", resummed("35=D|34=|"), false),
        ("a field without a tag", resummed("35=D|=1|"), false),
        ("a second BodyLength", resummed("35=D|9=5|"), false),
        ("a CheckSum within", resummed("35=D|10=000|"), false),
        ("a length without data", resummed("35=D|95=3|"), false),
        ("a length with other data", resummed("35=D|95=3|58=abc|"), false),
        ("data shorter than said", resummed("35=D|95=9|96=abc|"), false),
    ] {
        let outcome = read(&[&bytes[..], &order(2)].concat(), &[]);
        match outcome.first() {
            Some(Err(FixError::Broken(_))) => assert!(broken, "{what}: {outcome:?}"),
            Some(Err(FixError::Garbled(_))) => {
                assert!(!broken && outcome.len() == 2 && outcome[1].is_ok(), "{what}: {outcome:?}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    let long = draft("DESK", 1, "B").field(58, "x".repeat(MOST)).finish();
    assert_eq!(read(&long, &[]), [Err(FixError::TooLarge)]);
}

#[test]
fn raw_data_may_have_the_end_of_a_field_in_it() {
    let body = "35=A\u{1}34=1\u{1}95=5\u{1}96=a\u{1}10=\u{1}98=0\u{1}";
    let head = format!("8=FIX.4.4\u{1}9={}\u{1}{body}", body.len());
    let sum = head.bytes().fold(0_u8, u8::wrapping_add);
    let frame = frame(format!("{head}10={sum:03}\u{1}").as_bytes());
    let message = frame.message().unwrap();
    assert_eq!(message.get(96), Some(&b"a\x0110="[..]));
    assert_eq!(message.get(98), Some(&b"0"[..]));
}

#[test]
fn a_log_shows_no_credential() {
    let logon = draft("DESK", 1, "A")
        .field(98, "0")
        .field(95, "6")
        .field(96, "signed")
        .field(553, "desk")
        .field(554, "pass\nword");
    let logon = logon.field(58, "line\nbreak").finish();
    let frame = frame(&logon);
    let shown = shown(&frame.message().unwrap());
    assert_eq!(
        shown,
        "8=FIX.4.4|35=A|49=DESK|56=VENUE|34=1|52=20260102-03:04:05|98=0|95=6|96=****|553=****|554=****|58=line?break|"
    );
    assert_eq!(frame.message().unwrap().credentials().len(), 3);
}

#[test]
fn a_field_that_decides_and_is_there_twice_is_told() {
    let twice = draft("DESK", 1, "D").field(54, "2").field(77, "C").field(54, "1").finish();
    assert_eq!(frame(&twice).message().unwrap().given_twice(), Some(54));
    let group = draft("DESK", 1, "D").field(453, "2").field(448, "a").field(448, "b").finish();
    assert_eq!(frame(&group).message().unwrap().given_twice(), None);
}

#[test]
fn each_kind_of_message_is_answered_in_its_way() {
    let request = |kind: &str| {
        draft("DESK", 7, kind)
            .field(11, "new")
            .field(41, "old")
            .field(37, "77")
            .field(55, "ABC")
            .field(54, "2")
            .field(38, "5")
            .finish()
    };
    let answered = |request: &[u8]| {
        let frame = frame(request);
        let message = frame.message().unwrap();
        let mut session = Session::new(4);
        let instead = session.take_out(&message, Some((Answer::to(&message, "halted", "x-1"), "x-1")));
        assert_eq!(self::frame(&instead).message().unwrap().number(), Some(7));
        let heartbeat = draft("VENUE", 40, "0").field(tag::TEST_REQ_ID, "x-1").finish();
        text(&session.received(&self::frame(&heartbeat).message().unwrap()).unwrap())
    };
    let head = |kind: &str| format!("35={kind}|49=VENUE|56=DESK|34=40|52={TIME}|");
    for (kind, expected) in [
        (
            "D",
            format!(
                "{}37=NONE|17=x-1|150=8|39=8|103=0|11=new|55=ABC|54=2|38=5|151=0|14=0|6=0|58=halted|60={TIME}|",
                head("8")
            ),
        ),
        ("F", format!("{}37=77|39=0|434=1|102=2|11=new|41=old|58=halted|60={TIME}|", head("9"))),
        ("G", format!("{}37=77|39=0|434=2|102=2|11=new|41=old|58=halted|60={TIME}|", head("9"))),
        ("E", format!("{}45=7|372=E|380=0|58=halted|60={TIME}|", head("j"))),
    ] {
        let answer = answered(&request(kind));
        assert!(answer.contains(&expected), "{kind}: {answer}\n{expected}");
        frame(answer.replace('|', "\u{1}").as_bytes());
    }
    let old = text(&request("D")).replace("FIX.4.4", "FIX.4.2").replace('|', "\u{1}");
    let old = frame_with_sum(&old);
    assert!(answered(&old).contains("17=x-1|20=0|150=8|"), "4.2 has an ExecTransType");
}

/// The same message with its sum put right.
fn frame_with_sum(text: &str) -> Vec<u8> {
    let body = text.rsplit_once("10=").unwrap().0;
    let sum = body.bytes().fold(0_u8, u8::wrapping_add);
    format!("{body}10={sum:03}\u{1}").into_bytes()
}

#[test]
fn a_duplicate_of_what_is_not_known_here_is_told() {
    let mut session = Session::new(2);
    let again = |number| {
        let first = order(number);
        let frame = frame(&first);
        let message = frame.message().unwrap();
        Draft::again(&message, "D", number).field(11, "a").finish()
    };
    let sent = |session: &mut Session, bytes: &[u8]| session.sent(&frame(bytes).message().unwrap());
    assert_eq!(sent(&mut session, &again(3)), Some(Resent::Unknown));
    assert_eq!(sent(&mut session, &order(5)), Some(Resent::No));
    assert_eq!(sent(&mut session, &again(4)), Some(Resent::Unknown));
    assert_eq!(sent(&mut session, &again(5)), Some(Resent::Passed));
    for number in [6, 7, 8] {
        let _instead = session.take_out(&frame(&order(number)).message().unwrap(), None);
    }
    assert_eq!(sent(&mut session, &again(6)), Some(Resent::Unknown), "what is forgotten is not taken for passed");
    assert_eq!(sent(&mut session, &again(8)), Some(Resent::Refused));
    let reset = draft("DESK", 1, "A").field(tag::RESET_SEQ_NUM, "Y").finish();
    assert_eq!(sent(&mut session, &reset), Some(Resent::No));
    assert_eq!(sent(&mut session, &again(8)), Some(Resent::Passed), "numbers begin anew");
    assert_eq!(sent(&mut session, &Draft::new("FIX.4.4", "D").finish()), None);
}

proptest! {
    #[test]
    fn where_a_stream_is_cut_makes_no_difference(
        numbers in proptest::collection::vec(1_u64..1000, 0..4),
        change in proptest::option::weighted(0.4, (any::<prop::sample::Index>(), any::<u8>())),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| order(*number)).collect();
        if let Some((at, byte)) = change.filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert_eq!(read(&bytes, &[]), read(&bytes, &cuts));
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), body in "[0-9=\u{1}A-D]{0,60}") {
        let _either_way = read(&bytes, &[]);
        let head = format!("8=FIX.4.2\u{1}9={}\u{1}{body}", body.len());
        let sum = head.bytes().fold(0_u8, u8::wrapping_add);
        let _either_way = read(format!("{head}10={sum:03}\u{1}").as_bytes(), &[]);
    }
}
