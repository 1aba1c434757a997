use super::*;
use proptest::prelude::*;

const MAX: usize = 1_000;
const MASK: [u8; 4] = [0xa5, 0x00, 0x5a, 0xff];

/// A frame as a client sends it.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_text(&mut out, body);
    out[0] = first;
    out[1] |= MASKED;
    let at = out.len() - body.len();
    let mut bytes = out[..at].to_vec();
    bytes.extend_from_slice(&MASK);
    bytes.extend(body.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn text(body: &str) -> Vec<u8> {
    frame(FINAL | TEXT, body.as_bytes())
}

/// What a parser makes of the bytes, and how it ends.
fn read_by(parser: &mut Parser, bytes: &[u8]) -> (Vec<Inbound>, Result<(), Broken>) {
    let ended = parser.take(bytes);
    (std::iter::from_fn(|| parser.next()).collect(), ended)
}

fn read(bytes: &[u8]) -> (Vec<Inbound>, Result<(), Broken>) {
    read_by(&mut Parser::new(MAX), bytes)
}

fn broken(bytes: &[u8]) -> Broken {
    read(bytes).1.expect_err("it was taken")
}

fn said(message: &str) -> Inbound {
    Inbound::Text(message.to_owned())
}

#[test]
fn messages_come_in_their_order_with_what_is_between_their_fragments() {
    let stream = [
        text("one"),
        frame(TEXT, "tw\u{f6}".as_bytes()),
        frame(FINAL | PING, b"are you there"),
        frame(CONTINUATION, b""),
        frame(FINAL | CONTINUATION, b"!"),
        frame(FINAL | PONG, b""),
        frame(FINAL | TEXT, b""),
    ];
    let (inbound, ended) = read(&stream.concat());
    let ping = Inbound::Ping(Bytes::from_static(b"are you there"));
    assert_eq!(inbound, [said("one"), ping, said("tw\u{f6}!"), Inbound::Pong(Bytes::new()), said("")]);
    assert_eq!(ended, Ok(()));
}

#[test]
fn lengths_are_read_as_they_are_written() {
    for len in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let message = "x".repeat(len);
        let mut parser = Parser::new(len);
        let (inbound, ended) = read_by(&mut parser, &text(&message));
        assert_eq!((inbound, ended), (vec![said(&message)], Ok(())), "{len}");
        assert!(parser.is_idle());
    }
}

#[test]
fn a_frame_that_a_client_must_not_send_is_answered_with_1002() {
    let second = |first: u8, second: u8| vec![first, second];
    let unmasked = second(FINAL | TEXT, 3);
    let long_16 = [second(FINAL | TEXT, MASKED | 126), vec![0, 125], MASK.to_vec()].concat();
    let long_64 = [second(FINAL | TEXT, MASKED | 127), 65_535_u64.to_be_bytes().to_vec(), MASK.to_vec()].concat();
    let highest = [second(FINAL | TEXT, MASKED | 127), (1_u64 << 63).to_be_bytes().to_vec(), MASK.to_vec()].concat();
    let bad = [
        ("no mask", unmasked),
        ("first reserved bit", second(FINAL | 0x40 | TEXT, MASKED)),
        ("second reserved bit", second(FINAL | 0x20 | TEXT, MASKED)),
        ("third reserved bit", second(FINAL | 0x10 | PING, MASKED)),
        ("unknown kind", second(FINAL | 0x3, MASKED)),
        ("unknown control", second(FINAL | 0xb, MASKED)),
        ("a fragment of nothing", second(FINAL | CONTINUATION, MASKED)),
        ("a message within a message", [frame(TEXT, b"a"), text("b")].concat()),
        ("a binary message within a message", [frame(TEXT, b"a"), frame(FINAL | BINARY, b"b")].concat()),
        ("a ping in fragments", second(PING, MASKED)),
        ("a long ping", second(FINAL | PING, MASKED | 126)),
        ("a length written too long", long_16),
        ("a length written much too long", long_64),
        ("a length with its highest bit set", highest),
        ("half a code", frame(FINAL | CLOSE, b"\x03")),
        ("a code that is never sent", frame(FINAL | CLOSE, &1006_u16.to_be_bytes())),
        ("no code at all", frame(FINAL | CLOSE, &0_u16.to_be_bytes())),
    ];
    for (what, bytes) in bad {
        let broken = broken(&bytes);
        assert!(matches!(broken, Broken::Framing(_)), "{what}: {broken:?}");
        assert_eq!(broken.code(), 1002);
    }
}

#[test]
fn a_binary_message_is_answered_with_1003() {
    assert_eq!(broken(&[FINAL | BINARY, MASKED | 5]).code(), 1003);
}

#[test]
fn what_is_not_utf_8_is_answered_with_1007_as_soon_as_it_can_be_seen() {
    let stream = [frame(FINAL | TEXT, b"ok"), frame(FINAL | TEXT, b"\xff")].concat();
    assert_eq!(read(&stream), (vec![said("ok")], Err(Broken::NotText)));
    // A message that ends within a character; a surrogate; an overlong zero.
    for bytes in [&b"a\xf0\x9f\x98"[..], b"\xed\xa0\x80", b"\xc0\x80"] {
        assert_eq!(broken(&frame(FINAL | TEXT, bytes)).code(), 1007, "{bytes:?}");
    }
    assert_eq!(broken(&frame(FINAL | CLOSE, b"\x03\xe8\xff")).code(), 1007);
    let unfinished = frame(TEXT, b"a\xffbcdefgh");
    assert_eq!(broken(&unfinished[..unfinished.len() - 5]), Broken::NotText, "before the fragment has ended");
    // A character in four fragments is none the worse for it.
    let smile = "\u{1f600}".as_bytes();
    let stream = [frame(TEXT, &smile[..1]), frame(0, &smile[1..2]), frame(0, &smile[2..3]), frame(0x80, &smile[3..])];
    assert_eq!(read(&stream.concat()).0, [said("\u{1f600}")]);
}

#[test]
fn a_message_over_the_limit_is_answered_with_1009_before_a_byte_of_it_is_held() {
    let (inbound, ended) = read(&text(&"x".repeat(MAX)));
    assert_eq!((inbound.len(), ended), (1, Ok(())), "at the limit");
    for len in [MAX as u64 + 1, u64::MAX >> 1] {
        let mut parser = Parser::new(MAX);
        let (long, short) = (len.to_be_bytes().to_vec(), (len as u16).to_be_bytes().to_vec());
        let (kind, length) = if len > 65_535 { (127, long) } else { (126, short) };
        let bytes = [vec![FINAL | TEXT, MASKED | kind], length, MASK.to_vec(), vec![0; 100]].concat();
        assert_eq!(parser.take(&bytes).map_err(Broken::code), Err(1009), "{len}");
        assert!(parser.message.is_none());
    }
}

#[test]
fn an_endless_message_is_answered_with_1009_and_so_it_stays() {
    let mut parser = Parser::new(MAX);
    parser.take(&frame(TEXT, &[b'x'; 100])).unwrap();
    let fragment = frame(CONTINUATION, &[b'x'; 100]);
    let taken = (0..100).take_while(|_| parser.take(&fragment).is_ok()).count();
    assert_eq!(taken, 9);
    assert!(parser.message.is_none(), "nothing of it is held");
    assert_eq!(parser.take(&text("hello")), Err(Broken::TooLarge));
    assert_eq!(parser.next(), None);
}

#[test]
fn a_close_frame_is_the_last_thing_that_is_read() {
    let close = [1001_u16.to_be_bytes().as_slice(), b"going"].concat();
    let stream = [text("bye"), frame(FINAL | CLOSE, &close), vec![0xff; 100]].concat();
    assert_eq!(read(&stream), (vec![said("bye"), Inbound::Close(Some(1001))], Ok(())));
    assert_eq!(read(&frame(FINAL | CLOSE, b"")).0, [Inbound::Close(None)]);
    for code in [1000, 1003, 1007, 1011, 1014, 3000, 4409, 4999_u16] {
        assert_eq!(read(&frame(FINAL | CLOSE, &code.to_be_bytes())).0, [Inbound::Close(Some(code))]);
    }
}

#[test]
fn nothing_is_held_between_messages() {
    let mut parser = Parser::new(1 << 20);
    parser.take(&[text(&"x".repeat(1 << 20)), frame(FINAL | PING, &[1; 125])].concat()).unwrap();
    assert!(!parser.is_idle(), "there is something to give");
    while parser.next().is_some() {}
    assert!(parser.is_idle());
    assert_eq!((parser.control.capacity(), parser.ready.capacity()), (0, 0));
    assert!(size_of::<Parser>() <= 200, "{}", size_of::<Parser>());
}

/// How long this thread has had a processor: not for how long others had it.
fn ran_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

/// A parser that goes through what it holds for each byte takes 256 times as long.
#[test]
fn a_message_that_comes_byte_by_byte_costs_as_much_as_it_is_long() {
    let time = |len: usize| {
        let bytes = frame(FINAL | TEXT, &"\u{e4}".repeat(len / 2).into_bytes());
        let mut parser = Parser::new(len);
        let before = ran_ns();
        for byte in bytes.chunks(1) {
            parser.take(byte).unwrap();
        }
        assert!(matches!(parser.next(), Some(Inbound::Text(text)) if text.len() == len));
        ran_ns() - before
    };
    let (short, long) = (time(20_000), time(320_000));
    assert!(long < short * 60, "16 times the bytes took {long} ns instead of {short}");
}

#[test]
fn our_frames_are_final_and_unmasked_and_control_frames_are_cut_to_fit() {
    let mut out = BytesMut::new();
    put_text(&mut out, b"hi");
    put_ping(&mut out, b"p");
    put_pong(&mut out, &[7; 126]);
    let (ours, pong) = out.split_at(7);
    assert_eq!(ours, [0x81, 2, b'h', b'i', 0x89, 1, b'p']);
    assert_eq!((&pong[..2], pong.len()), (&[0x8a, 125][..], 127));
    let mut out = BytesMut::new();
    put_close(&mut out, 4409, &"\u{1f600}".repeat(40));
    assert_eq!(out[..4], [0x88, 2 + 120, 0x11, 0x39]);
    assert!(std::str::from_utf8(&out[4..]).is_ok(), "no character is cut in two");
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        "[a-z\u{e4}\u{20ac}\u{1f600}]{0,40}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    let first = prop_oneof![
        4 => Just(FINAL | TEXT), 2 => Just(TEXT), 2 => Just(CONTINUATION), 2 => Just(FINAL | CONTINUATION),
        2 => Just(FINAL | PING), 1 => Just(FINAL | PONG), 1 => Just(FINAL | CLOSE), 1 => any::<u8>(),
    ];
    proptest::collection::vec((first, body).prop_map(|(first, body)| frame(first, &body)), 0..8)
        .prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn any_cutting_of_the_bytes_gives_the_same_messages(
        stream in prop_oneof![4 => frames(), 1 => proptest::collection::vec(any::<u8>(), 0..60)],
        cuts in proptest::collection::vec(0_usize..400, 0..12),
    ) {
        let whole = read(&stream);
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        ends.push(stream.len());
        ends.sort_unstable();
        let (mut parser, mut inbound, mut ended, mut from) = (Parser::new(MAX), Vec::new(), Ok(()), 0);
        for end in ends {
            let (some, now) = read_by(&mut parser, &stream[from..end]);
            (ended, from) = (now, end);
            inbound.extend(some);
        }
        prop_assert_eq!((inbound, ended), whole);
    }
}
