//! A WebSocket client that sends exactly what it is told to.

use crate::http::{Frame, PATIENCE};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Socket {
    stream: TcpStream,
    /// Pings are answered with what they carry, unless told not to.
    pub(crate) answers_pings: bool,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Heard {
    Message(Value),
    Ping(Vec<u8>),
    Pong,
    Closed(u16, String),
}

impl Socket {
    pub(crate) async fn open(at: SocketAddr, path: &str) -> Socket {
        Socket::try_open(at, path, "").await.unwrap_or_else(|head| panic!("{head}"))
    }

    /// The head of the answer, if it opens no socket.
    pub(crate) async fn try_open(at: SocketAddr, path: &str, headers: &str) -> Result<Socket, String> {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap();
            answer.push(byte.map_err(|_| String::from_utf8_lossy(&answer).into_owned())?);
        }
        let answer = String::from_utf8(answer).unwrap();
        if !answer.starts_with("HTTP/1.1 101 ") {
            return Err(answer);
        }
        Ok(Socket { stream, answers_pings: true })
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.send(0x81, message.to_string().as_bytes()).await;
    }

    /// One masked frame.
    pub(crate) async fn send(&mut self, first: u8, body: &[u8]) {
        let mask = [7, 11, 13, 17];
        let mut frame = vec![first];
        match body.len() {
            len @ 0..=125 => frame.push(0x80 | len as u8),
            len @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((len as u16).to_be_bytes());
            }
            len => {
                frame.push(0x80 | 127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(body.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        self.raw(&frame).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        // The server may have closed; what it said is read after.
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("nothing was heard")
    }

    async fn read(&mut self) -> Heard {
        let gone = |_| Heard::Closed(1006, String::new());
        let read = async {
            let first = self.stream.read_u8().await?;
            let len = match self.stream.read_u8().await? {
                126 => usize::from(self.stream.read_u16().await?),
                127 => self.stream.read_u64().await? as usize,
                len => usize::from(len),
            };
            let mut body = vec![0; len];
            self.stream.read_exact(&mut body).await?;
            Ok::<_, std::io::Error>(match first {
                0x81 => Heard::Message(serde_json::from_slice(&body).unwrap()),
                0x88 => Heard::Closed(
                    u16::from_be_bytes([body[0], body[1]]),
                    String::from_utf8_lossy(&body[2..]).into_owned(),
                ),
                0x89 => Heard::Ping(body),
                0x8a => Heard::Pong,
                other => panic!("a frame that begins with {other:#x}"),
            })
        };
        read.await.unwrap_or_else(gone)
    }

    /// The next message; pings are answered on the way.
    pub(crate) async fn message(&mut self) -> Value {
        loop {
            match self.hear().await {
                Heard::Message(message) => return message,
                Heard::Ping(body) if self.answers_pings => self.send(0x8a, &body).await,
                Heard::Ping(_) | Heard::Pong => {}
                closed @ Heard::Closed(..) => panic!("{closed:?}"),
            }
        }
    }

    /// All messages up to the first of this kind, as a stream gives them.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Frame> {
        let mut all = Vec::new();
        loop {
            let data = self.message().await;
            let id = data["event_id"].as_str().map(str::to_owned);
            let is_last = data["type"] == kind;
            all.push(Frame { id, data });
            if is_last {
                return all;
            }
        }
    }

    /// The code and reason with which the server closes, whatever it says before.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Heard::Closed(code, why) = self.hear().await {
                return (code, why);
            }
        }
    }
}
