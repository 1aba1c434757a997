//! What a program says on its standard output, line by line.

use super::tell::{Level, Tell, cut};
use crate::limits::{LOG_LINE_BYTES_MAX, STDERR_TAIL_BYTES_MAX};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wire::agent::{FailureBody, ProgressBody};
use wire::{FailureType, Json};

/// One line that is an object with a field known here. Anything else is a line of the log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    progress: Option<f64>,
    message: Option<String>,
    current_step: Option<u32>,
    total_steps: Option<u32>,
    estimated_completion: Option<String>,
    log: Option<String>,
    level: Option<String>,
    /// `{"result":null}` gives a result.
    #[serde(deserialize_with = "given")]
    result: Option<Json>,
    error: Option<String>,
    failure: Option<Value>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// The last result and the last error that were said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub result: Option<Json>,
    pub error: Option<(String, Option<FailureBody>)>,
}

/// Cuts standard output into lines and understands them. More than `bytes_max` of it is a flood:
/// the rest is thrown away, so that its program can still be told to end.
#[derive(Debug)]
pub(super) struct Listener {
    said: Said,
    line: Vec<u8>,
    bytes: usize,
    bytes_max: usize,
    flooded: CancellationToken,
    tell: Tell,
}

impl Listener {
    /// Cancels `flooded` when there is too much.
    pub(super) fn new(bytes_max: usize, flooded: CancellationToken, tell: Tell) -> Listener {
        Listener { said: Said::default(), line: Vec::new(), bytes: 0, bytes_max, flooded, tell }
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > self.bytes_max {
            self.flooded.cancel();
            self.line = Vec::new();
            return;
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
    }

    /// The output has ended; a last line without an end counts.
    pub(super) fn take(&mut self) -> Said {
        self.end_line();
        std::mem::take(&mut self.said)
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let is_object = line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        if !is_object || !self.understand(&line) {
            self.tell.log(Level::Debug, &lossy(&line));
        }
    }

    /// Whether the line says something that is known.
    fn understand(&mut self, line: &[u8]) -> bool {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return false };
        let mut known = false;
        if let Some(progress) = line.progress {
            self.tell.progress(ProgressBody {
                progress,
                message: line.message,
                current_step: line.current_step,
                total_steps: line.total_steps,
                estimated_completion: line.estimated_completion,
            });
            known = true;
        }
        if let Some(text) = line.log {
            let level = if line.level.as_deref() == Some("debug") { Level::Debug } else { Level::Info };
            self.tell.log(level, &text);
            known = true;
        }
        if let Some(result) = line.result {
            self.said.result = Some(result);
            known = true;
        }
        if let Some(error) = line.error {
            self.said.error = Some((error, line.failure.as_ref().map(failure)));
            known = true;
        }
        known
    }
}

/// A failure whose type is unknown, or one that only the broker tells, is internal.
fn failure(said: &Value) -> FailureBody {
    match serde_json::from_value::<FailureBody>(said.clone()) {
        Ok(failure) if failure.kind != FailureType::Broker => failure,
        _ => FailureBody { kind: FailureType::Internal, reason: Some(cut(&said.to_string(), 256).to_owned()) },
    }
}

/// The last bytes of standard error; each line is also one of the log.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    line: Vec<u8>,
    tell: Tell,
}

impl Tail {
    pub(super) fn new(tell: Tell) -> Tail {
        Tail { bytes: Vec::new(), line: Vec::new(), tell }
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let surplus = self.bytes.len().saturating_sub(STDERR_TAIL_BYTES_MAX);
        self.bytes.drain(..surplus);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LOG_LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.tell.log(Level::Debug, &lossy(&self.line));
                self.line.clear();
            }
        }
    }

    pub(super) fn text(&self) -> String {
        // Bytes that are no text grow when they are replaced.
        let text = lossy(&self.bytes);
        let text = text.trim();
        text[text.ceil_char_boundary(text.len().saturating_sub(STDERR_TAIL_BYTES_MAX))..].to_owned()
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(output: &[u8]) -> (Said, Option<ProgressBody>, bool) {
        let (tell, latest) = Tell::new("j");
        let flooded = CancellationToken::new();
        let mut listener = Listener::new(1_000, flooded.clone(), tell);
        output.chunks(3).for_each(|piece| listener.hear(piece));
        let said = listener.take();
        let progress = latest.borrow().clone();
        (said, progress, flooded.is_cancelled())
    }

    #[test]
    fn the_last_result_counts_and_needs_no_line_end() {
        let (said, progress, _) =
            hear(b"{\"progress\":0.4,\"message\":\"m\"}\nhello\n{\"result\":1}\n{\"result\":null}");
        assert_eq!(said.result.unwrap().get(), "null");
        let progress = progress.unwrap();
        assert_eq!((progress.progress, progress.message.as_deref()), (0.4, Some("m")));
    }

    #[test]
    fn an_error_has_its_type_or_is_internal() {
        let kind = |line: &str| hear(line.as_bytes()).0.error.unwrap().1.map(|failure| failure.kind);
        assert_eq!(kind(r#"{"error":"e","failure":{"type":"bad_input"}}"#), Some(FailureType::BadInput));
        assert_eq!(kind(r#"{"error":"e","failure":{"type":"broker"}}"#), Some(FailureType::Internal));
        assert_eq!(kind(r#"{"error":"e","failure":"what"}"#), Some(FailureType::Internal));
        assert_eq!(kind(r#"{"error":"e"}"#), None);
    }

    #[test]
    fn what_is_not_understood_is_only_logged() {
        for line in ["{", "[1]", "{\"a\":1}", "{\"progress\":\"half\"}", "\u{0}\u{1}", "{\"result\":}"] {
            let (said, progress, _) = hear(line.as_bytes());
            assert!(said.result.is_none() && said.error.is_none() && progress.is_none(), "{line}");
        }
        assert!(hear(&[0xff, b'\n', b'{', 0xfe]).0.result.is_none());
    }

    #[test]
    fn a_flood_is_noticed_and_not_kept() {
        assert!(hear(&[b'x'; 1_001]).2 && !hear(&[b'x'; 1_000]).2);
    }

    #[test]
    fn the_tail_is_the_end_and_never_longer_than_its_limit() {
        let mut tail = Tail::new(Tell::new("j").0);
        tail.hear(&[b'a'; 10_000]);
        tail.hear(b"the end\n");
        assert!(tail.text().ends_with("athe end") && tail.text().len() <= STDERR_TAIL_BYTES_MAX);
        tail.hear(&[0xff; 10_000]);
        assert!(tail.text().len() <= STDERR_TAIL_BYTES_MAX);
    }
}
