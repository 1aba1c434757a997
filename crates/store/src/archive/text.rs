//! The words that are looked for.

/// How much of what was typed is read; what follows is not looked at.
const READ_BYTES_MAX: usize = 1024;
const WORDS_MAX: usize = 32;

/// The words of what was typed.
pub(super) fn words(typed: &str) -> impl Iterator<Item = &str> {
    let typed = &typed[..typed.floor_char_boundary(READ_BYTES_MAX)];
    // SQLite would end its query at a control character of value zero.
    let parts = typed.split(|c: char| c.is_whitespace() || c.is_control());
    parts.filter(|word| word.contains(char::is_alphanumeric)).take(WORDS_MAX)
}
