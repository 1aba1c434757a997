//! How a message lies on a connection.

use crate::socket::{put_text, text_head};
use bytes::{BufMut, Bytes, BytesMut};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// Lines of an event stream. Messages are JSON on one line, so one `data:` is enough.
    Sse,
    /// WebSocket text frames.
    Socket,
}

impl Framing {
    pub(crate) fn put(self, frames: &mut BytesMut, id: Option<&str>, message: &[u8]) {
        match self {
            Framing::Sse => {
                put_id(frames, id);
                frames.put_slice(b"data: ");
                frames.put_slice(message);
                frames.put_slice(b"\n\n");
            }
            Framing::Socket => put_text(frames, message),
        }
    }

    pub(crate) fn frame(self, id: Option<&str>, message: &[u8]) -> Bytes {
        let mut frames = BytesMut::with_capacity(message.len() + 64);
        self.put(&mut frames, id, message);
        frames.freeze()
    }

    /// One message in parts, the last of which is shared by many connections.
    pub(crate) fn parts(self, id: Option<&str>, head: &[u8], shared: &Bytes) -> Vec<Bytes> {
        let mut begin = BytesMut::with_capacity(head.len() + 64);
        match self {
            Framing::Sse => {
                put_id(&mut begin, id);
                begin.put_slice(b"data: ");
                begin.put_slice(head);
                vec![begin.freeze(), shared.clone(), Bytes::from_static(b"\n\n")]
            }
            Framing::Socket => {
                let (text_head, used) = text_head(head.len() + shared.len());
                begin.put_slice(&text_head[..used]);
                begin.put_slice(head);
                vec![begin.freeze(), shared.clone()]
            }
        }
    }
}

fn put_id(frames: &mut BytesMut, id: Option<&str>) {
    if let Some(id) = id {
        frames.put_slice(b"id: ");
        frames.put_slice(id.as_bytes());
        frames.put_slice(b"\n");
    }
}
