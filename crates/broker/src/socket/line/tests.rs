use super::super::pair::{CLIENT_BUFFER_BYTES, PATIENCE, STALL_WAIT, from_client, from_us, heard, pair, soon, vanish};
use super::*;
use socket2::SockRef;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const CLOSE: u8 = 0x88;

/// What the kernels of both sides may hold: they count twice what is set.
const KERNELS_SHARE: usize = 2 * limits::SEND_BUFFER_BYTES + 2 * CLIENT_BUFFER_BYTES;

fn piece() -> Bytes {
    from_us(TEXT, &[b'x'; 100_000])
}

/// Tells on and on, and answers each ping with a pong; what has moved is looked at by `with`.
async fn until_gone(line: &mut Line, mut with: impl FnMut(&Line, Option<&Inbound>)) -> Gone {
    loop {
        if line.is_clear() {
            line.queue(piece());
        }
        match line.moved().await {
            Ok(inbound) => {
                if let Some(Inbound::Ping(body)) = &inbound {
                    line.queue(from_us(PONG, body));
                }
                with(line, inbound.as_ref());
            }
            Err(gone) => return gone,
        }
    }
}

/// Reads `bytes` at a time, so often, until there is nothing more or `enough` has passed.
async fn until_read(client: &mut TcpStream, bytes: usize, every: std::time::Duration, enough: std::time::Duration) {
    let started = Instant::now();
    let mut turns = tokio::time::interval(every);
    let mut buffer = vec![0; bytes];
    while started.elapsed() < enough {
        turns.tick().await;
        if client.read_exact(&mut buffer).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_reader_that_never_reads_is_parked_and_then_gone() {
    let (mut line, _client) = pair().await;
    assert_eq!(soon(until_gone(&mut line, |_, _| ())).await, Gone::Stalled);
    assert!(line.queued() <= piece().len(), "{} bytes are queued", line.queued());
    // What the client's kernel took, what has not even been sent, and the segment that was begun.
    let most = 2 * CLIENT_BUFFER_BYTES + limits::UNSENT_BYTES_MAX as usize + (64 << 10);
    assert!(line.sent() <= most as u64, "the kernel took {} bytes", line.sent());
    let bound = SockRef::from(line.on.stream()).send_buffer_size().unwrap();
    assert_eq!(bound, 2 * limits::SEND_BUFFER_BYTES, "the kernel counts twice what is set");
}

#[tokio::test]
async fn a_machine_that_vanished_is_noticed_by_the_first_word_to_it() {
    let (mut line, client) = pair().await;
    vanish(&client);
    line.queue(from_us(PING, b""));
    assert_eq!(soon(line.moved()).await, Ok(None), "the kernel took it");
    assert_eq!(soon(line.moved()).await, Err(Gone::Stalled));
}

#[tokio::test]
async fn a_reader_of_a_byte_now_and_then_acknowledges_nothing_and_is_gone() {
    let (mut line, mut client) = pair().await;
    let reading = tokio::spawn(async move { until_read(&mut client, 1, STALL_WAIT / 60, PATIENCE).await });
    assert_eq!(soon(until_gone(&mut line, |_, _| ())).await, Gone::Stalled);
    reading.abort();
}

#[tokio::test]
async fn a_slow_reader_stays_as_long_as_it_reads() {
    let (mut line, mut client) = pair().await;
    let telling = tokio::spawn(async move { until_gone(&mut line, |_, _| ()).await });
    until_read(&mut client, 2 * CLIENT_BUFFER_BYTES, STALL_WAIT / 4, 5 * STALL_WAIT).await;
    assert!(!telling.is_finished());
    drop(client);
    assert_eq!(soon(telling).await.unwrap(), Gone::Closed);
}

#[tokio::test]
async fn silence_is_no_stall() {
    let (mut line, mut client) = pair().await;
    let patience = tokio::time::timeout(4 * STALL_WAIT, line.moved()).await;
    assert!(patience.is_err(), "nothing has moved");
    client.write_all(&from_client(TEXT, b"still here")).await.unwrap();
    assert_eq!(soon(line.moved()).await, Ok(Some(Inbound::Text("still here".to_owned()))));
    drop(client);
    assert_eq!(soon(line.moved()).await, Err(Gone::Closed));
}

#[tokio::test]
async fn silence_costs_less_than_a_kilobyte() {
    let (mut line, _client) = pair().await;
    for _ in 0..100 {
        line.queue(from_us(TEXT, b"hello"));
    }
    assert_eq!(soon(line.moved()).await, Ok(None));
    let kept = size_of::<Line>() + line.queue.capacity() * size_of::<Bytes>();
    let waiting = size_of_val(&line.moved());
    assert!(kept + waiting <= 1024, "{kept} bytes are kept and {waiting} waited with");
}

#[tokio::test]
async fn a_pong_waits_behind_no_more_than_one_piece_and_the_kernels_share() {
    let (mut line, mut client) = pair().await;
    let (heard_it, hears) = oneshot::channel();
    let mut heard_it = Some(heard_it);
    let telling = tokio::spawn(async move {
        until_gone(&mut line, |_, inbound| {
            if let Some(Inbound::Ping(_)) = inbound {
                heard_it.take().unwrap().send(()).unwrap();
            }
        })
        .await
    });
    client.write_all(&from_client(PING, b"?")).await.unwrap();
    soon(hears).await.unwrap();
    let mut before = 0;
    loop {
        match soon(heard(&mut client)).await.unwrap() {
            (PONG, body) => break assert_eq!(body, b"?"),
            (_, body) => before += body.len(),
        }
    }
    assert!(before <= piece().len() + KERNELS_SHARE, "{before} bytes came before");
    telling.abort();
}

#[tokio::test]
async fn who_asks_and_never_reads_the_answers_is_not_listened_to() {
    let (mut line, mut client) = pair().await;
    let asking = tokio::spawn(async move {
        let many = from_client(PING, b"?").repeat(100_000);
        // It ends when the connection does.
        let _ = client.write_all(&many).await;
        client
    });
    let mut most = 0;
    let gone = loop {
        match soon(line.moved()).await {
            Ok(Some(_)) => line.queue(piece()),
            Ok(None) => {}
            Err(gone) => break gone,
        }
        most = most.max(line.queued());
    };
    assert_eq!(gone, Gone::Stalled);
    assert!(most <= limits::PIECE_BYTES_MAX + piece().len(), "{most} bytes were queued");
    drop(line);
    soon(asking).await.unwrap();
}

#[tokio::test]
async fn what_breaks_the_rules_is_told_by_which_code_it_broke_them() {
    let (long, endless) = (vec![b'x'; 10_001], from_client(0x01, &[b'x'; 1_000]));
    let fragments = [endless, from_client(0x00, &[b'x'; 1_000]).repeat(10)].concat();
    let bad = [
        ("no mask", from_us(TEXT, b"hi").to_vec(), 1002),
        ("a fragment of nothing", from_client(0x80, b"hi"), 1002),
        ("HTTP again", b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
        ("binary", from_client(0x82, b"hi"), 1003),
        ("no UTF-8", from_client(TEXT, b"\xff"), 1007),
        ("too long", from_client(TEXT, &long), 1009),
        ("endless", fragments, 1009),
    ];
    for (what, bytes, code) in bad {
        let (mut line, mut client) = pair().await;
        let first = from_client(TEXT, b"before");
        // It goes on talking: our last word must arrive all the same.
        client.write_all(&[first, bytes, vec![0xff; 50_000]].concat()).await.unwrap();
        assert_eq!(soon(line.moved()).await, Ok(Some(Inbound::Text("before".to_owned()))), "{what}");
        let Err(Gone::Broken(broken)) = soon(line.moved()).await else { panic!("{what} was taken") };
        let closing = tokio::spawn(line.close(broken.code(), "so not"));
        let (kind, body) = soon(heard(&mut client)).await.unwrap();
        assert_eq!((kind, &body[..2]), (CLOSE, &u16::to_be_bytes(code)[..]), "{what}");
        assert_eq!(soon(heard(&mut client)).await, None, "{what}");
        drop(client);
        soon(closing).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_may_come_byte_by_byte() {
    let (mut line, mut client) = pair().await;
    client.set_nodelay(true).unwrap();
    for byte in from_client(TEXT, "zw\u{f6}lf".as_bytes()) {
        client.write_u8(byte).await.unwrap();
    }
    assert_eq!(soon(line.moved()).await, Ok(Some(Inbound::Text("zw\u{f6}lf".to_owned()))));
}

#[tokio::test]
async fn the_last_word_comes_behind_the_frames_that_have_begun_and_before_the_others() {
    let (mut line, mut client) = pair().await;
    for number in 0..10 {
        line.queue(from_us(TEXT, &[b'0' + number; 100_000]));
    }
    let parked = tokio::time::timeout(STALL_WAIT / 2, line.moved()).await;
    assert!(parked.is_err() && !line.is_clear());
    let whole = usize::try_from(line.sent()).unwrap().div_ceil(piece().len());
    let closing = tokio::spawn(line.close(1013, "come back"));
    let mut kinds = Vec::new();
    while let Some((kind, _)) = soon(heard(&mut client)).await {
        kinds.push(kind);
    }
    assert_eq!(kinds, [vec![TEXT; whole], vec![CLOSE]].concat());
    drop(client);
    soon(closing).await.unwrap();
}
