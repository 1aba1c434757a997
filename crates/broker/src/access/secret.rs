//! Texts that prove who one is. They are shown once, kept as their SHA-256, and print as stars.

use sha2::Digest as _;
use sha2::Sha256;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// What is kept of a secret.
pub(super) type Digest = [u8; 32];

pub(super) fn digest(secret: &str) -> Digest {
    Sha256::digest(secret).into()
}

/// A secret as it was given. It prints as `***`, so that it reaches no log and no error by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// 256 random bits of the operating system.
    ///
    /// # Errors
    /// The system gives none.
    pub fn fresh() -> Result<Secret, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Secret(format!("cbt_{}", hex(&bytes))))
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self) -> Digest {
        digest(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Secret, Infallible> {
        Ok(Secret::new(text))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(digit.into(), 16));
        }
        text
    })
}

pub(super) fn from_hex(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars_and_no_two_are_alike() {
        let (one, other) = (Secret::fresh().unwrap(), Secret::fresh().unwrap());
        assert_eq!(format!("{one:?}"), "***");
        assert!(one != other && one.expose().len() == 4 + 64);
        assert_eq!(from_hex(&hex(&one.digest())), Some(one.digest()));
        assert!(from_hex("äb").is_none() && from_hex(&"g".repeat(64)).is_none());
    }
}
