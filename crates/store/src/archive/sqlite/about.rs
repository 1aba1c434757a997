//! What it takes to take an entry back, as it stands in its row.

use super::file::damaged;
use crate::fault::Fault;
use crate::sum::{SUM_BYTES, sum};
use crate::{CountedBy, Entry, Facet};
use rusqlite::Row;

/// All that an entry is found and counted by.
pub(super) struct About {
    pub(super) names: Vec<String>,
    pub(super) facets: Vec<Facet>,
    pub(super) counted: CountedBy,
}

/// Day, group, word, names, facets; numbers in LEB128, texts and lists behind their length. Last a
/// sum over the whole row but for what changes.
pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let mut bytes = entry.counted.day.to_le_bytes().to_vec();
    text(&mut bytes, &entry.counted.group);
    text(&mut bytes, &entry.counted.word);
    number(&mut bytes, entry.names.len());
    entry.names.iter().for_each(|name| text(&mut bytes, name));
    number(&mut bytes, entry.facets.len());
    for facet in &entry.facets {
        bytes.push(facet.kind);
        text(&mut bytes, &facet.value);
    }
    let Entry { number, seq, began, ended, content_bytes, .. } = *entry;
    let sum = sum_of((number, seq, began, ended, content_bytes), &bytes, &entry.bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// What this row says about itself, or `None` if the row is not what was written. Its columns are
/// number, seq, began, ended, content_bytes, is_dropped, about, bytes.
pub(super) fn checked(row: &Row<'_>) -> rusqlite::Result<Option<About>> {
    let numbers = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    let (about, bytes) = (row.get_ref(6)?.as_blob()?, row.get_ref(7)?.as_blob()?);
    let is_whole = about.split_last_chunk().is_some_and(|(said, kept)| sum_of(numbers, said, bytes) == *kept);
    Ok(if is_whole { decode(about).ok() } else { None })
}

type Numbers = (u64, u64, i64, i64, u64);

fn sum_of((number, seq, began, ended, content_bytes): Numbers, said: &[u8], bytes: &[u8]) -> [u8; SUM_BYTES] {
    let numbers = [number, seq, began.cast_unsigned(), ended.cast_unsigned(), content_bytes];
    let numbers = numbers.map(u64::to_le_bytes);
    sum(&[numbers.as_flattened(), said].concat(), bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<About, Fault> {
    About::read(&mut Reader(bytes)).ok_or_else(|| damaged("what a row says about itself cannot be read"))
}

impl About {
    fn read(reader: &mut Reader<'_>) -> Option<About> {
        let day = i32::from_le_bytes(*reader.take(4)?.as_array()?);
        let counted = CountedBy { day, group: reader.text()?, word: reader.text()? };
        let names = (0..reader.number()?).map(|_| reader.text()).collect::<Option<_>>()?;
        let facet = |reader: &mut Reader<'_>| Some(Facet { kind: reader.take(1)?[0], value: reader.text()? });
        let facets = (0..reader.number()?).map(|_| facet(reader)).collect::<Option<_>>()?;
        (reader.0.len() == SUM_BYTES).then_some(About { names, facets, counted })
    }
}

fn number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.take(1)?[0];
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}
