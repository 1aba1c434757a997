//! Rust, as far as the checks need it: what is code, what is a comment, what is text; which lines
//! are tests; where functions begin and end. It leans on rustfmt and does not judge what does not
//! compile.

use std::ops::RangeInclusive;

/// A Rust file, read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) lines: usize,
    /// Code alone: comments and the insides of literals are spaces.
    pub(super) code: String,
    /// Code and literals: comments are spaces.
    pub(super) uncommented: String,
    /// Code and comments: the insides of literals are spaces.
    pub(super) untexted: String,
    /// Lines, from 1, of what is under `#[cfg(test)]`.
    pub(super) test_lines: Vec<RangeInclusive<usize>>,
    /// Names of `#[cfg(test)] mod name;`.
    pub(super) test_modules: Vec<String>,
    pub(super) functions: Vec<Function>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// From the line with `fn`, from 1, to that of the closing brace.
    pub(super) lines: RangeInclusive<usize>,
}

impl Function {
    pub(super) fn length(&self) -> usize {
        self.lines.end() + 1 - self.lines.start()
    }
}

impl Source {
    pub(super) fn of(text: &str) -> Source {
        let kinds = kinds(text.as_bytes());
        let code = keep(text, &kinds, |kind| kind == Kind::Code);
        let (test_lines, test_modules) = under_cfg_test(&code);
        Source {
            lines: text.lines().count(),
            uncommented: keep(text, &kinds, |kind| kind != Kind::Comment),
            untexted: keep(text, &kinds, |kind| kind != Kind::Text),
            functions: functions(&code),
            test_lines,
            test_modules,
            code,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// What each byte is.
fn kinds(text: &[u8]) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(text.len());
    while kinds.len() < text.len() {
        let at = kinds.len();
        let (kind, length) = piece(text, at);
        kinds.resize((at + length).min(text.len()), kind);
    }
    kinds
}

/// The comment, the literal or the byte of code at `at`, and its length.
fn piece(text: &[u8], at: usize) -> (Kind, usize) {
    let rest = &text[at..];
    if rest.starts_with(b"//") {
        return (Kind::Comment, find(rest, b"\n").unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return (Kind::Comment, block_comment(rest));
    }
    let continues_a_word = at > 0 && is_word(text[at - 1]);
    if !continues_a_word && let Some(length) = raw_text(rest) {
        return (Kind::Text, length);
    }
    match rest[0] {
        b'"' => (Kind::Text, quoted(rest, b'"')),
        b'\'' if is_character(rest) => (Kind::Text, quoted(rest, b'\'')),
        _ => (Kind::Code, 1),
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` and the like, if `rest` begins with one.
fn raw_text(rest: &[u8]) -> Option<usize> {
    let start = if matches!(rest[0], b'b' | b'c') { 1 } else { 0 };
    if rest.get(start) != Some(&b'r') {
        return None;
    }
    let hashes = rest[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = start + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let inside = find(&rest[open + 1..], &close).unwrap_or(rest.len());
    Some(open + 1 + inside + close.len())
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// `'x'` and `'\n'`, not the lifetime `'x`.
fn is_character(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        // A character has at most four bytes.
        Some(first) if !is_word(*first) || *first >= 0x80 => rest[1..].iter().take(5).any(|byte| *byte == b'\''),
        _ => rest.get(2) == Some(&b'\''),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The text with everything else blank; lines and columns stay.
fn keep(text: &str, kinds: &[Kind], is_kept: impl Fn(Kind) -> bool) -> String {
    let kept = text.char_indices().flat_map(|(at, character)| {
        let is_shown = character == '\n' || is_kept(kinds[at]);
        let width = if is_shown { 1 } else { character.len_utf8() };
        std::iter::repeat_n(if is_shown { character } else { ' ' }, width)
    });
    kept.collect()
}

/// Where `word` stands in `code` as a whole word. It may contain `::`; one that ends in `_` is the
/// beginning of one.
pub(super) fn places_of<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    let ends_in_word = word.bytes().next_back().is_some_and(|last| is_word(last) && last != b'_');
    let starts_with_word = word.bytes().next().is_some_and(is_word);
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + word.len()).copied();
        let begins_inside = starts_with_word && before.is_some_and(is_word);
        let ends_inside = ends_in_word && after.is_some_and(is_word);
        !begins_inside && !ends_inside
    })
}

/// The line, from 1, of a byte.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn under_cfg_test(code: &str) -> (Vec<RangeInclusive<usize>>, Vec<String>) {
    let (mut lines, mut modules) = (Vec::new(), Vec::new());
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let item = &code[at + attribute.len()..];
        let end = at + attribute.len() + end_of_item(item);
        lines.push(line_at(code, at)..=line_at(code, end));
        // A module under it has no `#[path]` of its own here.
        let words: Vec<_> = item[..end_of_item(item)].split_whitespace().collect();
        if let Some(name) = words.iter().position(|word| *word == "mod").and_then(|at| words.get(at + 1))
            && code[..=end].ends_with(';')
        {
            modules.push(name.trim_end_matches(';').to_owned());
        }
    }
    (lines, modules)
}

/// Where the item at the beginning of `code` ends: at its `;` or at the brace that closes its body.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            b';' if depth == 0 => return at,
            _ => {}
        }
    }
    code.len().saturating_sub(1)
}

fn functions(code: &str) -> Vec<Function> {
    let named = |at: usize| -> Option<Function> {
        let rest = &code[at..];
        let name: String = rest["fn ".len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // `fn (` is a type; a function that ends in `;` has no body.
        let end = end_of_item(rest);
        let has_body = !name.is_empty() && rest[..=end].ends_with('}');
        has_body.then(|| Function { name, lines: line_at(code, at)..=line_at(code, at + end) })
    };
    places_of(code, "fn ").filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_are_told_from_code() {
        let text =
            "let a = \"x // {\\\" }\"; // \"no\"\nlet b = r#\"} \" {\"#; /* { /* } */ */ let c = '{'; f::<'a>('\\'');";
        let source = Source::of(text);
        assert!(!source.code.contains(['{', '}', '"']), "{}", source.code);
        assert!(source.code.contains("let a =") && source.code.contains("let c =") && source.code.contains("f::<'a>("));
        assert!(source.uncommented.contains("x // {") && !source.uncommented.contains("no"));
        assert!(source.untexted.contains("// \"no\"") && !source.untexted.contains("x //"));
        assert_eq!(source.code.len(), text.len(), "columns stay");
    }

    #[test]
    fn wide_characters_keep_their_columns() {
        let text = "let a = '→'; let b: &'static str = \"…\"; // →\nx();";
        let source = Source::of(text);
        assert_eq!(source.code.len(), text.len());
        assert!(source.code.ends_with("x();") && source.code.contains("&'static str ="));
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "impl X {\n    pub fn one(\n        &self,\n    ) -> [u8; 3] {\n        f(|| { 1 })\n    }\n}\ntrait Y {\n    fn two();\n}\ntype Z = fn (u8);\n";
        assert_eq!(Source::of(text).functions, [Function { name: "one".to_owned(), lines: 2..=6 }]);
    }

    #[test]
    fn test_lines_are_those_of_the_item_under_the_attribute() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\npub mod fakes;\nfn c() {}\n";
        let source = Source::of(text);
        assert_eq!(source.test_lines, [2..=5, 6..=7]);
        assert_eq!(source.test_modules, ["fakes"]);
    }

    #[test]
    fn words_are_whole() {
        let found = |code, word| places_of(code, word).count();
        assert_eq!(found("rand; random; x.rand", "rand"), 2);
        assert_eq!(found("std::fs::read", "fs"), 1);
        assert_eq!(found("offset", "fs"), 0);
        assert_eq!(found("mytodo!() todo!()", "todo!("), 1);
    }
}
