//! Frames (RFC 6455, section 5), the server's side: ours are not masked, theirs are. No extension is
//! ever agreed on, so the reserved bits stay clear. Uses nothing of this crate: `fuzz/` compiles it alone.

use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;

/// What a control frame may carry.
const CONTROL_BYTES_MAX: usize = 125;
/// Two bytes, a length of eight, a mask.
const HEAD_BYTES_MAX: usize = 14;
/// A head of ours has no mask.
const OUR_HEAD_BYTES_MAX: usize = 10;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// One final text frame.
pub(crate) fn put_text(out: &mut BytesMut, message: &[u8]) {
    let (head, used) = text_head(message.len());
    out.reserve(used + message.len());
    out.put_slice(&head[..used]);
    out.put_slice(message);
}

/// What goes before a message of `len` bytes, for those who join it with bytes that are shared.
pub(crate) fn text_head(len: usize) -> ([u8; OUR_HEAD_BYTES_MAX], usize) {
    let mut head = [0; OUR_HEAD_BYTES_MAX];
    head[0] = FINAL | TEXT;
    let used = match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..=125), _) => {
            head[1] = len;
            2
        }
        (_, Ok(len)) => {
            head[1] = 126;
            head[2..4].copy_from_slice(&len.to_be_bytes());
            4
        }
        _ => {
            head[1] = 127;
            head[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            10
        }
    };
    (head, used)
}

/// Of `body` as much as a ping may carry.
pub(crate) fn put_ping(out: &mut BytesMut, body: &[u8]) {
    put_control(out, PING, body);
}

/// Answers the ping that carried `body`.
pub(crate) fn put_pong(out: &mut BytesMut, body: &[u8]) {
    put_control(out, PONG, body);
}

/// The last frame. Of `reason` as much as fits.
pub(crate) fn put_close(out: &mut BytesMut, code: u16, reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    let mut body = Vec::with_capacity(CONTROL_BYTES_MAX);
    body.extend_from_slice(&code.to_be_bytes());
    body.extend_from_slice(reason.as_bytes());
    put_control(out, CLOSE, &body);
}

fn put_control(out: &mut BytesMut, opcode: u8, body: &[u8]) {
    let body = &body[..body.len().min(CONTROL_BYTES_MAX)];
    out.put_slice(&[FINAL | opcode, body.len() as u8]);
    out.put_slice(body);
}

/// What a client sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Inbound {
    /// A whole message, its fragments joined.
    Text(String),
    Ping(Bytes),
    Pong(Bytes),
    /// Its last word; what comes after it is not read.
    Close(Option<u16>),
}

/// Nothing that comes after it can be understood: it is answered with a close frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("{0}")]
    Framing(&'static str),
    #[error("a message is not UTF-8")]
    NotText,
    #[error("messages are text; binary ones are not taken")]
    Binary,
    #[error("a message is longer than is taken")]
    TooLarge,
}

impl Broken {
    /// What the close frame that answers it says.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Broken::Framing(why) => why,
            Broken::NotText => "a message is no UTF-8",
            Broken::Binary => "messages are text",
            Broken::TooLarge => "a message is longer than is taken",
        }
    }

    /// The code of the close frame that answers it.
    pub(crate) fn code(self) -> u16 {
        match self {
            Broken::Framing(_) => 1002,
            Broken::Binary => 1003,
            Broken::NotText => 1007,
            Broken::TooLarge => 1009,
        }
    }
}

/// Takes bytes as they come, cut anywhere, and gives messages. Each byte is looked at a fixed number
/// of times, and between messages nothing is held.
#[derive(Debug)]
pub(crate) struct Parser {
    message_bytes_max: usize,
    /// As much of a frame's head as has come.
    head: [u8; HEAD_BYTES_MAX],
    head_len: usize,
    /// The frame whose head is complete and whose body is not.
    frame: Option<Frame>,
    /// The message that has begun: also before its first byte, and between fragments.
    message: Option<Message>,
    /// The body of a control frame that has not ended.
    control: Vec<u8>,
    ready: VecDeque<Inbound>,
    /// A close frame came, or something broke.
    ended: Option<Result<(), Broken>>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: u8,
    is_final: bool,
    mask: [u8; 4],
    left: usize,
}

impl Frame {
    fn is_control(self) -> bool {
        self.opcode & 0x8 != 0
    }
}

#[derive(Default, Debug)]
struct Message {
    bytes: Vec<u8>,
    /// So many of them are whole characters.
    checked: usize,
}

impl Message {
    /// What cannot become UTF-8 is seen at once; a character may still be cut in two.
    fn check(&mut self) -> Result<(), Broken> {
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(_) => self.checked = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Broken::NotText),
        }
        Ok(())
    }
}

impl Parser {
    /// No message may be longer than `message_bytes_max`, in however many fragments it comes.
    pub(crate) fn new(message_bytes_max: usize) -> Parser {
        Parser {
            message_bytes_max,
            head: [0; HEAD_BYTES_MAX],
            head_len: 0,
            frame: None,
            message: None,
            control: Vec::new(),
            ready: VecDeque::new(),
            ended: None,
        }
    }

    /// Reads on. After a close frame nothing is read any longer.
    ///
    /// # Errors
    /// What came is not what a client may send; so it stays. What came whole before it is given.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while self.ended.is_none() && !bytes.is_empty() {
            if let Err(broken) = self.step(&mut bytes) {
                self.forget();
                self.ended = Some(Err(broken));
            }
        }
        self.ended.unwrap_or(Ok(()))
    }

    /// What came whole, in its order.
    pub(crate) fn next(&mut self) -> Option<Inbound> {
        let next = self.ready.pop_front();
        if self.ready.is_empty() {
            self.ready = VecDeque::new();
        }
        next
    }

    /// Whether it is between messages and all that came was taken.
    #[allow(dead_code, reason = "asked by the tests and by fuzz/")]
    pub(crate) fn is_idle(&self) -> bool {
        self.head_len == 0 && self.frame.is_none() && self.message.is_none() && self.ready.is_empty()
    }

    fn step(&mut self, bytes: &mut &[u8]) -> Result<(), Broken> {
        let frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.head(bytes)? {
                Some(frame) => frame,
                None => return Ok(()),
            },
        };
        self.body(frame, bytes)
    }

    /// Gathers a head; the frame, when its head is complete and allowed.
    fn head(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Broken> {
        if self.head_len < 2 {
            if !self.gather(2, bytes) {
                return Ok(None);
            }
            self.check_first(self.head[0], self.head[1])?;
        }
        let used = head_bytes(self.head[1]);
        if !self.gather(used, bytes) {
            return Ok(None);
        }
        self.head_len = 0;
        let left = self.length()?;
        let mut mask = [0; 4];
        mask.copy_from_slice(&self.head[used - 4..used]);
        let frame = Frame { opcode: self.head[0] & 0xf, is_final: self.head[0] & FINAL != 0, mask, left };
        if !frame.is_control() {
            self.message.get_or_insert_default();
        }
        Ok(Some(frame))
    }

    /// Whether so many bytes of the head are there now.
    fn gather(&mut self, wanted: usize, bytes: &mut &[u8]) -> bool {
        let taken = (wanted - self.head_len).min(bytes.len());
        let (now, rest) = bytes.split_at(taken);
        self.head[self.head_len..self.head_len + taken].copy_from_slice(now);
        self.head_len += taken;
        *bytes = rest;
        self.head_len == wanted
    }

    /// What the first two bytes of a frame may say here.
    fn check_first(&self, first: u8, second: u8) -> Result<(), Broken> {
        if first & RESERVED != 0 {
            return Err(Broken::Framing("a reserved bit of a frame is set; no extension was agreed on"));
        }
        if second & MASKED == 0 {
            return Err(Broken::Framing("a frame is not masked; a client masks every frame"));
        }
        match (first & 0xf, self.message.is_some()) {
            (CONTINUATION, false) => Err(Broken::Framing("a fragment continues no message")),
            (TEXT | BINARY, true) => Err(Broken::Framing("a message begins before the last one has ended")),
            (CONTINUATION | TEXT, _) => Ok(()),
            (BINARY, false) => Err(Broken::Binary),
            (CLOSE | PING | PONG, _) if first & FINAL == 0 => Err(Broken::Framing("a control frame is fragmented")),
            (CLOSE | PING | PONG, _) if usize::from(second & !MASKED) > CONTROL_BYTES_MAX => {
                Err(Broken::Framing("a control frame carries more than 125 bytes"))
            }
            (CLOSE | PING | PONG, _) => Ok(()),
            _ => Err(Broken::Framing("a frame is of an unknown kind")),
        }
    }

    /// The length of the frame whose head is complete.
    fn length(&self) -> Result<usize, Broken> {
        let (declared, least) = match self.head[1] & !MASKED {
            126 => (u64::from(u16::from_be_bytes([self.head[2], self.head[3]])), 126),
            127 => {
                let mut long = [0; 8];
                long.copy_from_slice(&self.head[2..10]);
                (u64::from_be_bytes(long), 1 << 16)
            }
            short => return self.bounded(u64::from(short)),
        };
        if declared < least {
            return Err(Broken::Framing("a frame's length is written longer than needed"));
        }
        if declared >> 63 != 0 {
            return Err(Broken::Framing("the highest bit of a frame's length is set"));
        }
        self.bounded(declared)
    }

    /// `declared`, if the message stays within the limit with it.
    fn bounded(&self, declared: u64) -> Result<usize, Broken> {
        let is_control = self.head[0] & 0x8 != 0;
        let so_far = self.message.as_ref().map_or(0, |message| message.bytes.len());
        let room = if is_control { CONTROL_BYTES_MAX } else { self.message_bytes_max - so_far };
        usize::try_from(declared).ok().filter(|declared| *declared <= room).ok_or(Broken::TooLarge)
    }

    /// Takes as much of the frame's body as is there.
    fn body(&mut self, mut frame: Frame, bytes: &mut &[u8]) -> Result<(), Broken> {
        let (now, rest) = bytes.split_at(frame.left.min(bytes.len()));
        *bytes = rest;
        let held = match &mut self.message {
            Some(message) if !frame.is_control() => &mut message.bytes,
            _ => &mut self.control,
        };
        let from = held.len();
        held.extend_from_slice(now);
        unmask(&mut held[from..], frame.mask);
        frame.mask.rotate_left(now.len() % 4);
        frame.left -= now.len();
        if let Some(message) = self.message.as_mut().filter(|_| !frame.is_control()) {
            message.check()?;
        }
        if frame.left == 0 {
            return self.end(frame);
        }
        self.frame = Some(frame);
        Ok(())
    }

    fn end(&mut self, frame: Frame) -> Result<(), Broken> {
        if frame.is_control() {
            let body = Bytes::from(std::mem::take(&mut self.control));
            let control = match frame.opcode {
                PING => Inbound::Ping(body),
                PONG => Inbound::Pong(body),
                _ => {
                    let code = close_code(&body)?;
                    self.forget();
                    self.ended = Some(Ok(()));
                    Inbound::Close(code)
                }
            };
            self.ready.push_back(control);
        } else if frame.is_final
            && let Some(message) = self.message.take()
        {
            self.ready.push_back(Inbound::Text(String::from_utf8(message.bytes).map_err(|_| Broken::NotText)?));
        }
        Ok(())
    }

    /// Drops what is not whole.
    fn forget(&mut self) {
        (self.head_len, self.frame, self.message, self.control) = (0, None, None, Vec::new());
    }
}

/// How long the head is whose second byte is this.
fn head_bytes(second: u8) -> usize {
    match second & !MASKED {
        126 => 8,
        127 => 14,
        _ => 6,
    }
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    for four in bytes.chunks_mut(4) {
        for (byte, key) in four.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}

/// The code of a close frame that carries `body`.
fn close_code(body: &[u8]) -> Result<Option<u16>, Broken> {
    let Some((code, reason)) = body.split_first_chunk() else {
        return if body.is_empty() { Ok(None) } else { Err(Broken::Framing("a close frame carries half a code")) };
    };
    let code = u16::from_be_bytes(*code);
    // The others are never sent, or mean nothing yet (RFC 6455, section 7.4).
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Broken::Framing("a close frame carries a code that must not be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Broken::NotText),
    }
}

#[cfg(test)]
mod tests;
