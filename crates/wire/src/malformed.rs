//! Input that is not what it should be.

/// Refused before anything is asked: which field, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    #[error("the body is not JSON: {why}")]
    Json { why: String },
    #[error("{field}: {why}")]
    Field { field: String, why: String },
    #[error("{field} is not a field of this request{hint}")]
    Unknown { field: String, hint: String },
    /// `pointer` is a JSON pointer (RFC 6901) into the submission.
    #[error("{pointer}: {why}")]
    Requirement { pointer: String, why: String },
    #[error("{what} is {bytes} bytes long; at most {max} are allowed")]
    TooLarge { what: String, bytes: usize, max: usize },
    #[error("{what} has {items} entries; at most {max} are allowed")]
    TooMany { what: String, items: usize, max: usize },
}

impl Malformed {
    #[expect(clippy::needless_pass_by_value, reason = "errors and texts are given as they come")]
    pub fn field(field: impl Into<String>, why: impl ToString) -> Malformed {
        Malformed::Field { field: field.into(), why: why.to_string() }
    }
}
