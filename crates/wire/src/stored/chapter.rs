//! Under which key a checkpoint keeps each part.

use bytes::Bytes;
use fleet::Chapter;

/// The chapter's key. Keys are in the order of the chapters, so that parts read in the order of
/// their keys are the shortest story.
#[must_use]
pub fn part_key(chapter: &Chapter) -> Bytes {
    let (kind, numbers, text): (u8, [Option<u64>; 2], &str) = match chapter {
        Chapter::Counted => (0, [None; 2], ""),
        Chapter::Ended(at, order) => (1, [Some(sortable(at.0)), Some(*order)], ""),
        Chapter::Live(order) => (2, [Some(*order), None], ""),
        Chapter::Paused(service) => (3, [None; 2], service.as_str()),
        Chapter::Machine(machine) => (4, [None; 2], machine.as_str()),
        Chapter::Worker(worker) => (5, [None; 2], worker.as_str()),
        Chapter::Held(order) => (6, [Some(*order), None], ""),
        Chapter::Client(client) => (7, [None; 2], client.principal.as_str()),
    };
    let mut key = vec![kind];
    numbers.into_iter().flatten().for_each(|number| key.extend(number.to_be_bytes()));
    key.extend(text.as_bytes());
    if let Chapter::Client(client) = chapter {
        // Smaller than anything that ids hold, so that shorter principals come first.
        key.push(0);
        key.extend(client.client.as_str().as_bytes());
    }
    key.into()
}

/// Negative numbers before positive ones.
fn sortable(number: i64) -> u64 {
    number as u64 ^ 1 << 63
}
