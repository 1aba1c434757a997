//! Promise 7, and what a trim leaves.

use super::{State, World, Writer, batch, elsewhere, noise, one, read_all, whole};
use crate::{Batch, Extent, Keep, Position, StoreError, Trimmed};

/// A trim that keeps nothing it need not.
const NOTHING: Keep = Keep { from: u64::MAX, at_min: i64::MAX, bytes_max: 0 };

impl Writer {
    async fn confirm(&self, at: Position) {
        self.journal.checkpoint(self.epoch, None, at, whole(&one("a", "state"))).await.unwrap();
    }

    /// Trims until there is nothing more; returns how much went.
    async fn trim(&self, keep: Keep) -> Trimmed {
        let mut all = Trimmed::default();
        loop {
            let piece = self.journal.trim(keep).await.unwrap();
            all.records += piece.records;
            all.bytes += piece.bytes;
            if !piece.more {
                return all;
            }
            assert!(piece.records > 0, "more is told and nothing was removed");
        }
    }

    async fn oldest(&self) -> u64 {
        self.journal.extent().await.unwrap().oldest
    }
}

/// Promise 7, with no checkpoint, with one, with an unconfirmed one, with a newer one.
pub async fn what_follows_the_checkpoint_is_never_trimmed(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let positions = writer.write_many(10, 2).await;
    assert_eq!(writer.trim(NOTHING).await.records, 0);
    assert_eq!(writer.oldest().await, 1);

    writer.confirm(positions[3]).await;
    let broken = Box::new(std::iter::from_fn(|| panic!("the checkpoint ends early, on purpose")));
    writer.journal.checkpoint(writer.epoch, None, positions[8], broken).await.unwrap_err();
    assert_eq!(writer.trim(NOTHING).await, Trimmed { records: 4, bytes: 400, more: false });
    assert_eq!(writer.oldest().await, positions[3].seq + 1);
    let rest = read_all(&*world.handle().await, positions[3], usize::MAX).await;
    assert_eq!(rest.iter().map(|record| record.position).collect::<Vec<_>>(), positions[4..]);

    writer.confirm(positions[6]).await;
    writer.trim(NOTHING).await;
    assert_eq!(world.handle().await.open(0).await.unwrap().checkpoint, Some(positions[6]));
    assert_eq!(read_all(&*writer.journal, positions[6], usize::MAX).await.len(), 3);
}

/// What the archive has not read, what is young, what there is room for.
pub async fn a_trim_leaves_what_it_is_told_to(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let mut positions = Vec::new();
    for number in 0..20 {
        positions.push(writer.write(&Batch { at: number * 1_000, ..batch(1, &"x".repeat(100)) }).await);
    }
    writer.confirm(writer.at).await;
    let left = async |keep: Keep| {
        writer.trim(keep).await;
        usize::try_from(writer.oldest().await).unwrap()
    };
    // Events are numbered from 1, and each record is one of them.
    let (everything, no_bytes) = (u64::MAX, i64::MIN);
    assert_eq!(left(Keep { bytes_max: everything, at_min: no_bytes, ..NOTHING }).await, 1);
    assert_eq!(left(Keep { from: 2, ..NOTHING }).await, 3);
    assert_eq!(left(Keep { at_min: 5_000, bytes_max: everything, ..NOTHING }).await, 6, "decided at 5,000 or later");
    assert_eq!(left(Keep { at_min: 5_000, bytes_max: 1_000, ..NOTHING }).await, 11, "1,000 bytes, whatever their time");
    assert_eq!(left(Keep { from: 12, at_min: 18_000, bytes_max: 500 }).await, 13, "neither age nor size goes beyond");
    assert_eq!(left(Keep { from: 0, ..NOTHING }).await, 13);
    // Inside of a record: the whole record stays.
    let mut writer = Writer { at: writer.at, epoch: writer.epoch, journal: writer.journal.clone() };
    let last = writer.write(&batch(10, "ten events")).await;
    writer.write(&batch(1, "the last")).await;
    writer.confirm(writer.at).await;
    writer.trim(Keep { from: last.seq - 1, ..NOTHING }).await;
    assert_eq!(writer.oldest().await, last.seq - 9);
}

/// A piece is bounded in records and in bytes, and appends go on between pieces.
pub async fn a_trim_comes_in_pieces(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    writer.write_many(1_000, 1).await;
    writer.write(&Batch { bytes: noise(1, 4 * 1024 * 1024), ..batch(1, "") }).await;
    writer.write(&batch(1, "behind a large one")).await;
    writer.confirm(writer.at).await;
    let (mut pieces, mut records, mut more) = (0, 0, true);
    while more {
        let piece = writer.journal.trim(NOTHING).await.unwrap();
        assert!(piece.records <= 500, "{} records in one piece", piece.records);
        assert!(piece.bytes <= 1024 * 1024 || piece.records == 1, "{piece:?}");
        (pieces, records, more) = (pieces + 1, records + piece.records, piece.more);
        writer.write(&batch(1, "between")).await;
    }
    assert!(pieces >= 3, "{pieces} pieces");
    assert_eq!(records, 1_002);
}

/// Promise 2: who asks for what is gone is told where to go on; who stood at the end of it reads on.
pub async fn a_reader_of_what_was_trimmed_is_told(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let positions = writer.write_many(6, 2).await;
    writer.confirm(positions[3]).await;
    writer.trim(NOTHING).await;

    let reader = world.handle().await;
    for answer in [
        reader.read(Position::START, usize::MAX).await,
        reader.read(positions[1], usize::MAX).await,
        reader.read_after_seq(0, usize::MAX).await,
        reader.read_after_seq(7, usize::MAX).await,
    ] {
        assert!(matches!(answer, Err(StoreError::Trimmed { oldest: 9 })), "{answer:?}");
    }
    assert_eq!(read_all(&*reader, positions[3], usize::MAX).await.len(), 2);
    assert_eq!(reader.read_after_seq(8, usize::MAX).await.unwrap().len(), 2);
    let stranger = elsewhere(writer.epoch, 8);
    let answer = reader.read(stranger, usize::MAX).await;
    assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
}

/// The tail is known, and goes on, however much is trimmed.
pub async fn the_last_record_stays(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    for _ in 0..3 {
        let tail = writer.write_many(3, 2).await[2];
        writer.confirm(tail).await;
        writer.trim(NOTHING).await;
        let other = world.handle().await;
        assert_eq!(other.tail().await.unwrap(), tail);
        assert_eq!(other.extent().await.unwrap().oldest, tail.seq - 1);
        let opened = other.open(0).await.unwrap();
        assert_eq!((opened.tail, opened.checkpoint), (tail, Some(tail)));
        writer = Writer { journal: other, epoch: opened.epoch, at: opened.tail };
    }
}

/// From an empty journal to a trimmed one.
pub async fn the_extent_says_what_there_is(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let extent = async |writer: &Writer| {
        let found = world.handle().await.extent().await.unwrap();
        assert!(found.disk_bytes >= found.bytes);
        assert_eq!(found, Extent { disk_bytes: found.disk_bytes, tail: writer.at, ..found });
        (found.oldest, found.oldest_at, found.bytes)
    };
    assert_eq!(extent(&writer).await, (1, 0, 0));
    for number in 1..=5 {
        writer.write(&Batch { at: number, ..batch(3, &"y".repeat(50)) }).await;
    }
    assert_eq!(extent(&writer).await, (1, 1, 250));
    // A refused one and a repeated one count for nothing.
    writer.journal.append(writer.epoch, Position::START, &batch(1, "refused")).await.unwrap_err();
    let (before, again) = (writer.at, batch(3, "ten bytes."));
    writer.write(&again).await;
    writer.journal.append(writer.epoch, before, &again).await.unwrap();
    assert_eq!(extent(&writer).await, (1, 1, 260));

    writer.journal.checkpoint(writer.epoch, None, writer.at, whole(&State::new())).await.unwrap();
    let trimmed = writer.trim(Keep { at_min: 4, bytes_max: u64::MAX, ..NOTHING }).await;
    assert_eq!(trimmed, Trimmed { records: 3, bytes: 150, more: false });
    assert_eq!(extent(&writer).await, (10, 4, 110));
}
