//! The half of promise 2 that readers see, and promise 6.

use super::{World, Writer, batch, elsewhere, read_all};
use crate::{Position, StoreError};

/// Promise 2, from every place there is and in pages of every size.
pub async fn a_reader_sees_every_record_once_in_order(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let mut positions = vec![Position::START];
    positions.extend(writer.write_many(12, 3).await);

    let reader = world.handle().await;
    for bytes_max in [0, 1, 150, 1_000, usize::MAX] {
        for (index, after) in positions.iter().enumerate() {
            let records = read_all(&*reader, *after, bytes_max).await;
            let seen: Vec<Position> = records.iter().map(|record| record.position).collect();
            assert_eq!(seen, positions[index + 1..]);
        }
    }
}

/// A page holds about what was asked for and at least one record.
pub async fn reads_come_in_pages(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let positions = writer.write_many(10, 2).await;
    let page = async |bytes_max| {
        let page = writer.journal.read(positions[0], bytes_max).await.unwrap();
        let by_seq = writer.journal.read_after_seq(positions[0].seq, bytes_max).await.unwrap();
        assert_eq!(page, by_seq);
        page.len()
    };
    assert_eq!(page(0).await, 1);
    assert_eq!(page(99).await, 1);
    let some = page(500).await;
    assert!((2..=6).contains(&some), "{some} records of 100 bytes in a page of 500");
    assert_eq!(page(usize::MAX).await, 9);
}

/// Who knows only a number gets the record that holds the event after it, whole.
pub async fn a_reader_may_begin_inside_a_record(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    writer.write_many(3, 4).await;
    // Events 1-4, 5-8, 9-12.
    for (seq, first) in [(0, 1), (3, 1), (4, 5), (5, 5), (7, 5), (8, 9), (11, 9)] {
        let records = writer.journal.read_after_seq(seq, usize::MAX).await.unwrap();
        assert_eq!(records.first().map(|record| record.first), Some(first), "after event {seq}");
        assert_eq!(records.last().map(|record| record.position), Some(writer.at));
    }
    for seq in [12, 13, u64::MAX] {
        assert!(writer.journal.read_after_seq(seq, usize::MAX).await.unwrap().is_empty());
    }
}

/// An empty journal and a reader who has seen all are the same case: nothing, and no error.
pub async fn a_reader_at_the_tail_gets_nothing(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    assert!(writer.journal.read(Position::START, usize::MAX).await.unwrap().is_empty());
    assert!(writer.journal.read_after_seq(0, usize::MAX).await.unwrap().is_empty());
    let tail = writer.write(&batch(2, "all there is")).await;
    assert!(writer.journal.read(tail, usize::MAX).await.unwrap().is_empty());
}

/// Promise 6 for readers: beyond the tail, at the tail, at a record, inside one.
pub async fn a_reader_of_another_history_is_told(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let told = async |writer: &Writer, after: Position| {
        let answer = writer.journal.read(after, usize::MAX).await;
        let Err(StoreError::Rewound { after: named, tail }) = answer else {
            panic!("a reader at {after:?} was given {answer:?}");
        };
        assert_eq!((named, tail), (after, writer.at));
    };
    told(&writer, elsewhere(writer.epoch, 1)).await;
    let positions = writer.write_many(3, 2).await;
    for records in [1, 2, 3, 5, 6, 7, 100] {
        told(&writer, elsewhere(writer.epoch, records)).await;
    }
    told(&writer, Position { epoch: positions[1].epoch + 1, ..positions[1] }).await;
    told(&writer, Position { seq: u64::MAX, ..positions[2] }).await;
    told(&writer, Position { epoch: 1, ..Position::START }).await;
}

/// Promise 6 for writers: who believes in another last record writes nothing.
pub async fn a_writer_of_another_history_is_told(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    for records in [1, 2, 3] {
        for after in [elsewhere(writer.epoch, records), elsewhere(writer.epoch, 9)] {
            let answer = writer.journal.append(writer.epoch, after, &batch(1, "lost")).await;
            let Err(StoreError::Rewound { after: named, tail }) = answer else {
                panic!("a writer at {after:?} was answered {answer:?}");
            };
            assert_eq!((named, tail), (after, writer.at));
        }
        writer.write(&batch(1, "here")).await;
    }
    assert_eq!(read_all(&*writer.journal, Position::START, usize::MAX).await.len(), 3);
}

/// Promise 6: a place in the middle of the history is no place to write.
pub async fn an_append_after_an_older_record_is_refused(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let mut places = vec![Position::START];
    places.extend(writer.write_many(3, 1).await);
    for after in &places[..3] {
        let answer = writer.journal.append(writer.epoch, *after, &batch(1, "a fork")).await;
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    }
    assert_eq!(writer.journal.tail().await.unwrap(), writer.at);
}
