//! What a record names.

use super::{World, Writer, batch, inline, noise};
use crate::{Batch, Body, Content, FileHash};

fn file(number: u64, name: &[u8]) -> Content {
    Content { number, body: Body::File(FileHash::of(name)) }
}

/// Contents of both kinds are there for everybody when the record is, in any order of numbers.
pub async fn contents_are_stored_with_their_record(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let contents =
        vec![inline(256, noise(1, 1_000)), inline(257, ""), file(512, b"large"), inline(7, noise(2, 70_000))];
    writer.write(&Batch { contents: contents.clone(), ..batch(3, "names four contents") }).await;

    let other = world.handle().await;
    for content in contents {
        assert_eq!(other.content(content.number).await.unwrap(), Some(content.body));
    }
    for number in [0, 1, 258, u64::MAX] {
        assert_eq!(other.content(number).await.unwrap(), None);
    }
}

/// One number twice in a batch, or in two, is one content: the first.
pub async fn a_taken_number_keeps_its_content(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let first = inline(256, "the first");
    let contents = vec![first.clone(), inline(256, "in the same batch")];
    writer.write(&Batch { contents, ..batch(1, "one") }).await;
    let contents = vec![file(256, b"in another"), inline(512, "beside it")];
    writer.write(&Batch { contents, ..batch(1, "two") }).await;
    assert_eq!(writer.journal.content(256).await.unwrap(), Some(first.body));
    assert!(writer.journal.content(512).await.unwrap().is_some());
}

/// Ranges of numbers, empty ones and such as hold nothing among them; the others stay.
pub async fn contents_are_removed_by_their_numbers(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let contents = (0..20).map(|number| inline(number * 10, format!("{number}"))).collect();
    writer.write(&Batch { contents, ..batch(1, "twenty") }).await;
    let (from, to) = (90, 80);
    writer.journal.remove_contents(&[0..=0, 15..=45, from..=to, 60..=60, 1_000..=u64::MAX]).await.unwrap();
    writer.journal.remove_contents(&[]).await.unwrap();

    let other = world.handle().await;
    for number in 0..20 {
        let is_gone = [0, 2, 3, 4, 6].contains(&number);
        assert_eq!(other.content(number * 10).await.unwrap().is_none(), is_gone, "content {}", number * 10);
    }
}

/// A file is named until the last content that is it was removed.
pub async fn files_are_named_while_a_content_is_one(world: &dyn World) {
    let mut writer = Writer::open(world).await;
    let contents = vec![file(1, b"twice"), file(2, b"twice"), file(3, b"once")];
    writer.write(&Batch { contents, ..batch(1, "two files") }).await;
    let named = async |name: &[u8]| world.handle().await.names_file(FileHash::of(name)).await.unwrap();
    assert!(named(b"twice").await && named(b"once").await && !named(b"never").await);
    writer.journal.remove_contents(&[1..=1, 3..=3]).await.unwrap();
    assert!(named(b"twice").await && !named(b"once").await);
    writer.journal.remove_contents(&[2..=2]).await.unwrap();
    assert!(!named(b"twice").await);
}
