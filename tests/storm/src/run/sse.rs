//! A stream of events, frame by frame, as the HTML standard reads `text/event-stream`.

use super::http::{Body, Http};
use std::io::{BufRead, BufReader, Read};

/// Bytes of one line; a snapshot is the longest.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// What stands before an empty line. One without data only moves the position.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<String>,
}

pub(crate) struct Frames<R>(BufReader<R>);

/// Asks for `path`, after the position `since` if there is one.
pub(crate) fn open(http: &mut Http, path: &str, since: Option<&str>) -> anyhow::Result<(u16, Frames<Body>)> {
    let header = since.map(|since| ("last-event-id", since));
    let (status, body) = http.open("GET", path, header.as_slice(), "")?;
    Ok((status, Frames(BufReader::new(body))))
}

impl<R: Read> Frames<R> {
    /// The next frame; `None` if the stream ended where it may. A frame that was begun and not
    /// ended does not count: what follows the last whole one is what to ask for.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Frame>> {
        let mut frame = Frame::default();
        loop {
            let mut line = String::new();
            (&mut self.0).take(LINE_BYTES_MAX).read_line(&mut line)?;
            let Some(line) = line.strip_suffix('\n') else { return Ok(None) };
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                if frame != Frame::default() {
                    return Ok(Some(frame));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => frame.id = Some(value.to_owned()),
                "data" => {
                    let data = frame.data.get_or_insert_default();
                    if !data.is_empty() {
                        data.push('\n');
                    }
                    data.push_str(value);
                }
                // Comments, `retry` and names do not matter here.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_only_once_its_empty_line_was_read() {
        let text = "retry: 2000\n\nid: 1-1-a\ndata: {}\n\nid: 1-2-b\n\ndata: x\ndata: y\n\nid: 1-3-c\ndata: {\"half\":";
        let mut frames = Frames(BufReader::new(text.as_bytes()));
        let frame = |id: Option<&str>, data: Option<&str>| {
            Some(Frame { id: id.map(str::to_owned), data: data.map(str::to_owned) })
        };
        assert_eq!(frames.next().unwrap(), frame(Some("1-1-a"), Some("{}")));
        assert_eq!(frames.next().unwrap(), frame(Some("1-2-b"), None));
        assert_eq!(frames.next().unwrap(), frame(None, Some("x\ny")));
        assert_eq!(frames.next().unwrap(), None);
    }
}
