//! Promises 1 and 4, and the half of 2 that writers see.

use super::{World, Writer, batch, inline, noise, read_all};
use crate::{Batch, Body, Position, StoreError};
use bytes::Bytes;

/// Promise 1: what `append` answered is there for everybody.
pub async fn an_append_is_there_when_it_returns(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    for number in 0..3 {
        let batch = batch(2, &format!("record {number}"));
        let before = writer.at;
        let position = writer.write(&batch).await;
        assert_eq!(position, before.after(writer.epoch, 2, &batch.bytes));

        let other = world.handle().await;
        assert_eq!(other.tail().await.unwrap(), position);
        let records = other.read(before, usize::MAX).await.unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].position, position);
        assert_eq!(records[0].bytes, batch.bytes);
    }
}

/// Promise 1: who reads while another writes sees a record with all its bytes and contents, or not
/// at all.
pub async fn a_reader_beside_the_writer_sees_whole_batches_only(world: &dyn World) {
    const RECORDS: u64 = 30;
    let mut writer = Writer::open(world).await;
    let reader = world.handle().await;
    let content = |number: u64| (noise(number, 20_000), noise(1_000 + number, 5_000));

    let writing = async {
        for number in 1..=RECORDS {
            let (bytes, small) = content(number);
            let contents = vec![inline(number, small)];
            writer.write(&Batch { events: 1, bytes, contents, ..Batch::default() }).await;
            tokio::task::yield_now().await;
        }
    };
    let reading = async {
        let mut at = Position::START;
        while at.seq < RECORDS {
            for record in read_all(&*reader, at, 50_000).await {
                let (bytes, small) = content(record.position.seq);
                assert_eq!(record.bytes, bytes);
                assert_eq!(reader.content(record.position.seq).await.unwrap(), Some(Body::Inline(small)));
                at = record.position;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writing, reading);
}

/// Promise 1: of what was refused nothing remains, neither record nor content.
pub async fn a_refused_append_leaves_nothing(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let tail = writer.write(&batch(1, "kept")).await;
    let refused = Batch { contents: vec![inline(1, "of a refused record")], ..batch(1, "refused") };

    let answer = writer.journal.append(writer.epoch, Position::START, &refused).await;
    assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    world.handle().await.open(0).await.unwrap();
    let answer = writer.journal.append(writer.epoch, tail, &refused).await;
    assert!(matches!(answer, Err(StoreError::Fenced { .. })), "{answer:?}");

    assert_eq!(writer.journal.tail().await.unwrap(), tail);
    assert_eq!(writer.journal.content(1).await.unwrap(), None);
    assert!(writer.journal.read(tail, usize::MAX).await.unwrap().is_empty());
}

/// Sizes beyond any page or buffer: a content of 8 MiB in a record of 1 MiB; and none at all.
pub async fn large_values_come_back_whole(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let contents = vec![inline(1, noise(1, 8 * 1024 * 1024)), inline(2, Bytes::new())];
    let large = Batch { bytes: noise(2, 1024 * 1024), contents, ..batch(1, "") };
    writer.write(&large).await;

    let records = writer.journal.read(Position::START, 1).await.unwrap();
    assert!(records[0].bytes == large.bytes);
    for content in large.contents {
        assert!(writer.journal.content(content.number).await.unwrap() == Some(content.body));
    }
}

/// Promise 2: each position begins where the one before ended.
pub async fn positions_are_dense_and_only_grow(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    assert_eq!(writer.at, Position::START, "a new journal is empty");
    let mut seq = 0;
    for events in [1, 5, 2, 1_000_000, 1] {
        seq += u64::from(events);
        assert_eq!(writer.write(&batch(events, "some")).await.seq, seq);
    }
    // A new term continues the same numbers.
    let mut successor = Writer::open(world).await;
    assert_eq!(successor.at, writer.at);
    let position = successor.write(&batch(2, "more")).await;
    assert_eq!((position.epoch, position.seq), (successor.epoch, seq + 2));
    assert_eq!(read_all(&*successor.journal, Position::START, usize::MAX).await.len(), 6);
}

/// A record without events takes one number, also without any bytes.
pub async fn an_empty_batch_takes_one_number(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    writer.write(&batch(3, "three")).await;
    assert_eq!(writer.write(&batch(0, "an answer, no event")).await.seq, 4);
    assert_eq!(writer.write(&Batch::default()).await.seq, 5);
    assert_eq!(writer.write(&batch(1, "one")).await.seq, 6);
    let records = read_all(&*writer.journal, Position::START, usize::MAX).await;
    assert_eq!(records.iter().map(|record| record.first).collect::<Vec<_>>(), [1, 4, 5, 6]);
}

/// Promise 4: the same append again, over any handle, gives the same answer and nothing else.
pub async fn a_repeated_append_writes_once(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    for batch in [batch(2, "whose answer was lost"), Batch::default()] {
        let before = writer.at;
        let position = writer.write(&batch).await;
        for journal in [writer.journal.clone(), world.handle().await] {
            let again = journal.append(writer.epoch, before, &batch).await.unwrap();
            assert_eq!(again, position);
        }
        assert_eq!(writer.journal.tail().await.unwrap(), position);
    }
    assert_eq!(read_all(&*writer.journal, Position::START, usize::MAX).await.len(), 2);
    writer.write(&batch(1, "and on it goes")).await;
}

/// Promise 4 is about the place too: equal bytes at the next place are a new record.
pub async fn the_same_batch_after_itself_is_another_record(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let first = writer.write(&batch(1, "same")).await;
    let second = writer.write(&batch(1, "same")).await;
    assert_eq!(second.seq, 2);
    assert_ne!(first.hash, second.hash);
}
