//! One HTTP call, by hand: the only thing here that talks to a broker puts two documents.

use anyhow::{Context, Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CALL_WAIT: Duration = Duration::from_secs(5);

/// `PUT`s JSON; the answer's body.
///
/// # Errors
/// The broker cannot be reached or its answer is not 200.
pub(crate) fn put(broker: SocketAddr, path: &str, body: &str) -> Result<String> {
    let answer = exchange(broker, path, body).with_context(|| format!("PUT {path} was not answered"))?;
    ensure!(is_ok(&answer), "PUT {path} was refused: {answer}");
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn exchange(broker: SocketAddr, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&broker, CALL_WAIT)?;
    stream.set_read_timeout(Some(CALL_WAIT))?;
    stream.set_write_timeout(Some(CALL_WAIT))?;
    let length = body.len();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {broker}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn is_ok(answer: &str) -> bool {
    answer.split(' ').nth(1) == Some("200")
}

#[cfg(test)]
mod tests {
    use super::is_ok;

    #[test]
    fn the_status_is_read() {
        assert!(is_ok("HTTP/1.1 200 OK\r\n\r\n{}"));
        assert!(!is_ok("HTTP/1.1 404 Not Found\r\n\r\n200"));
        assert!(!is_ok(""));
    }
}
