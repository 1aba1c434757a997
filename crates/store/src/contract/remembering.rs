//! Promise 5, and what remains when everybody has gone.

use super::{World, Writer, batch, elsewhere, noise, read_all};
use crate::{Batch, Blob, Checkpoint, Position, StoreError};
use bytes::Bytes;

async fn assert_opens_with(world: &dyn World, expected: Option<Checkpoint>) {
    let opened = world.handle().await.open(0).await.unwrap();
    assert!(opened.checkpoint == expected, "open did not return what was confirmed last");
}

/// Promise 5, from none to several.
pub async fn open_returns_the_newest_checkpoint(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    assert_opens_with(world, None).await;
    for text in ["one", "two", ""] {
        writer = Writer::open(world).await;
        let at = writer.write(&batch(2, text)).await;
        let bytes = Bytes::from(format!("the state after {text}"));
        writer.journal.checkpoint(at, bytes.clone()).await.unwrap();
        assert_opens_with(world, Some(Checkpoint { at, bytes })).await;
    }
    // Again at the same place, and an empty state.
    let at = writer.at;
    writer.journal.checkpoint(at, Bytes::new()).await.unwrap();
    assert_opens_with(world, Some(Checkpoint { at, bytes: Bytes::new() })).await;
}

/// Promise 5: one that comes late, from a writer long replaced, takes nothing away.
pub async fn an_older_checkpoint_does_not_replace_a_newer_one(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let positions = writer.write_many(3, 1).await;
    let newest = Checkpoint { at: positions[2], bytes: Bytes::from_static(b"newest") };
    writer.journal.checkpoint(newest.at, newest.bytes.clone()).await.unwrap();
    for at in [Position::START, positions[0], positions[1]] {
        writer.journal.checkpoint(at, Bytes::from_static(b"late")).await.unwrap();
        assert_opens_with(world, Some(newest.clone())).await;
    }
}

/// Promises 5 and 6: a state that this journal does not lead to would be a lie to begin from.
pub async fn a_checkpoint_of_another_history_is_refused(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    writer.write_many(2, 1).await;
    for records in [1, 2, 3] {
        let at = elsewhere(writer.epoch, records);
        let answer = writer.journal.checkpoint(at, Bytes::from_static(b"elsewhere")).await;
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    }
    assert_opens_with(world, None).await;
}

/// Larger than any piece it may be cut into, and appends go on beside it.
pub async fn a_large_checkpoint_comes_back_whole(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let at = writer.write(&batch(1, "some")).await;
    let journal = writer.journal.clone();
    for seed in [1, 2] {
        let bytes = noise(seed, 5 * 1024 * 1024 + 1);
        let (stored, _) = tokio::join!(journal.checkpoint(at, bytes.clone()), writer.write_many(5, 1));
        stored.unwrap();
        assert_opens_with(world, Some(Checkpoint { at, bytes })).await;
        writer = Writer::open(world).await;
    }
}

/// Promise 1 beyond the process, for stores that [`World::persists`]: records, blobs,
/// checkpoint and epoch.
pub async fn what_was_written_survives_its_handles(world: &dyn World) {
    if !world.persists() {
        return;
    }
    let mut writer = Writer::open(world).await;
    let blob = Blob::new(Bytes::from_static(b"small"));
    let at = writer.write(&Batch { blobs: vec![blob.clone()], ..batch(2, "before") }).await;
    writer.journal.checkpoint(at, Bytes::from_static(b"state")).await.unwrap();
    writer.write_many(3, 1).await;
    let written = read_all(&*writer.journal, Position::START, usize::MAX).await;
    let (epoch, tail) = (writer.epoch, writer.at);
    drop(writer);

    let journal = world.handle().await;
    assert_eq!(read_all(&*journal, Position::START, usize::MAX).await, written);
    assert_eq!(journal.blob(blob.hash).await.unwrap(), Some(blob.bytes));
    let opened = journal.open(0).await.unwrap();
    assert!(opened.epoch > epoch);
    assert_eq!(opened.tail, tail);
    assert_eq!(opened.checkpoint, Some(Checkpoint { at, bytes: Bytes::from_static(b"state") }));
}
