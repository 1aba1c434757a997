//! Promise 3: one writer at a time.

use super::{World, Writer, batch, one, read_all, state_at, whole};
use crate::{Position, StoreError};
use bytes::Bytes;

/// Promise 3, between two handles and within one.
pub async fn an_earlier_writer_cannot_append(world: &dyn World) {
    let mut first = Writer::open(world).await;
    first.write(&batch(1, "first term")).await;
    let mut second = Writer::open(world).await;
    assert_fenced(&first, &second).await;
    second.write(&batch(1, "second term")).await;
    assert_fenced(&first, &second).await;

    // The same handle opened again is another writer.
    let opened = second.journal.open(0).await.unwrap();
    let mut third = Writer { journal: second.journal.clone(), epoch: opened.epoch, at: opened.tail };
    assert_fenced(&second, &third).await;
    third.write(&batch(1, "third term")).await;
    let records = read_all(&*third.journal, Position::START, usize::MAX).await;
    let terms: Vec<u64> = records.iter().map(|record| record.position.epoch).collect();
    assert_eq!(terms, [first.epoch, second.epoch, third.epoch]);
}

async fn assert_fenced(earlier: &Writer, newest: &Writer) {
    for after in [earlier.at, newest.at] {
        let answer = earlier.journal.append(earlier.epoch, after, &batch(1, "too late")).await;
        let Err(StoreError::Fenced { ours, newest: named }) = answer else {
            panic!("an earlier writer was answered {answer:?}");
        };
        assert_eq!((ours, named), (earlier.epoch, newest.epoch));
    }
    assert_eq!(newest.journal.tail().await.unwrap(), newest.at);
}

/// Promise 3 goes before promise 4: an earlier writer learns that it is one, whatever it asks.
pub async fn an_earlier_writer_cannot_repeat_its_append(world: &dyn World) {
    let mut first = Writer::open(world).await;
    let lost = batch(1, "whose answer was lost");
    first.write(&lost).await;
    let second = Writer::open(world).await;
    let answer = first.journal.append(first.epoch, Position::START, &lost).await;
    assert!(matches!(answer, Err(StoreError::Fenced { .. })), "{answer:?}");
    assert_eq!(second.journal.tail().await.unwrap(), first.at);
}

/// Promise 3 for states: neither one begun too late nor one that was overtaken on its way.
pub async fn an_earlier_writer_cannot_checkpoint(world: &dyn World) {
    let mut first = Writer::open(world).await;
    let at = first.write(&batch(1, "first term")).await;
    let kept = one("kept", "state");
    first.journal.checkpoint(first.epoch, None, at, whole(&kept)).await.unwrap();

    let at_last = first.write(&batch(1, "more")).await;
    // Many pieces: the successor opens while they are drawn.
    let (half, halfway) = tokio::sync::oneshot::channel();
    let (go, gone_on) = std::sync::mpsc::sync_channel::<()>(1);
    let mut half = Some(half);
    let parts = (0..2_000_u32).map(move |number| {
        if let Some(half) = (number == 1_000).then(|| half.take()).flatten() {
            half.send(()).unwrap();
            gone_on.recv().unwrap();
        }
        (Bytes::copy_from_slice(&number.to_be_bytes()), Some(Bytes::from_static(b"overtaken")))
    });
    let overtaken = first.journal.checkpoint(first.epoch, None, at_last, Box::new(parts));
    let opening = async {
        halfway.await.unwrap();
        let second = Writer::open(world).await;
        go.send(()).unwrap();
        second
    };
    let (overtaken, second) = tokio::join!(overtaken, opening);
    let late = first.journal.checkpoint(first.epoch, Some(at), at_last, whole(&kept)).await;
    for answer in [overtaken, late] {
        let Err(StoreError::Fenced { ours, newest }) = answer else {
            panic!("an earlier writer was answered {answer:?}");
        };
        assert_eq!((ours, newest), (first.epoch, second.epoch));
    }
    assert_eq!(state_at(&*second.journal, at, usize::MAX).await, kept);
}

/// Promise 3 when nobody is earlier: the epochs differ and only the larger one writes.
pub async fn of_two_who_open_at_once_one_writes(world: &dyn World) {
    let (one, other) = tokio::join!(Writer::open(world), Writer::open(world));
    assert_ne!(one.epoch, other.epoch);
    let lines = [batch(1, "one"), batch(1, "other")];
    let (first, second) = tokio::join!(
        one.journal.append(one.epoch, one.at, &lines[0]),
        other.journal.append(other.epoch, other.at, &lines[1]),
    );
    assert_eq!(first.is_ok(), one.epoch > other.epoch, "{first:?}");
    assert_eq!(second.is_ok(), other.epoch > one.epoch, "{second:?}");
    assert_eq!(read_all(&*one.journal, Position::START, usize::MAX).await.len(), 1);
}

/// An epoch is larger than all before it and not below the floor, also if nothing was written
/// in between.
pub async fn epochs_grow_and_respect_the_floor(world: &dyn World) {
    let mut last = 0;
    for floor in [0, 0, 1_700_000_000, 1_700_000_000, 5] {
        let epoch = world.handle().await.open(floor).await.unwrap().epoch;
        assert!(epoch > last, "epoch {epoch} after {last}");
        assert_eq!(epoch, floor.max(last + 1));
        last = epoch;
    }
}
