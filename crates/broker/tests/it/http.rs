//! A client that sends exactly what it is told to, also what no client should.

use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// No wait of a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert!(self.head.contains("application/problem+json"), "{self:?}");
        (self.status, self.json()["code"].as_str().unwrap().to_owned())
    }
}

pub(crate) async fn request(at: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    raw(at, text.as_bytes()).await
}

/// The status of an answer that may never end.
pub(crate) async fn knock(at: SocketAddr, method: &str, path: &str, headers: &str) -> u16 {
    let text = format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\nContent-Length: 0\r\n{headers}\r\n");
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut line = String::new();
    tokio::time::timeout(PATIENCE, BufReader::new(socket).read_line(&mut line)).await.unwrap().unwrap();
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Sends these bytes and reads until the server closes.
pub(crate) async fn raw(at: SocketAddr, bytes: &[u8]) -> Answer {
    let exchange = async {
        let mut socket = TcpStream::connect(at).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = socket.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), text: text.to_owned() }
}

/// One frame of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Frame {
    pub(crate) fn kind(&self) -> &str {
        self.data["type"].as_str().unwrap_or_default()
    }
}

/// An open stream of events. Dropping it hangs up.
pub(crate) struct Stream {
    reader: BufReader<TcpStream>,
    pub(crate) status: u16,
}

impl Stream {
    pub(crate) async fn open(at: SocketAddr, path: &str, last_event_id: Option<&str>) -> Stream {
        let mut socket = TcpStream::connect(at).await.unwrap();
        let last = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        // HTTP/1.0, so that frames are not cut into chunks.
        let head = format!("GET {path} HTTP/1.0\r\nHost: {at}\r\n{last}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut stream = Stream { reader: BufReader::new(socket), status: 0 };
        let status = stream.line().await.unwrap();
        stream.status = status.split(' ').nth(1).unwrap().parse().unwrap();
        while stream.line().await.is_some_and(|line| !line.is_empty()) {}
        stream
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.reader.read_line(&mut line)).await.expect("a line in time");
        (read.unwrap_or(0) > 0).then(|| line.trim_end().to_owned())
    }

    /// The next frame with data; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut id = None;
        let mut data = None;
        loop {
            let line = self.line().await?;
            if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.to_owned());
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(text).unwrap());
            } else if line.is_empty() {
                if let Some(data) = data.take() {
                    return Some(Frame { id, data });
                }
                id = None;
            }
        }
    }

    /// The frames up to and with the first of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        let late = tokio::time::Instant::now() + PATIENCE;
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the stream ended without {kind}: {frames:?}"));
            assert!(tokio::time::Instant::now() < late, "no {kind} in time: {frames:?}");
            let found = frame.kind() == kind;
            frames.push(frame);
            if found {
                return frames;
            }
        }
    }

    pub(crate) async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}
