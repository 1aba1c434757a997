//! What is written is read back as it was, once a client has masked it, in as many fragments as it likes.
#![no_main]

#[path = "../../crates/broker/src/socket/frame.rs"]
mod frame;

use bytes::{Bytes, BytesMut};
use frame::{Inbound, Parser, put_close, put_ping, put_pong, put_text, text_head};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[kind, a, b, c, d, repeat], body)) = data.split_first_chunk() else { return };
    let mut out = BytesMut::new();
    let expected = match kind % 4 {
        0 => {
            // Long enough for each way to write a length.
            let text = String::from_utf8_lossy(body).repeat(1 + usize::from(repeat) * 8);
            put_text(&mut out, text.as_bytes());
            let (head, used) = text_head(text.len());
            assert_eq!(out, [&head[..used], text.as_bytes()].concat());
            Inbound::Text(text)
        }
        1 => {
            put_ping(&mut out, body);
            Inbound::Ping(Bytes::copy_from_slice(&body[..body.len().min(125)]))
        }
        2 => {
            put_pong(&mut out, body);
            Inbound::Pong(Bytes::copy_from_slice(&body[..body.len().min(125)]))
        }
        _ => {
            let code = 3000 + u16::from_be_bytes([a, b]) % 2000;
            put_close(&mut out, code, &String::from_utf8_lossy(body));
            Inbound::Close(Some(code))
        }
    };
    let mut parser = Parser::new(out.len());
    parser.take(&masked(&out, [a, b, c, d])).expect("what we write is well-formed");
    assert_eq!((parser.next(), parser.next()), (Some(expected), None));
});

/// The frame as a client sends it.
fn masked(frame: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let head = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let mut bytes = [&frame[..head], &mask, &frame[head..]].concat();
    bytes[1] |= 0x80;
    bytes[head + 4..].iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    bytes
}
