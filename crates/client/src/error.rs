//! How a call can fail.

use std::time::Duration;
use wire::Problem;

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The broker said no; `problem.code` is stable.
    #[error("{} ({})", problem.detail, problem.code)]
    Problem {
        problem: Box<Problem>,
        /// When the broker wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// There was no answer, or one of something that stands before the broker. Whether the
    /// broker did what was asked is not known.
    #[error("the broker cannot be reached: {why}")]
    Unreachable { why: String, retry_after: Option<Duration> },
    /// What answered does not speak the contract.
    #[error("the answer to {call} is not what a broker says: {why}")]
    Garbled { call: String, why: String },
}

impl ClientError {
    /// Whether the same call may go well later, with nothing changed by the caller.
    #[must_use]
    pub fn is_weather(&self) -> bool {
        match self {
            ClientError::Problem { problem, .. } => is_weather_status(problem.status),
            ClientError::Unreachable { .. } => true,
            ClientError::Garbled { .. } => false,
        }
    }

    /// The stable code, if the broker said no.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            ClientError::Problem { problem, .. } => Some(&problem.code),
            ClientError::Unreachable { .. } | ClientError::Garbled { .. } => None,
        }
    }

    /// How long the broker wants to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ClientError::Problem { retry_after, .. } | ClientError::Unreachable { retry_after, .. } => *retry_after,
            ClientError::Garbled { .. } => None,
        }
    }

    /// What the broker would say to it, said without asking.
    pub(crate) fn problem(status: u16, code: &str, detail: String) -> ClientError {
        ClientError::Problem { problem: Box::new(Problem::new(status, code, detail)), retry_after: None }
    }

    pub(crate) fn unreachable(error: reqwest::Error) -> ClientError {
        // Its address may name a lease, and a lease is a secret.
        ClientError::Unreachable { why: whole_story(&error.without_url()), retry_after: None }
    }
}

/// Statuses of a broker, or of a proxy before it, that has nothing against the call itself. A full
/// disk (507) is no reason to throw a result away: there will be room again.
pub(crate) fn is_weather_status(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504 | 507)
}

/// The error and what is behind it: reqwest's own text stops at "error sending request".
fn whole_story(error: &dyn std::error::Error) -> String {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !story.ends_with(&text) {
            story = format!("{story}: {text}");
        }
        cause = error.source();
    }
    story
}

/// A token that cannot be shown.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the token holds a line break or another character that no token has")]
pub struct TokenError;

/// Why a text is not the address of a broker.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error("{url:?} is not the address of a broker: {why}; it looks like http://127.0.0.1:8080")]
    Wrong { url: String, why: String },
    #[error("cannot prepare TLS for {url}: {why}; install the system's CA certificates (package ca-certificates)")]
    Tls { url: String, why: String },
}
