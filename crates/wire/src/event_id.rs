//! The name of an event, and so of a place in the history: `<epoch>-<seq>-<h>`.

use std::fmt;
use std::str::FromStr;

/// `seq` numbers the events; `epoch` and `hash` are those of the record that holds it, so that
/// a place in another history has another name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EventId {
    pub epoch: u64,
    pub seq: u64,
    pub hash: [u8; 8],
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:016x}", self.epoch, self.seq, u64::from_be_bytes(self.hash))
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<EventId, ()> {
        let mut parts = text.splitn(3, '-');
        let mut number = || parts.next().filter(|part| is_digits(part)).and_then(|part| part.parse().ok()).ok_or(());
        let (epoch, seq) = (number()?, number()?);
        let hash = parts.next().filter(|hash| hash.len() == 16 && is_lower_hex(hash)).ok_or(())?;
        let hash = u64::from_str_radix(hash, 16).map_err(|_| ())?.to_be_bytes();
        Ok(EventId { epoch, seq, hash })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_reads_what_it_writes_and_nothing_else() {
        let id = EventId { epoch: 1_763_765_056, seq: 42, hash: [0, 1, 2, 3, 4, 5, 6, 255] };
        assert_eq!(id.to_string(), "1763765056-42-00010203040506ff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "1-2", "1-2-3", "+1-2-00010203040506ff", "1-2-00010203040506FF", "1-2-00010203040506ff0"] {
            assert_eq!(bad.parse::<EventId>(), Err(()), "{bad}");
        }
    }
}
