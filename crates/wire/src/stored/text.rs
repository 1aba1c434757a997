//! Texts, hashes and lists as a record holds them: borrowed wherever that is possible.

use fleet::limits::MISSING_MAX;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// A text of a record or of what is to become one.
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Text<'a> {
        Text(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Text(Cow::Owned(text))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text::from(text))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text::from(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Reader)
    }
}

/// A SHA-256, in hex.
#[derive(Clone, Copy)]
pub(super) struct Hash(pub(super) [u8; 32]);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let mut hash = [0; 32];
        let digit = |digit: u8| char::from(digit).to_digit(16).map(|digit| digit as u8);
        let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
        let is_read = text.len() == 64
            && hash.iter_mut().zip(text.as_bytes().chunks_exact(2)).all(|(at, pair)| {
                byte(pair).is_some_and(|byte| {
                    *at = byte;
                    true
                })
            });
        is_read.then_some(Hash(hash)).ok_or_else(|| D::Error::custom(format_args!("{:?} is no hash", &*text)))
    }
}

/// What is missing: told again and again, so a reader knows it by its bytes.
pub(super) enum Words<'a> {
    Told(&'a [String]),
    Raw(&'a RawValue),
}

impl Words<'_> {
    pub(super) fn read(&self) -> Result<Vec<String>, String> {
        match self {
            Words::Told(words) => Ok(words.to_vec()),
            Words::Raw(raw) => serde_json::from_str(raw.get()).map_err(|error| error.to_string()),
        }
    }

    /// Itself, if it is worth to be known by.
    pub(super) fn raw(&self) -> Option<&str> {
        match self {
            Words::Raw(raw) if raw.get().len() <= 256 * MISSING_MAX => Some(raw.get()),
            _ => None,
        }
    }
}

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Words::Told(words) => words.serialize(serializer),
            Words::Raw(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Words<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words<'a>, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Words::Raw)
    }
}
