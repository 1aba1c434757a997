//! Reads an event stream (WHATWG HTML, "Server-sent events", 9.2.6 Interpreting an event stream).

use crate::limits::{RECONNECT_MS_MAX, STREAM_BYTES_MAX};
use std::time::Duration;

/// One event of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The position that *this* event carries. `None` for what is passing: it moves no position.
    pub id: Option<String>,
    /// The lines of `data`, joined with a line feed.
    pub data: String,
}

/// A line or an event that is longer than the limit; nothing can be read after it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a line or an event of the stream is longer than {bytes_max} bytes")]
pub struct TooLong {
    pub bytes_max: usize,
}

/// Takes bytes as they come, cut anywhere, and gives events.
#[derive(Debug)]
pub struct Parser {
    bytes_max: usize,
    /// The line that has not ended.
    line: Vec<u8>,
    /// The last byte was CR: if LF follows, both are one end of a line.
    after_cr: bool,
    /// No line has ended yet, so a byte order mark may stand at its beginning.
    at_start: bool,
    data: String,
    has_data: bool,
    /// The id of the event that has not ended.
    id: Option<String>,
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl Default for Parser {
    fn default() -> Parser {
        Parser::new(STREAM_BYTES_MAX)
    }
}

impl Parser {
    /// No line and no event may be longer than `bytes_max`.
    #[must_use]
    pub fn new(bytes_max: usize) -> Parser {
        Parser {
            bytes_max,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            data: String::new(),
            has_data: false,
            id: None,
            last_id: None,
            retry: None,
        }
    }

    /// The events that these bytes complete, appended to `events`. An event that is not ended by
    /// an empty line is none yet, and its id is no position yet: the stream is resumed before it.
    ///
    /// # Errors
    /// Something is longer than the limit. The events before it have been given.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), TooLong> {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            self.grow(&rest[..end])?;
            let was_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if was_cr {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            self.end_line(events)?;
        }
        self.grow(rest)
    }

    /// Where to resume: the position of the last complete event.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long to wait before coming back, if the stream said so.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > self.bytes_max {
            return Err(TooLong { bytes_max: self.bytes_max });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let mut text = text.as_ref();
        if std::mem::take(&mut self.at_start) {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch(events);
        } else {
            let (field, value) = text.split_once(':').unwrap_or((text, ""));
            self.field(field, value.strip_prefix(' ').unwrap_or(value))?;
        }
        // The room is kept for the next line, unless a large one asked for much.
        if line.capacity() <= 64 << 10 {
            self.line = line;
            self.line.clear();
        }
        Ok(())
    }

    /// A comment has an empty name; it and unknown fields say nothing.
    fn field(&mut self, name: &str, value: &str) -> Result<(), TooLong> {
        match name {
            "data" => {
                if self.data.len() + value.len() + 1 > self.bytes_max {
                    return Err(TooLong { bytes_max: self.bytes_max });
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let ms = value.parse().unwrap_or(RECONNECT_MS_MAX);
                self.retry = Some(Duration::from_millis(ms.min(RECONNECT_MS_MAX)));
            }
            _ => {}
        }
        Ok(())
    }

    /// An empty line. Without data (a bookmark) only the position moves.
    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let id = self.id.take();
        if let Some(id) = &id {
            // An empty id takes the position back.
            self.last_id = (!id.is_empty()).then(|| id.clone());
        }
        if std::mem::take(&mut self.has_data) {
            events.push(Event { id: id.filter(|id| !id.is_empty()), data: std::mem::take(&mut self.data) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(stream: &[u8]) -> (Vec<Event>, Parser) {
        let (mut events, mut parser) = (Vec::new(), Parser::default());
        parser.push(stream, &mut events).unwrap();
        (events, parser)
    }

    fn event(id: Option<&str>, data: &str) -> Event {
        Event { id: id.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn an_event_is_its_data_lines_and_its_id() {
        let (events, parser) = read(b"retry: 2000\n\nid: 1-2-ab\ndata: {\"a\":1}\ndata:  b\ndata\n\ndata:x\n\n");
        assert_eq!(events, [event(Some("1-2-ab"), "{\"a\":1}\n b\n"), event(None, "x")]);
        assert_eq!((parser.last_id(), parser.retry()), (Some("1-2-ab"), Some(Duration::from_secs(2))));
    }

    #[test]
    fn lines_end_with_cr_lf_or_both() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = ["data: a", "data: b", "", "data: c", "", ""].join(end);
            let (events, _) = read(stream.as_bytes());
            assert_eq!(events, [event(None, "a\nb"), event(None, "c")], "{end:?}");
        }
    }

    #[test]
    fn comments_unknown_fields_and_a_byte_order_mark_say_nothing() {
        let (events, _) = read("\u{feff}data: a\n: hello\nevent: x\nwhat: ever\n\n:\n\n".as_bytes());
        assert_eq!(events, [event(None, "a")]);
        let (events, _) = read("data: a\n\n\u{feff}data: b\n\n".as_bytes());
        assert_eq!(events, [event(None, "a")], "a mark elsewhere is part of a name");
    }

    #[test]
    fn an_id_with_a_zero_byte_is_ignored_and_a_bookmark_moves_the_position() {
        let (events, parser) = read(b"id: 7\ndata: a\n\nid: x\0y\ndata: b\n\n");
        assert_eq!(events, [event(Some("7"), "a"), event(None, "b")]);
        assert_eq!(parser.last_id(), Some("7"));
        let (events, parser) = read(b"id: 7\ndata: a\n\nid: 9\n\n");
        assert_eq!((events.len(), parser.last_id()), (1, Some("9")));
        let (_, parser) = read(b"id: 7\n\nid\n\n");
        assert_eq!(parser.last_id(), None);
    }

    #[test]
    fn an_event_that_was_cut_off_moves_no_position() {
        let (events, parser) = read(b"id: 1\ndata: a\n\nid: 2\ndata: b\n");
        assert_eq!((events.len(), parser.last_id()), (1, Some("1")));
    }

    #[test]
    fn a_retry_that_is_no_number_is_ignored_and_a_long_one_is_cut() {
        assert_eq!(read(b"retry: 1x\n\n").1.retry(), None);
        assert_eq!(read(b"retry:\n\n").1.retry(), None);
        let longest = Some(Duration::from_millis(RECONNECT_MS_MAX));
        assert_eq!(read(b"retry: 99999999999999999999999\n\n").1.retry(), longest);
    }

    #[test]
    fn a_line_or_an_event_over_the_limit_is_an_error_after_what_came_before() {
        let mut events = Vec::new();
        let mut parser = Parser::new(20);
        assert_eq!(parser.push(b"data: a\n\ndata: 0123456789abcdefghi", &mut events), Err(TooLong { bytes_max: 20 }));
        assert_eq!(events.len(), 1);
        let mut parser = Parser::new(20);
        assert!(parser.push(b"data: 0123456789\ndata: 0123456789\n", &mut events).is_err());
    }

    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just("".to_owned()),
            Just("".to_owned()),
            Just("data".to_owned()),
            Just(": comment".to_owned()),
            Just("retry: 10".to_owned()),
            "\u{feff}?data: ?[a-zäß€:\u{0} ]{0,6}",
            "id: ?[a-z0-9\u{0}-]{0,5}",
        ];
        let end = prop_oneof![Just("\n"), Just("\r"), Just("\r\n")];
        let text = proptest::collection::vec((line, end), 0..24);
        let text = text.prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect::<String>());
        prop_oneof![text.prop_map(String::into_bytes), proptest::collection::vec(any::<u8>(), 0..60)]
    }

    proptest! {
        #[test]
        fn any_cutting_of_the_bytes_gives_the_same_events(
            stream in streams(),
            cuts in proptest::collection::vec(0_usize..200, 0..12),
        ) {
            let (whole, parser) = read(&stream);
            let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            ends.push(stream.len());
            ends.sort_unstable();
            let (mut pieces, mut cut, mut from) = (Vec::new(), Parser::default(), 0);
            for end in ends {
                cut.push(&stream[from..end], &mut pieces).unwrap();
                from = end;
            }
            prop_assert_eq!(pieces, whole);
            prop_assert_eq!(cut.last_id(), parser.last_id());
            prop_assert_eq!(cut.retry(), parser.retry());
        }
    }
}
