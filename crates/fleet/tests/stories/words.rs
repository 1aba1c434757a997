//! The words of a command line, taken one by one until none is left.

use std::collections::VecDeque;

/// One line, split at spaces; `"…"` is one word.
#[derive(Clone)]
pub(crate) struct Words(VecDeque<String>);

impl Words {
    pub(crate) fn of(line: &str) -> Words {
        let mut words = VecDeque::new();
        for (n, part) in line.split('"').enumerate() {
            match n % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push_back(part.to_owned()),
            }
        }
        Words(words)
    }

    /// The first word.
    pub(crate) fn next(&mut self) -> Result<String, String> {
        self.0.pop_front().ok_or_else(|| "a word is missing".to_owned())
    }

    pub(crate) fn next_if(&mut self, word: &str) -> bool {
        let found = self.0.front().is_some_and(|first| first == word);
        if found {
            self.0.pop_front();
        }
        found
    }

    pub(crate) fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.next_if(word) {
            true => Ok(()),
            false => Err(format!("expected `{word}` before {:?}", self.0)),
        }
    }

    /// Whether the word stands somewhere; it is taken.
    pub(crate) fn says(&mut self, word: &str) -> bool {
        let place = self.0.iter().position(|w| w == word);
        place.and_then(|place| self.0.remove(place)).is_some()
    }

    /// What stands after the word, wherever that is; both are taken.
    pub(crate) fn after(&mut self, word: &str) -> Result<Option<String>, String> {
        let Some(place) = self.0.iter().position(|w| w == word) else { return Ok(None) };
        self.0.remove(place);
        self.0.remove(place).map(Some).ok_or_else(|| format!("something is missing after `{word}`"))
    }

    /// The first place of the word, which is taken: what stood behind it stands there now.
    pub(crate) fn cut(&mut self, word: &str) -> Option<usize> {
        let place = self.0.iter().position(|w| w == word)?;
        self.0.remove(place).map(|_| place)
    }

    /// The word at this place.
    pub(crate) fn take(&mut self, place: usize) -> Result<String, String> {
        self.0.remove(place).ok_or_else(|| "a word is missing at the end".to_owned())
    }

    /// What stands before, between and behind these words.
    pub(crate) fn split(self, word: &str) -> Vec<Words> {
        let mut parts = vec![Words(VecDeque::new())];
        for next in self.0 {
            match (next == word, parts.last_mut()) {
                (false, Some(part)) => part.0.push_back(next),
                _ => parts.push(Words(VecDeque::new())),
            }
        }
        parts
    }

    /// The same line with another word in this one's places.
    pub(crate) fn with(&self, word: &str, other: &str) -> Words {
        Words(self.0.iter().map(|w| if w == word { other } else { w }.to_owned()).collect())
    }

    pub(crate) fn number_after<N: std::str::FromStr>(&mut self, word: &str) -> Result<Option<N>, String> {
        let Some(text) = self.after(word)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("`{word}` wants a number, not `{text}`"))
    }

    /// `a,b,c` after the word; empty if it is not there or says `nothing`.
    pub(crate) fn list_after(&mut self, word: &str) -> Result<Option<Vec<String>>, String> {
        let list = self.after(word)?.map(|list| match list.as_str() {
            "nothing" => Vec::new(),
            list => list.split(',').map(str::to_owned).collect(),
        });
        Ok(list)
    }

    pub(crate) fn time_after(&mut self, word: &str) -> Result<Option<i64>, String> {
        self.after(word)?.map(|text| time(&text).ok_or_else(|| format!("no time: `{text}`"))).transpose()
    }

    pub(crate) fn ms_after(&mut self, word: &str) -> Result<Option<u64>, String> {
        let time = self.time_after(word)?;
        time.map(|ms| u64::try_from(ms).map_err(|_| format!("`{word}` is not negative"))).transpose()
    }

    /// `+8s` or `8s` at the beginning: the time of a command that comes at `now`.
    pub(crate) fn moment(&mut self, now: i64) -> Option<i64> {
        let first = self.0.front()?;
        let at = match first.strip_prefix('+') {
            Some(later) => now + time(later)?,
            None => time(first)?,
        };
        self.0.pop_front();
        Some(at)
    }

    pub(crate) fn end(self) -> Result<(), String> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(format!("words that mean nothing here: {:?}", self.0)),
        }
    }
}

const UNITS: [(&str, i64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// `10m8s`, `1s500ms`, as milliseconds.
pub(crate) fn time(text: &str) -> Option<i64> {
    let (mut rest, mut ms) = (text, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = &rest[..rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len())];
        ms += number * UNITS.iter().find(|(name, _)| *name == unit)?.1;
        rest = &rest[unit.len()..];
    }
    (!text.is_empty()).then_some(ms)
}

/// The same, back.
pub(crate) fn time_text(mut ms: i64) -> String {
    let mut text = String::new();
    for (name, length) in UNITS {
        if ms / length > 0 {
            text += &format!("{}{name}", ms / length);
            ms %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
