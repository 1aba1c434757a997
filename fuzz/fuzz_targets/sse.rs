//! Whatever a client is sent as an event stream, cut anywhere: the same events, and the same place to go on.
#![no_main]

mod cuts;
#[path = "../../crates/client/src/limits.rs"]
mod limits;
#[path = "../../crates/client/src/sse.rs"]
mod sse;

use libfuzzer_sys::fuzz_target;
use sse::{Event, Parser, TooLong};

const MAX: usize = 500;

fn read(pieces: &[&[u8]]) -> (Vec<Event>, Result<(), TooLong>, Parser) {
    let (mut parser, mut events) = (Parser::new(MAX), Vec::new());
    let ended = pieces.iter().try_for_each(|piece| parser.push(piece, &mut events));
    (events, ended, parser)
}

fuzz_target!(|data: &[u8]| {
    let Some((stream, pieces)) = cuts::cut(data) else { return };
    let (whole, ended, parser) = read(&[stream]);
    let (cut, cut_ended, cut_parser) = read(&pieces);
    assert_eq!((&cut, &cut_ended), (&whole, &ended));
    assert_eq!((cut_parser.last_id(), cut_parser.retry()), (parser.last_id(), parser.retry()));
    assert!(whole.iter().all(|event| event.data.len() <= 3 * MAX));
});
