//! As much HTTP/1.1 as a storm needs, by hand: nothing here retries, reconnects or hides what
//! the broker sent.

use anyhow::{Context, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Bytes of one line of a head or of a chunk's length. Longer is no HTTP.
const LINE_BYTES_MAX: u64 = 16 << 10;
/// Headers of a reply.
const HEADERS_MAX: usize = 64;
/// Bytes of a whole reply; streams have no such bound.
const REPLY_BYTES_MAX: u64 = 64 << 20;
/// Connecting to loopback takes no longer unless the broker is gone.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// One connection, kept between calls and given up at the first failure.
pub(crate) struct Http {
    address: SocketAddr,
    patience: Duration,
    kept: Option<BufReader<TcpStream>>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON, if the status is a good one.
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        if !(200..300).contains(&self.status) {
            bail!("answered {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }
}

impl Http {
    /// A broker that says nothing for `patience` counts as gone.
    pub(crate) fn new(address: SocketAddr, patience: Duration) -> Http {
        Http { address, patience, kept: None }
    }

    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<Reply> {
        self.call("GET", path, "")
    }

    /// Sends and reads the whole reply. After an error nobody knows what the broker did.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Reply> {
        let (status, mut stream) = self.open(method, path, &[], body)?;
        let mut bytes = Vec::new();
        (&mut stream).take(REPLY_BYTES_MAX).read_to_end(&mut bytes)?;
        self.kept = stream.into_kept();
        Ok(Reply { status, body: bytes })
    }

    /// Sends and reads the head of the reply; the rest is up to the caller.
    pub(crate) fn open(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<(u16, Body)> {
        let mut socket = match self.kept.take() {
            Some(socket) => socket,
            None => self.connect()?,
        };
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method != "GET" {
            request.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        socket.get_mut().write_all(request.as_bytes())?;
        let (status, length, keep) = read_head(&mut socket)?;
        Ok((status, Body { socket, length, keep }))
    }

    fn connect(&self) -> anyhow::Result<BufReader<TcpStream>> {
        let socket = TcpStream::connect_timeout(&self.address, CONNECT_WAIT)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(self.patience))?;
        socket.set_write_timeout(Some(self.patience))?;
        Ok(BufReader::new(socket))
    }
}

/// How much of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(u64),
    /// In this chunk; a new one follows.
    Chunk(u64),
    /// The last chunk was read.
    Over,
}

/// The body of a reply as it arrives. It ends where the broker says so; a connection that ends
/// before is an error.
pub(crate) struct Body {
    socket: BufReader<TcpStream>,
    length: Length,
    keep: bool,
}

impl Body {
    fn into_kept(self) -> Option<BufReader<TcpStream>> {
        let read = matches!(self.length, Length::Over | Length::Known(0));
        (self.keep && read).then_some(self.socket)
    }

    /// Reads the length that begins a chunk, and after the last one the empty trailer.
    fn next_chunk(&mut self) -> std::io::Result<()> {
        let line = read_line(&mut self.socket)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let bytes = u64::from_str_radix(digits, 16).map_err(|_| broken("a chunk has no length"))?;
        self.length = Length::Chunk(bytes);
        if bytes == 0 {
            read_line(&mut self.socket)?;
            self.length = Length::Over;
        }
        Ok(())
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.length == Length::Chunk(0) {
            self.next_chunk()?;
        }
        let (Length::Known(left) | Length::Chunk(left)) = self.length else { return Ok(0) };
        if left == 0 {
            return Ok(0);
        }
        let most = usize::try_from(left).map_or(into.len(), |left| left.min(into.len()));
        let read = self.socket.read(&mut into[..most])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let left = left - read as u64;
        self.length = match self.length {
            Length::Chunk(_) => Length::Chunk(left),
            _ => Length::Known(left),
        };
        if self.length == Length::Chunk(0) {
            // The line end behind a chunk belongs to it.
            read_line(&mut self.socket)?;
        }
        Ok(read)
    }
}

fn read_head(socket: &mut BufReader<TcpStream>) -> anyhow::Result<(u16, Length, bool)> {
    let first = read_line(socket)?;
    let mut words = first.split(' ');
    let (version, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if version != "HTTP/1.1" {
        bail!("the answer begins with {first:?}");
    }
    let status: u16 = status.parse().with_context(|| format!("{first:?} has no status"))?;
    let (mut length, mut keep) = (Length::Known(0), true);
    for _ in 0..HEADERS_MAX {
        let line = read_line(socket)?;
        if line.is_empty() {
            return Ok((status, length, keep));
        }
        let (name, value) = line.split_once(':').with_context(|| format!("{line:?} is no header"))?;
        match (name.to_ascii_lowercase().as_str(), value.trim()) {
            ("content-length", value) => length = Length::Known(value.parse()?),
            ("transfer-encoding", "chunked") => length = Length::Chunk(0),
            ("connection", "close") => keep = false,
            _ => {}
        }
    }
    bail!("the answer has more than {HEADERS_MAX} headers")
}

fn read_line(socket: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    socket.take(LINE_BYTES_MAX).read_line(&mut line)?;
    if !line.ends_with('\n') {
        return Err(broken("a line does not end"));
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

fn broken(what: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Answers one connection with `reply` and hangs up.
    fn told(reply: &'static str) -> Http {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).unwrap();
            socket.write_all(reply.as_bytes()).unwrap();
        });
        Http::new(address, Duration::from_secs(5))
    }

    #[test]
    fn chunks_are_joined_and_a_connection_that_ends_inside_one_is_an_error() {
        let whole = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let mut http = told(whole);
        let reply = http.get("/").unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"abcde".as_slice()));
        assert!(http.kept.is_some());
        for cut in ["3\r\nab", "3\r\nabc\r\n", "3\r\nabc\r\n2"] {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            assert!(told(Box::leak(format!("{head}{cut}").into_boxed_str())).get("/").is_err(), "{cut:?}");
        }
    }

    #[test]
    fn a_known_length_is_read_and_a_shorter_body_is_an_error() {
        let reply =
            told("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").get("/").unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (404, b"{}".as_slice()));
        assert!(reply.json().is_err());
        assert!(told("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}").get("/").is_err());
        assert!(told("HTTP/1.1 204 No Content\r\n\r\n").get("/").unwrap().body.is_empty());
    }
}
