//! Reading JSON that strangers send.

use crate::{Malformed, limits};
use bytes::Bytes;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Any JSON, copied and never looked into.
pub type Json = Box<RawValue>;

/// Reads a whole body, which must be an object; an empty one counts as `{}`.
///
/// # Errors
/// Names the field by its path where serde knows it, else the line and column.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    let body = if body.is_empty() { b"{}" } else { body };
    check_nesting(body)?;
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        // Otherwise an array would pass for an object with its fields in order.
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body);
        return Err(match is_json {
            Ok(_) => Malformed::field("the body", "must be an object"),
            Err(error) => malformed(String::new(), &error),
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        malformed(path, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| malformed(String::new(), &error))?;
    Ok(value)
}

fn malformed(path: String, error: &serde_json::Error) -> Malformed {
    let text = error.to_string();
    if !error.is_data() {
        return Malformed::Json { why: text };
    }
    let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
    let quoted = |prefix: &str| why.strip_prefix(prefix).and_then(|rest| rest.split_once('`'));
    if let Some((field, rest)) = quoted("unknown field `") {
        return Malformed::Unknown { field: field.to_owned(), hint: rest.to_owned() };
    }
    if let Some((field, _)) = quoted("missing field `") {
        return Malformed::field(field, "is required");
    }
    if let Some((field, _)) = quoted("duplicate field `") {
        return Malformed::field(field, "is given twice");
    }
    Malformed::field(if path == "." { "the body".to_owned() } else { path }, why)
}

/// A value whose shape has names. Serde would take a list of its fields in order as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        T::deserialize(OnlyByName(deserializer)).map(Object)
    }
}

struct OnlyByName<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OnlyByName<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// For a field with a shape of its own.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// The same, where there may be none.
pub(crate) fn maybe_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(|Object(value)| value))
}

/// The same by name.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let objects = BTreeMap::<String, Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|(name, Object(value))| (name, value)).collect())
}

/// The fields of one object, taken one by one, so that each can be named when it is wrong and
/// those that nobody took are known.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<String, Json>);

impl Fields {
    /// # Errors
    /// Not JSON, not an object, nested too deeply, or a field given twice.
    pub fn parse(body: &[u8]) -> Result<Fields, Malformed> {
        parse(body)
    }

    /// The field's value; `None` if it is absent or `null`.
    ///
    /// # Errors
    /// It is not what it should be.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Malformed> {
        let Some(raw) = self.take_raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map_err(|error| match malformed(String::new(), &error) {
            Malformed::Field { field, why } if field.is_empty() => Malformed::field(name, why),
            Malformed::Field { field, why } => Malformed::field(format!("{name}.{field}"), why),
            Malformed::Unknown { field, hint } => Malformed::Unknown { field: format!("{name}.{field}"), hint },
            other => Malformed::field(name, other),
        })
    }

    /// The field as it stands; `None` if it is absent or `null`.
    pub fn take_raw(&mut self, name: &str) -> Option<Json> {
        self.0.remove(name).filter(|raw| raw.get() != "null")
    }

    /// The field as it stands, which stays; `None` if it is absent or `null`.
    #[must_use]
    pub fn peek_raw(&self, name: &str) -> Option<Json> {
        self.0.get(name).filter(|raw| raw.get() != "null").cloned()
    }

    /// The fields that nobody took, in alphabetical order.
    pub fn rest(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Json>()? {
                    if fields.contains_key(&name) {
                        return Err(serde::de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    fields.insert(name, value);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

/// The same JSON without insignificant white space: what is hashed, stored and passed on.
///
/// # Errors
/// Larger than `bytes_max`, under the name `what`; or it has something that strict readers of
/// JSON cannot read: half of a surrogate pair, or a number beyond what a double holds.
pub fn compact(json: &RawValue, what: &str, bytes_max: usize) -> Result<Bytes, Malformed> {
    let text = json.get();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let token = match first {
            b'"' => string_token(rest),
            b'-' | b'0'..=b'9' => number_token(rest),
            _ => &rest[..1],
        };
        let wrong = match first {
            b'"' if has_half_a_pair(token) => Some("has half of a surrogate pair in a string"),
            b'-' | b'0'..=b'9' if !token.parse().is_ok_and(f64::is_finite) => Some("has a number that is too large"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let shown = crate::words::cut(token.to_owned(), 64);
            return Err(Malformed::field(what, format!("{wrong}: {shown}")));
        }
        if !first.is_ascii_whitespace() {
            out.extend_from_slice(token.as_bytes());
        }
        rest = &rest[token.len()..];
    }
    if out.len() > bytes_max {
        return Err(Malformed::TooLarge { what: what.to_owned(), bytes: out.len(), max: bytes_max });
    }
    Ok(out.into())
}

/// The string that `text` begins with, quotes included.
fn string_token(text: &str) -> &str {
    &text[..string_end(text.as_bytes(), 1)]
}

/// Where the string ends whose inside begins at `at`: after its closing quote.
fn string_end(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        at += found;
        match json[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
    json.len()
}

fn number_token(text: &str) -> &str {
    let end = text.bytes().position(|byte| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
    &text[..end.unwrap_or(text.len())]
}

/// Whether a string has an escaped surrogate without its partner (RFC 8259, section 8.2).
fn has_half_a_pair(string: &str) -> bool {
    let mut rest = string;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        match surrogate(escape) {
            None => rest = &escape[2.min(escape.len())..],
            Some(0xd800..=0xdbff) if matches!(surrogate(&escape[6..]), Some(0xdc00..=0xdfff)) => rest = &escape[12..],
            Some(_) => return true,
        }
    }
    false
}

/// The surrogate that `text` begins with in its escaped form.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
}

/// Refuses what is nested too deeply before any parser recurses into it.
fn check_nesting(json: &[u8]) -> Result<(), Malformed> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(json, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limits::NESTING_MAX {
            let why = format!("nested more than {} levels deep", limits::NESTING_MAX);
            return Err(Malformed::Json { why });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Json {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn white_space_goes_but_not_inside_strings() {
        let json = raw("{ \"a b\" : [ 1 ,\n 2 ], \"c\\\" d\": \"\\\\\" }");
        assert_eq!(compact(&json, "payload", 99).unwrap(), r#"{"a b":[1,2],"c\" d":"\\"}"#);
    }

    #[test]
    fn what_a_strict_reader_cannot_read_is_refused() {
        for good in
            [r#""\ud83d\ude00 \\ud800 \u00e4""#, "1e308", "-0.0", "[12345678901234567890123, 1E-999]", r#"{"a":"\\"}"#]
        {
            let json = compact(&raw(good), "payload", 99).unwrap();
            assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok(), "{good}");
        }
        for bad in [r#""\ud800""#, r#""\udc00\ud800""#, r#"["\ud800\u0041"]"#, r#"{"\uD83D":1}"#, "1e999", "[-1e400]"] {
            let error = compact(&raw(bad), "payload", 99).unwrap_err();
            assert!(matches!(error, Malformed::Field { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn nesting_has_a_limit_and_brackets_in_strings_do_not_count() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(parse::<Json>(deep(64).as_bytes()).is_ok());
        assert!(matches!(parse::<Json>(deep(65).as_bytes()), Err(Malformed::Json { .. })));
        assert!(parse::<Json>(format!("{{\"a\":\"{}\"}}", "[".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn a_mistake_is_named_by_its_field() {
        #[derive(Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[serde(rename = "count")]
            _count: u32,
        }
        let said = |body: &str| parse::<Body>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(said("{}"), "count: is required");
        assert_eq!(said(r#"{"count":1,"count":2}"#), "count: is given twice");
        assert_eq!(said(r#"{"count":-1}"#), "count: invalid value: integer `-1`, expected u32");
        assert_eq!(said(r#"{"cuont":1}"#), "cuont is not a field of this request, expected `count`");
        assert!(said("{").starts_with("the body is not JSON: "));
        assert!(said("{} x").starts_with("count"));
    }

    #[test]
    fn a_list_does_not_pass_for_an_object_wherever_it_stands() {
        use crate::agent::{FailBody, HeartbeatBody, JoinMachineBody, JoinWorkerBody};
        fn takes<T: DeserializeOwned>(body: &str) -> bool {
            parse::<T>(body.as_bytes()).is_ok()
        }
        let worker = |capabilities: &str| {
            takes::<JoinWorkerBody>(&format!(r#"{{"machine_id":"m","services":["a"],"capabilities":{capabilities}}}"#))
        };
        assert!(
            takes::<JoinMachineBody>(r#"{"host_info":{}}"#) && !takes::<JoinMachineBody>(r#"{"host_info":[null]}"#)
        );
        assert!(
            takes::<HeartbeatBody>(r#"{"workers":{"w":{}}}"#) && !takes::<HeartbeatBody>(r#"{"workers":{"w":[]}}"#)
        );
        assert!(worker(r#"{"hardware":{},"customer_access":{}}"#) && !worker("[]"));
        assert!(!worker(r#"{"hardware":[1]}"#) && !worker(r#"{"customer_access":["strict"]}"#));
        let failure = |failure: &str| takes::<FailBody>(&format!(r#"{{"error":"e","failure":{failure}}}"#));
        assert!(failure(r#"{"type":"internal"}"#) && failure("null") && !failure(r#"["internal"]"#));
        let backoff = |text: &str| Fields::parse(text.as_bytes()).and_then(|mut fields| fields.take::<Object<()>>("b"));
        assert!(backoff(r#"{"b":[]}"#).is_err());
    }

    #[test]
    fn a_field_given_twice_is_refused_and_the_rest_is_known() {
        assert!(Fields::parse(br#"{"a":1,"a":2}"#).unwrap_err().to_string().contains("given twice"));
        let mut fields = Fields::parse(br#"{"a":1,"b":null,"c":[]}"#).unwrap();
        assert_eq!(fields.take::<u32>("a").unwrap(), Some(1));
        assert_eq!(fields.take::<u32>("b").unwrap(), None);
        assert_eq!(fields.rest().collect::<Vec<_>>(), ["c"]);
    }
}
