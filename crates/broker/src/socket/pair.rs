//! Two ends of a connection, for tests: ours, and a client that may behave badly.

use super::accepted::{Accepted, Places};
use super::frame::{Parser, put_text};
use super::line::Line;
use super::serving::Bounds;
use bytes::{Bytes, BytesMut};
use socket2::{SockFilter, SockRef};
use std::future::Future;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// For what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Instead of a minute.
pub(super) const STALL_WAIT: Duration = Duration::from_millis(400);
/// What the client's kernel takes without its program; it counts twice that.
pub(super) const CLIENT_BUFFER_BYTES: usize = 64 << 10;
const MESSAGE_BYTES_MAX: usize = 10_000;

pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it does not come")
}

pub(super) fn bounds() -> Bounds {
    Bounds { stall_wait: STALL_WAIT, ..Bounds::default() }
}

/// A WebSocket and its client.
pub(super) async fn pair() -> (Line, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(CLIENT_BUFFER_BYTES as u32).unwrap();
    let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, from) = listener.accept().await.unwrap();
    let bounds = bounds();
    let place = Arc::new(Places::new(&bounds)).take(from.ip(), &bounds).unwrap();
    (Line::new(Accepted::new(stream, place, &bounds), b"", Parser::new(MESSAGE_BYTES_MAX)), client)
}

/// From now on the client's machine is not there: nothing reaches it, and nothing is acknowledged.
pub(super) fn vanish(client: &TcpStream) {
    const RETURN: u16 = 0x06;
    SockRef::from(client).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
}

/// A frame as a client sends it, masked with nothing.
pub(super) fn from_client(first: u8, body: &[u8]) -> Vec<u8> {
    let ours = from_us(first, body);
    let at = ours.len() - body.len();
    let mut bytes = [&ours[..at], &[0; 4], body].concat();
    bytes[1] |= 0x80;
    bytes
}

/// A frame as we send it.
pub(super) fn from_us(first: u8, body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    put_text(&mut out, body);
    out[0] = first;
    out.freeze()
}

/// The next frame that a client is sent: its first byte and its body; `None` when the connection was closed in order.
pub(super) async fn heard(client: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    match client.read_exact(&mut head).await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
        read => read.unwrap(),
    };
    let len = match head[1] {
        126 => usize::from(client.read_u16().await.unwrap()),
        127 => usize::try_from(client.read_u64().await.unwrap()).unwrap(),
        short => usize::from(short),
    };
    let mut body = vec![0; len];
    client.read_exact(&mut body).await.unwrap();
    Some((head[0], body))
}
