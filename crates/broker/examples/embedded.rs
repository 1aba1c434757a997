//! A service with a broker inside: it is told what happens to its jobs as values, without a socket.
//!
//!     cargo run -p broker --example embedded
//!
//! A worker on another machine would ask for the jobs; here one job is cancelled and one is run by a
//! worker that this program plays.

use broker::{Broker, Config, Of, Told};
use std::error::Error;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let broker = Broker::start(store::open("memory:", &store::Options::default())?, Config::default()).await?;
    // A service that ran before would go on after the position that it kept, instead of `None`.
    let mut told = broker.feed().subscribe([Of::All], None).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (at, shutdown) = (listener.local_addr()?, CancellationToken::new());
    let serving = tokio::spawn(broker.serve(listener, shutdown.clone()));
    let playing = tokio::spawn(play(at));

    let (mut ended, mut position) = (0, told.position());
    while ended < 2 {
        match told.next().await? {
            Some(Told::Event(event)) => {
                println!("{} of {}: {}", event.job_seq().unwrap_or(0), event.job(), event.json());
                ended += usize::from(event.is_end());
                // What was made of the event and where it stands belong into one transaction.
                position = event.id();
            }
            Some(Told::Passing(message)) => println!("passing: {}", String::from_utf8_lossy(&message)),
            None => break,
        }
    }
    println!("the next run goes on after {position}");
    playing.await??;
    shutdown.cancel();
    Ok(serving.await??)
}

/// Submits two jobs, cancels one, and is the worker of the other.
async fn play(at: SocketAddr) -> Outcome<()> {
    call(at, "POST", "/api/jobs", r#"{"job_id":"unwanted","service_required":"render"}"#, "").await?;
    call(at, "POST", "/api/jobs/unwanted/cancel", "{}", "").await?;
    call(at, "PUT", "/api/machines/gpu-1", "{}", "").await?;
    let joined = call(at, "PUT", "/api/workers/a", r#"{"machine_id":"gpu-1","services":["render"]}"#, "").await?;
    let session = format!("X-Worker-Session: {}\r\n", text_in(&joined, "session")?);
    call(at, "POST", "/api/jobs", r#"{"job_id":"wanted","service_required":"render"}"#, "").await?;
    let given = call(at, "POST", "/api/workers/a/next?wait_ms=10000&start=1", r#"{"have":[]}"#, &session).await?;
    let lease = format!("/api/leases/{}", text_in(&given, "lease_id")?);
    call(at, "POST", &format!("{lease}/progress"), r#"{"progress":0.5}"#, "").await?;
    call(at, "POST", &format!("{lease}/finish"), r#"{"result":{"image":"a.png"}}"#, "").await?;
    Ok(())
}

/// The body of the answer to one request.
async fn call(at: SocketAddr, method: &str, path: &str, body: &str, headers: &str) -> Outcome<String> {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    let mut socket = TcpStream::connect(at).await?;
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 2") => Ok(body.to_owned()),
        _ => Err(format!("{method} {path}: {answer}").into()),
    }
}

fn text_in<'a>(json: &'a str, name: &str) -> Outcome<&'a str> {
    let value = json.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    Ok(value.ok_or_else(|| format!("no {name} in {json}"))?.0)
}
