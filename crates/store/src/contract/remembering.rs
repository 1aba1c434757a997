//! Promise 5, and what remains when everybody has gone.

use super::{State, World, Writer, batch, elsewhere, inline, noise, one, read_all, state_at, whole};
use crate::{Batch, Keep, Parts, Position, StoreError};
use bytes::Bytes;

/// Whoever opens now is told of `expected` and can read it whole, in pages of several sizes.
async fn assert_opens_with(world: &dyn World, expected: Option<(Position, &State)>) {
    let journal = world.handle().await;
    let opened = journal.open(0).await.unwrap();
    assert_eq!(opened.checkpoint, expected.map(|(at, _)| at), "open did not say what was confirmed last");
    if let Some((at, state)) = expected {
        for bytes_max in [2_000, 100_000, usize::MAX] {
            let read = state_at(&*journal, at, bytes_max).await;
            assert!(read == *state, "{} parts were read of {}", read.len(), state.len());
        }
    }
}

/// Promise 5, from none to several.
pub async fn open_returns_the_newest_checkpoint(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    assert_opens_with(world, None).await;
    for state in [one("k", "one"), one("k", "two"), State::new(), one("", ""), one("other", "three")] {
        writer = Writer::open(world).await;
        let at = writer.write(&batch(2, "more")).await;
        writer.journal.checkpoint(writer.epoch, None, at, whole(&state)).await.unwrap();
        assert_opens_with(world, Some((at, &state))).await;
    }
    // Again at the same place, with another state.
    let (at, state) = (writer.at, one("again", "at the same place"));
    let writer = Writer::open(world).await;
    writer.journal.checkpoint(writer.epoch, None, at, whole(&state)).await.unwrap();
    assert_opens_with(world, Some((at, &state))).await;
}

/// Promise 5: whole ones and changed ones by turns, of more than one piece, beside appends.
pub async fn a_checkpoint_is_what_its_changes_lead_to(world: &dyn World) {
    const KEYS: u64 = 3_000;
    let (mut state, mut base) = (State::new(), None);
    for round in 0..8 {
        let mut writer = Writer::open(world).await;
        let at = writer.write(&batch(1, "more")).await;
        if round == 5 {
            (state, base) = (State::new(), None);
        }
        let dice = noise(round, KEYS as usize);
        let mut changes = Vec::new();
        for (key, die) in (0..KEYS).zip(&dice) {
            let key = Bytes::copy_from_slice(&key.to_be_bytes());
            match die {
                // New or changed, and now and then a large one.
                0..60 => changes.push((key, Some(noise(u64::from(*die) + round, usize::from(*die) * 10)))),
                60..61 => changes.push((key, Some(noise(round, 100_000)))),
                61..90 => changes.push((key, None)),
                _ => {}
            }
        }
        for (key, bytes) in changes.clone() {
            match bytes {
                Some(bytes) => state.insert(key, bytes),
                None => state.remove(&key),
            };
        }
        let journal = writer.journal.clone();
        let parts: Parts = Box::new(changes.into_iter());
        let (stored, _) = tokio::join!(journal.checkpoint(writer.epoch, base, at, parts), writer.write_many(5, 1));
        stored.unwrap();
        assert_opens_with(world, Some((at, &state))).await;
        base = Some(at);
    }
}

/// A page holds about what was asked for, at least one part, and begins after any key, also one
/// that is not there.
pub async fn parts_come_in_pages_in_the_order_of_their_keys(world: &dyn World) {
    let writer = Writer::open(world).await;
    let state: State =
        ["", "a", "a\0", "b", "ba", "c\u{ff}"].map(|key| (Bytes::from(key), Bytes::from(vec![b'x'; 1_000]))).into();
    // In no order.
    let parts = Box::new(whole(&state).collect::<Vec<_>>().into_iter().rev());
    writer.journal.checkpoint(writer.epoch, None, Position::START, parts).await.unwrap();
    let page = async |after: Option<&[u8]>, bytes_max| {
        let page = writer.journal.checkpoint_parts(Position::START, after, bytes_max).await.unwrap();
        page.into_iter().map(|part| String::from_utf8(part.key.to_vec()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 0).await, [""]);
    assert_eq!(page(Some(b""), 1).await, ["a"]);
    assert_eq!(page(Some(b"a"), 2_500).await, ["a\0", "b"]);
    assert_eq!(page(Some(b"aa"), usize::MAX).await, ["b", "ba", "c\u{ff}"]);
    assert_eq!(page(Some("c\u{ff}".as_bytes()), usize::MAX).await, [""; 0]);
    assert_eq!(state_at(&*writer.journal, Position::START, 1).await, state);
    let answer = writer.journal.checkpoint_parts(elsewhere(1, 1), None, 1).await;
    assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
}

/// Parts that stop halfway: `halfway` is told, and the rest comes when `go_on` is.
fn stopping(state: &State) -> (Parts, tokio::sync::oneshot::Receiver<()>, std::sync::mpsc::SyncSender<()>) {
    let (reached, halfway) = tokio::sync::oneshot::channel();
    let (go_on, gone_on) = std::sync::mpsc::sync_channel(1);
    let (half, mut reached) = (state.len() / 2, Some(reached));
    let parts = whole(state).enumerate().map(move |(index, part)| {
        if let Some(reached) = (index == half).then(|| reached.take()).flatten() {
            reached.send(()).unwrap();
            gone_on.recv().unwrap();
        }
        part
    });
    (Box::new(parts), halfway, go_on)
}

fn thousands(seed: u64) -> State {
    (0..4_000_u64).map(|key| (Bytes::copy_from_slice(&key.to_be_bytes()), noise(seed + key, 100))).collect()
}

/// Promise 5: a reader pages through the one while the next is written, and appends go on; then
/// the one is gone for everybody.
pub async fn a_checkpoint_is_seen_when_it_is_confirmed(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let first = writer.write(&batch(1, "first")).await;
    let (old, new) = (thousands(1), thousands(2));
    writer.journal.checkpoint(writer.epoch, None, first, whole(&old)).await.unwrap();
    let mut base = first;
    for is_change in [true, false] {
        let at = writer.write(&batch(1, "more")).await;
        let (parts, halfway, go_on) = stopping(&new);
        let journal = writer.journal.clone();
        let writing = journal.checkpoint(writer.epoch, is_change.then_some(base), at, parts);
        let reading = async {
            halfway.await.unwrap();
            let reader = world.handle().await;
            writer.write_many(3, 1).await;
            let seen = state_at(&*reader, base, 50_000).await;
            assert!(seen == if is_change { old.clone() } else { new.clone() });
            let answer = reader.checkpoint_parts(at, None, 1).await;
            assert!(matches!(answer, Err(StoreError::Rewound { .. })), "it was seen before it was confirmed");
            go_on.send(()).unwrap();
        };
        let (written, ()) = tokio::join!(writing, reading);
        written.unwrap();
        let reader = world.handle().await;
        assert!(state_at(&*reader, at, 50_000).await == new);
        let answer = reader.checkpoint_parts(base, None, 1).await;
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
        base = at;
    }
}

/// Promise 5 when the writer dies on the way: the newest stays whole, and the next one is whole too.
pub async fn a_checkpoint_that_ended_early_leaves_the_newest_whole(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let first = writer.write(&batch(1, "first")).await;
    let (old, new) = (thousands(1), thousands(2));
    writer.journal.checkpoint(writer.epoch, None, first, whole(&old)).await.unwrap();
    for base in [None, Some(first)] {
        let at = writer.write(&batch(1, "more")).await;
        let parts = whole(&new).enumerate().map(|(index, part)| {
            assert!(index < 3_000, "the checkpoint ends early, on purpose");
            part
        });
        writer.journal.checkpoint(writer.epoch, base, at, Box::new(parts)).await.unwrap_err();
        assert_opens_with(world, Some((first, &old))).await;
        writer = Writer::open(world).await;
    }
    let changes = Box::new([(Bytes::from_static(b"key"), Some(Bytes::from_static(b"new")))].into_iter());
    writer.journal.checkpoint(writer.epoch, Some(first), writer.at, changes).await.unwrap();
    let state = old.into_iter().chain(one("key", "new")).collect();
    assert_opens_with(world, Some((writer.at, &state))).await;
}

/// Promise 5: one that comes late takes nothing away.
pub async fn an_older_checkpoint_does_not_replace_a_newer_one(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let positions = writer.write_many(3, 1).await;
    let newest = one("k", "newest");
    writer.journal.checkpoint(writer.epoch, None, positions[2], whole(&newest)).await.unwrap();
    for at in [Position::START, positions[0], positions[1]] {
        for base in [None, Some(Position::START), Some(positions[2])] {
            writer.journal.checkpoint(writer.epoch, base, at, whole(&one("k", "late"))).await.unwrap();
        }
    }
    assert_opens_with(world, Some((positions[2], &newest))).await;
}

/// Promises 5 and 6: a state that this journal does not lead to would be a lie to begin from.
pub async fn a_checkpoint_of_another_history_is_refused(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    writer.write_many(2, 1).await;
    for records in [1, 2, 3] {
        let at = elsewhere(writer.epoch, records);
        let answer = writer.journal.checkpoint(writer.epoch, None, at, whole(&one("k", "elsewhere"))).await;
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    }
    let unknown = writer.epoch + 1;
    let answer = writer.journal.checkpoint(unknown, None, writer.at, whole(&one("k", "elsewhere"))).await;
    assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    assert_opens_with(world, None).await;
}

/// Promise 5: changes lead on from the state they were made to, and from no other.
pub async fn a_change_of_another_checkpoint_is_refused(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let positions = writer.write_many(4, 1).await;
    let change = || whole(&one("k", "changed"));
    let refused = async |writer: &Writer, base| {
        let answer = writer.journal.checkpoint(writer.epoch, Some(base), positions[3], change()).await;
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    };
    // There is none yet.
    refused(&writer, Position::START).await;
    refused(&writer, positions[0]).await;
    let state = one("k", "state");
    writer.journal.checkpoint(writer.epoch, None, positions[1], whole(&state)).await.unwrap();
    for base in [Position::START, positions[0], positions[2], elsewhere(writer.epoch, 2)] {
        refused(&writer, base).await;
    }
    assert_opens_with(world, Some((positions[1], &state))).await;
}

/// Promise 1 beyond the process, for stores that [`World::persists`]: records, contents,
/// checkpoint, epoch and what was trimmed.
pub async fn what_was_written_survives_its_handles(world: &dyn World) {
    if !world.persists() {
        return;
    }
    let mut writer = Writer::open(world).await;
    writer.write_many(2, 1).await;
    let contents = vec![inline(256, "small")];
    let at = writer.write(&Batch { contents: contents.clone(), ..batch(2, "before") }).await;
    let state = thousands(1);
    writer.journal.checkpoint(writer.epoch, None, at, whole(&state)).await.unwrap();
    let after = writer.write_many(3, 1).await;
    let keep = Keep { from: after[0].seq, at_min: i64::MAX, bytes_max: 0 };
    writer.journal.trim(keep).await.unwrap();
    let written = read_all(&*writer.journal, at, usize::MAX).await;
    let extent = writer.journal.extent().await.unwrap();
    let (epoch, tail) = (writer.epoch, writer.at);
    drop(writer);

    let journal = world.handle().await;
    assert_eq!(read_all(&*journal, at, usize::MAX).await, written);
    assert_eq!(journal.content(256).await.unwrap(), Some(contents[0].body.clone()));
    let again = journal.extent().await.unwrap();
    assert_eq!((again.oldest, again.oldest_at, again.bytes), (extent.oldest, extent.oldest_at, extent.bytes));
    assert_eq!(journal.tail().await.unwrap(), tail);
    assert!(journal.open(0).await.unwrap().epoch > epoch);
    drop(journal);
    assert_opens_with(world, Some((at, &state))).await;
}
