//! The archive: what has ended, by name and by what it was about.

pub mod contract;
mod members;
mod memory;
mod postings;
mod sqlite;
mod text;
mod walk;

pub use memory::MemoryArchive;
pub use postings::Postings;
pub use sqlite::SqliteArchive;
pub(crate) use sqlite::recount;

use crate::{Position, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What has ended. It is a reader of the journal with a place of its own, written in the same
/// transaction as its entries: it may lag, it can be looked at, and whatever the journal still
/// holds beyond that place it can be given again. It promises:
///
/// 1. When `put` returns, all of it is durable, with the place it was read up to; or nothing is.
/// 2. The same entry put again changes nothing, not even the counts.
/// 3. Counts by day, group and word, and those of all days, are exact at every place.
/// 4. A page continues where the last one ended: what is added or removed meanwhile makes no
///    entry come twice, and none that was there all along be left out.
/// 5. What `cut_back` or `remove` took away is counted no longer and not found.
/// 6. Only `cut_back` takes the place back. Who is behind it puts nothing: another broker has gone
///    on with this archive.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Where it has read up to.
    async fn place(&self) -> Result<Place, StoreError>;

    /// Adds entries, in the order in which they ended, and moves to `place`.
    ///
    /// # Errors
    /// `Unavailable` also if it stands beyond `place` already; [`place`](Self::place) tells where.
    async fn put(&self, entries: Vec<Entry>, memos: Vec<Memo>, place: Place) -> Result<(), StoreError>;

    /// The entry of this number.
    async fn entry(&self, number: u64) -> Result<Option<Row>, StoreError>;

    /// The newest entry of this name.
    async fn named(&self, name: &str) -> Result<Option<Row>, StoreError>;

    /// What was remembered under this name, if that is not over at `now` (Unix milliseconds).
    async fn memo(&self, name: &str, now: i64) -> Result<Option<Bytes>, StoreError>;

    /// A page of what passes `query`, largest number first, and how many pass. Text finds what
    /// was put since the archive keeps text, and nothing before.
    ///
    /// # Errors
    /// `NoSearch` if `query.text` is asked for and the archive keeps no text.
    async fn find(&self, query: &Query) -> Result<Found, StoreError>;

    /// How many entries there are, counted by everything they are counted by, and where.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// How many there are of all days, by group and word, and where.
    async fn totals(&self) -> Result<Totals, StoreError>;

    /// How much it holds.
    async fn holdings(&self) -> Result<Holdings, StoreError>;

    /// Removes a piece of the entries that ended before `ended_before`, oldest first, with their
    /// memos that are over at `now`. Returns their numbers, so that their contents can be removed;
    /// an empty list: there are none left. Those numbers are told again until [`removed`](Self::removed) confirms them.
    async fn remove(&self, ended_before: i64, now: i64) -> Result<Vec<u64>, StoreError>;

    /// The contents of these entries are gone too.
    async fn removed(&self, numbers: &[u64]) -> Result<(), StoreError>;

    /// The oldest entries whose contents were not dropped yet and take together at least
    /// `bytes` bytes, as far as one piece goes; and marks none. See [`dropped`](Self::dropped).
    async fn heaviest_oldest(&self, bytes: u64) -> Result<Vec<u64>, StoreError>;

    /// The contents of these entries were dropped; the entries stay.
    async fn dropped(&self, numbers: &[u64]) -> Result<(), StoreError>;

    /// Takes back everything that ended beyond event `seq`: the journal lost its tail. `place` is
    /// where it then stands. Memos stay. Numbers above all that is left are told by
    /// [`remove`](Self::remove) no longer: others may be given them. If it fails midway the place
    /// stays too, and it is asked again.
    async fn cut_back(&self, seq: u64, place: Place) -> Result<(), StoreError>;

    /// Places it stood at earlier, newest first, to find one that the journal still holds: the
    /// newest ones, and of older ones fewer and fewer.
    async fn earlier_places(&self) -> Result<Vec<Place>, StoreError>;
}

/// Where an archive stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Everything up to this position of the journal was read.
    pub position: Position,
    /// Everything that ended before this time (Unix milliseconds) is in it, and nothing that ended
    /// at or after it.
    pub before: i64,
}

impl Place {
    /// Before everything.
    pub const START: Place = Place { position: Position::START, before: i64::MIN };

    /// Refuses to go from here back to `place`.
    fn check_follows(self, place: Place) -> Result<(), StoreError> {
        if place.position.seq >= self.position.seq && place.before >= self.before {
            return Ok(());
        }
        let (here, there) = (self.position.seq, place.position.seq);
        let why = format!("the archive was read up to event {here} by another broker; ours comes with event {there}");
        Err(StoreError::Unavailable { why })
    }
}

/// Something that has ended, and all it is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its own, below 2^63; later ones began later.
    pub number: u64,
    /// The event that ended it.
    pub seq: u64,
    /// When it began, in Unix milliseconds; never before one of a smaller number.
    pub began: i64,
    /// When it ended, in Unix milliseconds; never before one of a smaller `seq`.
    pub ended: i64,
    /// What it is called; at most a few. Of several entries of one name the largest number counts.
    pub names: Vec<String>,
    /// What it is filtered by; of one kind it may have several.
    pub facets: Vec<Facet>,
    pub counted: CountedBy,
    /// Bytes of its contents, which are kept elsewhere.
    pub content_bytes: u64,
    /// Itself, opaque.
    pub bytes: Bytes,
    /// What it is searched by, when the archive keeps that.
    pub text: Option<String>,
}

/// One of the things by which entries are filtered.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Facet {
    /// Which; the caller numbers them.
    pub kind: u8,
    pub value: String,
}

/// What an entry is counted by.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CountedBy {
    /// Days since 1970 in UTC of its end.
    pub day: i32,
    pub group: String,
    pub word: String,
}

/// Something to remember for a while, by name; a later one of the same name replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memo {
    pub name: String,
    /// Until when, in Unix milliseconds.
    pub until: i64,
    pub bytes: Bytes,
}

/// An entry as it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub number: u64,
    /// The event that ended it.
    pub seq: u64,
    pub bytes: Bytes,
    /// Its contents were dropped.
    pub is_dropped: bool,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// One list for each thing that must hold; of each list one facet suffices.
    pub all_of: Vec<Vec<Facet>>,
    /// Taken to be had by entries that have no facet of its kind, as those that were put before
    /// there was that kind.
    pub assumed: Option<Facet>,
    /// Numbers below this.
    pub below: u64,
    /// Began at or after this time, and before that one (Unix milliseconds).
    pub began_from: Option<i64>,
    pub began_before: Option<i64>,
    /// Words that must all occur in the text, without regard to case and accents; what one word
    /// holds, as in `foo-bar`, stands side by side. None: no condition. No character has a meaning
    /// of its own. Read up to 1,024 bytes and 32 words; what follows is not looked at.
    pub text: Option<String>,
    /// Rows of the page at most.
    pub limit: usize,
    /// Rows to pass over first.
    pub skip: usize,
    /// Counting may stop here; counted from the newest, whatever `below` says.
    pub count_max: u64,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Found {
    pub rows: Vec<Row>,
    /// How many pass the filter in all (not only below `below`): at most `count_max`, unless
    /// nothing is filtered, which needs no counting.
    pub count: u64,
    /// `count` is not cut off.
    pub is_exact: bool,
    /// Where the archive stood.
    pub place: Place,
}

/// How many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    pub by: BTreeMap<CountedBy, u64>,
    pub place: Place,
}

/// How many there are of all days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// By group and word.
    pub by: BTreeMap<(String, String), u64>,
    pub place: Place,
}

/// How much an archive holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Holdings {
    pub entries: u64,
    /// Bytes of the contents that were not dropped.
    pub content_bytes: u64,
    /// Bytes of its own on disk; contents are elsewhere.
    pub disk_bytes: u64,
}

impl Query {
    /// Whether everything passes, wherever the page begins.
    fn is_everything(&self) -> bool {
        self.all_of.is_empty() && self.began_from.is_none() && self.began_before.is_none() && self.text.is_none()
    }
}
