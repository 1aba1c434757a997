//! What a program says on its standard output, line by line.

use super::tell::{Level, Tell, cut};
use crate::limits::{LOG_LINE_BYTES_MAX, STDERR_TAIL_BYTES_MAX};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wire::agent::{FailureBody, ProgressBody};
use wire::{FailureType, Json};

/// One line that is an object. Each field is read by itself, so that a wrong one costs no other.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    progress: Field,
    message: Field,
    current_step: Field,
    total_steps: Field,
    estimated_completion: Field,
    log: Field,
    level: Field,
    result: Field,
    error: Field,
    failure: Field,
}

/// What stands in a field, as it stands there: `{"result":null}` gives a result.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Json")]
struct Field(Option<Json>);

impl From<Json> for Field {
    fn from(json: Json) -> Field {
        Field(Some(json))
    }
}

impl Field {
    /// `None` if there is none, if it is null, or of another kind.
    fn read<T: DeserializeOwned>(&self) -> Option<T> {
        self.0.as_ref().and_then(|json| serde_json::from_str::<Option<T>>(json.get()).ok().flatten())
    }

    /// A text, or whatever else stands there as one.
    fn text(&self) -> Option<String> {
        let json = self.0.as_ref().filter(|json| json.get() != "null")?;
        Some(self.read().unwrap_or_else(|| json.get().to_owned()))
    }
}

/// The last result and the last error that were said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub result: Option<Json>,
    pub error: Option<(String, Option<FailureBody>)>,
    /// Why a line that seems to give a result or an error cannot be read; no result came after it.
    pub unreadable: Option<String>,
}

/// Cuts standard output into lines and understands them. A line of more than `bytes_max`, or
/// results and errors of more than that together, are a flood: the rest is thrown away, so that its
/// program can still be told to end.
#[derive(Debug)]
pub(super) struct Listener {
    said: Said,
    line: Vec<u8>,
    /// Of results and errors so far.
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
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.flooded.is_cancelled() {
                return;
            }
            let (text, is_whole) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            if self.line.len() + text.len() > self.bytes_max {
                self.flood();
            } else {
                self.line.extend_from_slice(text);
                if is_whole {
                    self.end_line();
                }
            }
        }
    }

    fn flood(&mut self) {
        self.flooded.cancel();
        self.line = Vec::new();
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
    fn understand(&mut self, bytes: &[u8]) -> bool {
        let line = match serde_json::from_slice::<Line>(bytes) {
            Ok(line) => line,
            Err(error) => {
                if mentions(bytes, b"\"result\"") || mentions(bytes, b"\"error\"") {
                    // There is only one line.
                    self.said.unreadable = Some(error.to_string().replace(" at line 1 column", " at column"));
                }
                return false;
            }
        };
        let mut known = false;
        if line.result.0.is_some() || line.error.0.is_some() {
            self.bytes = self.bytes.saturating_add(bytes.len());
            if self.bytes > self.bytes_max {
                self.flood();
                return true;
            }
        }
        if let Some(progress) = line.progress.read() {
            self.tell.progress(ProgressBody {
                progress,
                message: line.message.read(),
                current_step: line.current_step.read(),
                total_steps: line.total_steps.read(),
                estimated_completion: line.estimated_completion.read(),
            });
            known = true;
        }
        if let Some(text) = line.log.read::<String>() {
            let is_debug = line.level.read::<String>().as_deref() == Some("debug");
            self.tell.log(if is_debug { Level::Debug } else { Level::Info }, &text);
            known = true;
        }
        if let Some(error) = line.error.text() {
            self.said.error = Some((error, line.failure.read().as_ref().map(failure)));
            known = true;
        }
        if let Some(result) = line.result.0 {
            self.said.result = Some(result);
            self.said.unreadable = None;
            known = true;
        }
        known
    }
}

fn mentions(line: &[u8], name: &[u8]) -> bool {
    line.windows(name.len()).any(|window| window == name)
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
    fn a_wrong_field_beside_it_costs_no_result() {
        for line in [
            r#"{"result":{"ok":1},"message":5}"#,
            r#"{"result":{"ok":1},"progress":"100%"}"#,
            r#"{"result":{"ok":1},"log":[],"level":2,"error":null,"failure":3,"current_step":-1}"#,
            r#"{"progress":0.5,"message":{},"total_steps":"many","result":{"ok":1}}"#,
        ] {
            let (said, ..) = hear(line.as_bytes());
            assert_eq!(said.result.unwrap().get(), r#"{"ok":1}"#, "{line}");
            assert!(said.error.is_none() && said.unreadable.is_none(), "{line}");
        }
        let (said, progress, _) = hear(br#"{"progress":0.5,"message":5,"error":{"code":7}}"#);
        assert_eq!((said.error.unwrap().0.as_str(), progress.unwrap().progress), (r#"{"code":7}"#, 0.5));
    }

    #[test]
    fn a_result_that_cannot_be_read_is_remembered_until_one_can() {
        let lines: [&[u8]; 6] = [
            b"{\"result\":{\"loss\":NaN}}",
            b"{\"result\":1,\"result\":2}",
            b"{\"result\":\"\xff\"}",
            b"{\"result\":1",
            b"{\"result\":}",
            b" {\"error\":'no'}",
        ];
        for line in lines {
            assert!(hear(line).0.unreadable.is_some(), "{}", lossy(line));
            assert!(hear(&[b"{\"result\":1}\n", line].concat()).0.unreadable.is_some(), "{}", lossy(line));
            let (said, ..) = hear(&[line, b"\n{\"result\":1}"].concat());
            assert!(said.unreadable.is_none() && said.result.unwrap().get() == "1", "{}", lossy(line));
        }
        assert_eq!(hear(lines[0]).0.unreadable.as_deref(), Some("expected value at column 19"));
        for line in ["{\"a\":{\"result\":1}}", "{ the result }", "the \"result\": NaN", "{\"loss\":NaN}"] {
            assert!(hear(line.as_bytes()).0.unreadable.is_none(), "{line}");
        }
    }

    #[test]
    fn a_flood_is_noticed_and_not_kept() {
        assert!(hear(&[b'x'; 1_001]).2 && !hear(&[b'x'; 1_000]).2);
        let lines = |line: &str, count| line.repeat(count).into_bytes();
        assert!(hear(&lines("{\"result\":1}\n", 90)).2 && !hear(&lines("{\"result\":1}\n", 80)).2);
        assert!(hear(&lines("{\"error\":\"e\"}\n", 90)).2);
        // What is only passed on is not kept.
        let (said, progress, flooded) = hear(&lines("{\"progress\":0.5}\n{\"log\":\"x\"}\nhello\n", 1_000));
        assert!(said.result.is_none() && progress.is_some() && !flooded);
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
