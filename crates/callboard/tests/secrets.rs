//! Secrets wherever a caller can put one, while the broker logs all that it can: none is in the log,
//! and none in the figures.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
/// More than it ever says.
const LINES_MAX: usize = 100_000;
const TOKEN: &str = "the-admin-shows-s3cret";

/// A broker that logs everything as JSON, and the lines that it has said so far.
struct Board {
    child: Child,
    log: Receiver<String>,
    said: Vec<String>,
    at: String,
}

impl Board {
    fn start() -> Board {
        let mut child = Command::new(env!("CARGO_BIN_EXE_callboard"))
            .args(["serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--log-format", "json"])
            .env("CALLBOARD_TOKEN", format!("boss=admin:{TOKEN},guest=client:the-guest-shows-s3cret"))
            .env("CALLBOARD_LOG", "trace")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, log) = sync_channel(LINES_MAX);
        // A pipe that nobody empties would stop the broker.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        let mut board = Board { child, log, said: Vec::new(), at: String::new() };
        let line = board.hears(" at http://");
        board.at = line.split("http://").nth(1).unwrap().split(['"', ' ']).next().unwrap().to_owned();
        board
    }

    fn hears(&mut self, text: &str) -> String {
        loop {
            let heard = self.log.recv_timeout(PATIENCE);
            let line = heard.unwrap_or_else(|_| panic!("nothing said {text:?}: {:?}", self.said));
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let (host, length) = (&self.at, body.len());
        let mut stream = self.open(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ));
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn boss(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        self.ask(method, path, &format!("Authorization: Bearer {TOKEN}\r\n{headers}"), body)
    }

    /// Opens a stream or socket, until the broker says so.
    fn watch(&mut self, path: &str, headers: &str) -> TcpStream {
        let stream = self.open(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.at));
        self.hears("a watcher came");
        stream
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text that stands under this name in an answer.
fn told(answer: &str, name: &str) -> String {
    let found = answer.split_once(&format!("\"{name}\":\"")).unwrap_or_else(|| panic!("no {name}: {answer}"));
    found.1.split('"').next().unwrap().to_owned()
}

fn check_object(line: &str) {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let has = |name: &str| line.get(name).is_some();
    assert!(has("timestamp") && has("level") && has("target") && has("fields"), "{line}");
}

#[test]
fn no_secret_is_in_the_log_or_in_the_figures() {
    let mut board = Board::start();
    let job = r#"{"job_id":"j","job_type":"hash","payload":"a-s3cret","ctx":"a-s3cret","labels":{"a":"a-s3cret"}}"#;
    assert!(board.boss("POST", "/api/jobs", "", job).contains(" 201 "));
    for body in [r#"{"s3cret":1}"#, "s3cret", r#"{"job_type":"hash","priority":"a-s3cret"}"#] {
        assert!(board.boss("POST", "/api/jobs", "Idempotency-Key: a-s3cret\r\n", body).contains(" 400 "));
    }
    board.boss("PUT", "/api/machines/m", "", "{}");
    let joined = board.boss("PUT", "/api/workers/w", "", r#"{"machine_id":"m","services":["hash"]}"#);
    let worker = told(&joined, "session");
    let header = format!("X-Worker-Session: {worker}\r\n");
    let taken = board.boss("POST", "/api/workers/w/next?start=1", &header, r#"{"have":[]}"#);
    let lease = told(&taken, "lease_id");
    board.boss("POST", &format!("/api/leases/{lease}/progress"), "", r#"{"progress":1,"message":"a-s3cret"}"#);
    assert!(board.boss("POST", &format!("/api/leases/{lease}/finish"), "", r#"{"result":"s3cret"}"#).contains(" 200 "));
    // Whoever tries what they may not, in every way in which one can.
    board.ask("POST", &format!("/api/leases/{lease}/renew"), "Authorization: Bearer the-guest-shows-s3cret\r\n", "{}");
    board.boss("POST", "/api/machines/nobodys-s3cret/drain", "", "");
    board.boss("POST", "/api/workers/w/next", "X-Worker-Session: a-s3cret\r\n", r#"{"have":[]}"#);
    for headers in [
        "",
        "Authorization: Bearer a-s3cret\r\n",
        "Cookie: callboard_session=a-s3cret\r\n",
        "Origin: http://s3cret\r\n",
    ] {
        for path in
            ["/api/jobs/s3cret", "/api/events/monitor?token=wrong-s3cret", "/api/jobs?token=a-s3cret", "/s3cret"]
        {
            board.ask("GET", path, headers, "");
        }
    }
    let signed_in = board.ask("POST", "/api/session", "", &format!(r#"{{"token":"{TOKEN}"}}"#));
    let session = signed_in.split_once("callboard_session=").unwrap().1.split(';').next().unwrap().to_owned();
    let ticket = told(&board.boss("POST", "/api/tickets", "", "{}"), "ticket");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    drop(board.watch(&format!("/api/events/monitor?token={TOKEN}"), ""));
    drop(board.watch(&format!("/ws/monitor/eye?ticket={ticket}"), upgrade));
    let mut socket = board.watch("/ws/client/me", &format!("{upgrade}Cookie: callboard_session={session}\r\n"));
    let said = br#"{"type":"submit_job","message_id":"k","job_type":"hash","payload":"a-s3cret"}"#;
    let masked = said.iter().enumerate().map(|(at, byte)| byte ^ [7, 11, 13, 17][at % 4]);
    let frame: Vec<u8> = [0x81, 0x80 | said.len() as u8, 7, 11, 13, 17].into_iter().chain(masked).collect();
    socket.write_all(&frame).unwrap();
    while !board.boss("GET", "/api/jobs/k", "", "").contains(" 200 ") {}
    drop(socket);
    let went = |board: &Board| board.said.iter().filter(|line| line.contains("a watcher went")).count();
    while went(&board) < 3 {
        board.hears("a watcher went");
    }
    let figures = board.boss("GET", "/metrics", "", "");
    assert!(figures.contains("callboard_requests_refused_total{code=\"unauthorized\"}"), "{figures}");

    let log = board.said.join("\n");
    log.lines().for_each(check_object);
    let went: String = log.lines().filter(|line| line.contains("a watcher went")).collect();
    for part in
        ["\"kind\":\"client\"", "\"transport\":\"sse\"", "\"id\":\"eye\"", "\"principal\":\"boss\"", "\"seconds\":"]
    {
        assert!(went.contains(part), "{part}: {went}");
    }
    // Of refusals: who and at which door, as far as that is known.
    for part in ["\"principal\":\"guest\"", "/api/machines/{id}/drain", "\"code\":\"unauthorized\""] {
        assert!(log.contains(part), "{part}: {log}");
    }
    for secret in ["s3cret", &worker, &lease, &session, &ticket] {
        let found = log.lines().chain(figures.lines()).find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}
