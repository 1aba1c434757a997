//! One keep-alive connection that asks and waits, at as little cost as HTTP allows: broker and
//! load share the processor.

use anyhow::{Context, bail, ensure};
use broker::Secret;
use std::io::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A head without end is none of ours.
const HEAD_BYTES_MAX: usize = 16 << 10;

pub(super) struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    token: Option<Secret>,
    read: Vec<u8>,
    written: Vec<u8>,
}

/// An answer with a status of 200 to 299, or of another that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address).await.context("the broker cannot be reached")?;
        stream.set_nodelay(true)?;
        let (read, written) = (Vec::with_capacity(8 << 10), Vec::with_capacity(8 << 10));
        Ok(Connection { stream, address, token: None, read, written })
    }

    /// Every question shows this token, if there is one.
    pub(super) fn showing(self, token: Option<&Secret>) -> Connection {
        Connection { token: token.cloned(), ..self }
    }

    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        Ok(self.ask("GET", path, &[], &[]).await?.checked(path)?.body)
    }

    pub(super) async fn post(&mut self, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        Ok(self.ask("POST", path, &[], body).await?.checked(path)?.body)
    }

    pub(super) async fn put(&mut self, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        Ok(self.ask("PUT", path, &[], body).await?.checked(path)?.body)
    }

    /// Sends, and waits for whatever the answer is.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Answer<'_>> {
        self.written.clear();
        write!(self.written, "{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address)?;
        if let Some(token) = &self.token {
            write!(self.written, "authorization: Bearer {}\r\n", token.expose())?;
        }
        for (name, value) in headers {
            write!(self.written, "{name}: {value}\r\n")?;
        }
        if method != "GET" {
            write!(self.written, "content-type: application/json\r\ncontent-length: {}\r\n", body.len())?;
        }
        self.written.extend_from_slice(b"\r\n");
        self.written.extend_from_slice(body);
        self.stream.write_all(&self.written).await?;
        self.answer().await.with_context(|| format!("{method} {path}"))
    }

    async fn answer(&mut self) -> anyhow::Result<Answer<'_>> {
        self.read.clear();
        let (status, begin, end) = loop {
            self.more().await?;
            if let Some(begin) = find(&self.read, b"\r\n\r\n").map(|at| at + 4) {
                let (status, length) = head(&self.read[..begin]).context("the answer is not understood")?;
                break (status, begin, begin + length);
            }
            ensure!(self.read.len() < HEAD_BYTES_MAX, "the answer's head does not end");
        };
        while self.read.len() < end {
            self.more().await?;
        }
        Ok(Answer { status, body: &self.read[begin..end] })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        self.read.reserve(8 << 10);
        match self.stream.read_buf(&mut self.read).await? {
            0 => bail!("the broker closed the connection"),
            _ => Ok(()),
        }
    }

    /// Asks for a stream in HTTP/1.0, so that it comes as it is and not in chunks, and gives each
    /// line of it to `line` until that says no or the broker closes it.
    pub(super) async fn follow(mut self, path: &str, mut line: impl FnMut(&[u8]) -> bool) -> anyhow::Result<()> {
        write!(self.written, "GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", self.address)?;
        self.stream.write_all(&self.written).await?;
        loop {
            let mut from = 0;
            while let Some(length) = self.read[from..].iter().position(|byte| *byte == b'\n') {
                if !line(&self.read[from..from + length]) {
                    return Ok(());
                }
                from += length + 1;
            }
            self.read.drain(..from);
            self.more().await?;
        }
    }
}

impl<'a> Answer<'a> {
    /// Refuses what is no success, with the broker's own words.
    fn checked(self, path: &str) -> anyhow::Result<Answer<'a>> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        bail!("{path} was answered with {}: {}", self.status, String::from_utf8_lossy(self.body))
    }
}

/// The status of an answer and the length of its body. Without a length it has none.
fn head(bytes: &[u8]) -> Option<(u16, usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let mut length = 0;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
    }
    Some((status, length))
}

pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    let mut from = 0;
    while let Some(next) = text[from..].iter().position(|byte| byte == first) {
        if text[from + next..].starts_with(wanted) {
            return Some(from + next);
        }
        from += next + 1;
    }
    None
}

/// What stands between `key` and the next quote.
pub(super) fn text_after<'a>(body: &'a [u8], key: &str) -> Option<&'a str> {
    let rest = &body[find(body, key.as_bytes())? + key.len()..];
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&rest[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_chunks_refused() {
        assert_eq!(head(b"HTTP/1.1 201 Created\r\nContent-Length: 17\r\n\r\n"), Some((201, 17)));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n"), Some((204, 0)));
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), None);
        assert_eq!(head(b"SSH-2.0\r\n\r\n"), None);
    }

    #[test]
    fn a_text_is_found_behind_its_key() {
        let body = br#"{"worker_id":"w","id":"j-1","x":2}"#;
        assert_eq!(text_after(body, "\"id\":\""), Some("j-1"));
        assert_eq!(text_after(body, "\"ids\":\""), None);
    }
}
