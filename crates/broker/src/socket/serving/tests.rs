use super::super::frame::{Inbound, Parser};
use super::super::handshake::{accept, raw};
use super::super::line::Line;
use super::super::pair::{PATIENCE, bounds, from_client, heard, soon, vanish};
use super::*;
use futures_util::stream;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A request that is running until it may go on.
#[derive(Default)]
struct Gate {
    begun: Notify,
    go_on: Notify,
}

/// A server of which nothing is known but how it treats connections.
struct Served {
    front: Arc<Front>,
    at: SocketAddr,
    closing: CancellationToken,
    gate: Arc<Gate>,
}

impl Served {
    async fn start(bounds: Bounds) -> Served {
        let closing = CancellationToken::new();
        let front = Arc::new(Front::new(bounds, closing.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let (accepting, gated) = (Arc::clone(&front), Arc::clone(&gate));
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let gate = Arc::clone(&gated);
                accepting.connect(stream, from, move |request| answer(request, Arc::clone(&gate)));
            }
        });
        Served { front, at, closing, gate }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// A connection on which a request was sent.
    async fn asked(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn until_empty(&self) {
        soon(self.front.empty()).await;
    }
}

/// `/peer`: who asks. `/ws`: everything back. `/gate`: later. Else a stream that never ends.
async fn answer(mut request: Request<Body>, gate: Arc<Gate>) -> Response<Body> {
    match request.uri().path() {
        "/gate" => {
            gate.begun.notify_one();
            gate.go_on.notified().await;
            Response::new(Body::from("at last"))
        }
        "/peer" => Response::new(Body::from(format!("{:?}", request.extensions().get::<Peer>()))),
        "/ws" => match accept(&mut request) {
            Ok((response, on)) => {
                tokio::spawn(async move {
                    let (on, already) = raw(on).await.unwrap();
                    let mut line = Line::new(on, &already, Parser::new(1 << 20));
                    while let Ok(moved) = line.moved().await {
                        if let Some(Inbound::Text(text)) = moved {
                            let mut out = bytes::BytesMut::new();
                            super::super::put_text(&mut out, text.as_bytes());
                            line.queue(out.freeze());
                        }
                    }
                });
                response
            }
            Err(not) => {
                let problem = not.problem();
                let mut response = Response::new(Body::from(problem.json()));
                *response.status_mut() = problem.status.try_into().unwrap();
                for (name, value) in not.headers() {
                    response.headers_mut().insert(name, value);
                }
                response
            }
        },
        _ => {
            let chunk = bytes::Bytes::from(vec![b'x'; 64 << 10]);
            Response::new(Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()))))
        }
    }
}

/// All that is answered until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_stream_that_nobody_reads_ends_and_so_does_one_whose_reader_vanished() {
    let served = Served::start(bounds()).await;
    let reader = served.asked("/stream", "").await;
    let mut vanished = served.asked("/stream", "").await;
    head(&mut vanished).await;
    vanish(&vanished);
    served.until_empty().await;
    drop((reader, vanished));
}

#[tokio::test]
async fn a_slow_reader_of_a_stream_stays() {
    let served = Served::start(bounds()).await;
    let mut reader = served.asked("/stream", "").await;
    let started = tokio::time::Instant::now();
    let mut turns = tokio::time::interval(bounds().stall_wait / 4);
    let mut buffer = vec![0; 6 << 20];
    while started.elapsed() < 4 * bounds().stall_wait {
        turns.tick().await;
        soon(reader.read_exact(&mut buffer)).await.unwrap();
    }
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_not_waited_for() {
    let served = Served::start(Bounds { head_wait: Duration::from_millis(300), ..bounds() }).await;
    let silent = served.connect().await;
    let mut slow = served.connect().await;
    let dripping = tokio::spawn(async move {
        let mut turns = tokio::time::interval(Duration::from_millis(20));
        // Until the server has had enough.
        while slow.write_u8(b'G').await.is_ok() {
            turns.tick().await;
        }
    });
    assert_eq!(rest(silent).await, "");
    served.until_empty().await;
    soon(dripping).await.unwrap();
}

#[tokio::test]
async fn a_long_head_is_taken_and_one_that_is_too_long_is_named() {
    let served = Served::start(bounds()).await;
    let long = |bytes: usize| format!("Connection: close\r\nCookie: {}\r\n", "c".repeat(bytes));
    let answer = rest(served.asked("/peer", &long(16 << 10)).await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut answer = served.asked("/peer", &long(200 << 10)).await;
    assert!(head(&mut answer).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn connections_are_counted_by_address_and_the_next_one_is_told_so() {
    let served = Served::start(Bounds { connections_per_address_max: 2, ..bounds() }).await;
    let (first, second, silent) = (served.connect().await, served.connect().await, served.connect().await);
    let answer = rest(served.asked("/peer", "").await).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: 5\r\n"), "{answer}");
    let problem: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"too_many_connections".into(), &503.into()));
    assert!(problem["detail"].as_str().unwrap().contains("2 connections from your address"), "{problem}");
    // An answer before the question would be taken for something else.
    assert_eq!(silent.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Another address has its own.
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut elsewhere = elsewhere.connect(served.at).await.unwrap();
    elsewhere.write_all(b"GET /peer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(elsewhere).await.ends_with("Some(Peer(127.0.0.2))"));
    drop((first, second));
    served.until_empty().await;
    let answer = rest(served.asked("/peer", "Connection: close\r\n").await).await;
    assert!(answer.ends_with("Some(Peer(127.0.0.1))"), "{answer}");
}

#[tokio::test]
async fn a_full_server_says_so() {
    let served = Served::start(Bounds { connections_max: 1, ..bounds() }).await;
    let _first = served.connect().await;
    let answer = rest(served.asked("/peer", "").await).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("the server has 1 connections"), "{answer}");
}

#[tokio::test]
async fn an_upgraded_connection_keeps_its_place_and_what_was_sent_at_once_is_not_lost() {
    let served = Served::start(Bounds { connections_max: 1, ..bounds() }).await;
    let mut stream = served.connect().await;
    let request = format!("GET /ws HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}Sec-WebSocket-Version: 13\r\n\r\n");
    stream.write_all(&[request.into_bytes(), from_client(0x81, b"at once")].concat()).await.unwrap();
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    assert_eq!(soon(heard(&mut stream)).await, Some((0x81, b"at once".to_vec())));
    assert!(rest(served.asked("/peer", "").await).await.starts_with("HTTP/1.1 503 "), "it has a place");
    drop(stream);
    served.until_empty().await;
}

#[tokio::test]
async fn another_version_is_told_which_one_is_spoken() {
    let served = Served::start(bounds()).await;
    let mut stream = served.asked("/ws", &format!("{UPGRADE}Sec-WebSocket-Version: 8\r\n")).await;
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
}

#[tokio::test]
async fn when_the_server_closes_idle_connections_end_and_running_requests_are_answered_first() {
    let served = Served::start(Bounds { head_wait: 10 * PATIENCE, ..bounds() }).await;
    let mut idle = served.asked("/peer", "").await;
    head(&mut idle).await;
    let running = served.asked("/gate", "").await;
    soon(served.gate.begun.notified()).await;
    served.closing.cancel();
    assert_eq!(rest(idle).await, "Some(Peer(127.0.0.1))");
    served.gate.go_on.notify_one();
    assert!(rest(running).await.ends_with("at last"));
    served.until_empty().await;
}
