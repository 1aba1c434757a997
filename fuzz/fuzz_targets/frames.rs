//! Whatever comes over a WebSocket, cut anywhere: the same messages and the same end, and no more held than allowed.
#![no_main]

mod cuts;
#[path = "../../crates/broker/src/socket/frame.rs"]
mod frame;

use frame::{Broken, Inbound, Parser};
use libfuzzer_sys::fuzz_target;

const MAX: usize = 1_000;

fn read(pieces: &[&[u8]]) -> (Vec<Inbound>, Result<(), Broken>, bool) {
    let (mut parser, mut inbound, mut ended) = (Parser::new(MAX), Vec::new(), Ok(()));
    for piece in pieces {
        ended = parser.take(piece);
        inbound.extend(std::iter::from_fn(|| parser.next()));
    }
    (inbound, ended, parser.is_idle())
}

fuzz_target!(|data: &[u8]| {
    let Some((stream, pieces)) = cuts::cut(data) else { return };
    let whole = read(&[stream]);
    assert_eq!(read(&pieces), whole);
    for inbound in &whole.0 {
        match inbound {
            Inbound::Text(text) => assert!(text.len() <= MAX),
            Inbound::Ping(body) | Inbound::Pong(body) => assert!(body.len() <= 125),
            Inbound::Close(code) => assert!(code.is_none_or(|code| (1000..5000).contains(&code))),
        }
    }
    if let Err(broken) = whole.1 {
        assert!([1002, 1003, 1007, 1009].contains(&broken.code()));
    }
});
