//! JSON that is looked into, of bounded depth and size, with every name once and every number exact.
//!
//! A name with dots is the same as nested objects, whether the writer nested all, some or none of
//! it. A [`Node`] knows its [`Place`] as it was written, so that a mistake is named where it stands.

use crate::{limits, words};
use fleet::{Number, Scalar};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How much may be read. An object or list inside another is one level deeper than it; a scalar
/// is a leaf, and so is an object or list in which there is nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) depth_max: usize,
    /// At most [`limits::CUSTOM_LEAVES_MAX`].
    pub(crate) leaves_max: usize,
}

/// Where something stands: the names on the way to it, as they were written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place(Vec<String>);

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) place: Place,
    pub(crate) why: String,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    One(Scalar),
    List(Vec<Node>),
    /// By names without dots.
    Object(Object),
}

pub(crate) type Object = BTreeMap<String, Node>;

impl Place {
    pub(crate) fn of(names: &[&str]) -> Place {
        Place(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn inside(&self, name: impl Into<String>) -> Place {
        Place(self.0.iter().cloned().chain([name.into()]).collect())
    }

    /// As a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        self.0.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
    }

    /// As a field is named.
    pub(crate) fn dotted(&self) -> String {
        self.0.join(".")
    }

    pub(crate) fn wrong(&self, why: impl Into<String>) -> Wrong {
        Wrong { place: self.clone(), why: why.into() }
    }
}

impl Node {
    /// What it is, and what it must be instead.
    pub(crate) fn must_be(&self, what: &str) -> Wrong {
        let is = match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::One(scalar) => shown(scalar),
            Kind::List(_) => "a list".to_owned(),
            Kind::Object(_) => "an object".to_owned(),
        };
        self.place.wrong(format!("is {is}; it must be {what}"))
    }

    /// An object or list in which there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Object(object) => object.is_empty(),
            Kind::List(list) => list.is_empty(),
            Kind::Null | Kind::One(_) => false,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::One(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<Number> {
        match &self.kind {
            Kind::One(Scalar::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn into_object(self) -> Result<Object, Wrong> {
        match self.kind {
            Kind::Object(object) => Ok(object),
            _ => Err(self.must_be("an object")),
        }
    }

    pub(crate) fn into_scalar(self) -> Result<Scalar, Wrong> {
        match self.kind {
            Kind::One(scalar) => Ok(scalar),
            _ => Err(self.must_be("a number, a text, true or false")),
        }
    }
}

pub(crate) fn path_too_long(node: &Node, path: &str) -> Wrong {
    let (bytes, max) = (path.len(), limits::NAME_BYTES_MAX);
    node.place.wrong(format!("its dotted path is {bytes} bytes long; at most {max} are allowed"))
}

/// A list's elements, none of which may be a list or object itself.
pub(crate) fn scalars(list: Vec<Node>) -> Result<BTreeSet<Scalar>, Wrong> {
    list.into_iter().map(Node::into_scalar).collect()
}

/// A value as a sentence repeats it.
fn shown(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => format!("{:?}", words::cut(text.clone(), 64)),
        other => value(other).to_string(),
    }
}

/// A value as JSON. A whole number is written as one as long as it is exact.
pub(crate) fn value(scalar: &Scalar) -> serde_json::Value {
    match scalar {
        Scalar::Bool(truth) => (*truth).into(),
        Scalar::Number(number) => number_value(*number),
        Scalar::Text(text) => text.as_str().into(),
    }
}

pub(crate) fn number_value(number: Number) -> serde_json::Value {
    let number = number.get();
    match number.fract() == 0.0 && number.abs() <= INTEGER_MAX as f64 {
        true => (number as i64).into(),
        false => number.into(),
    }
}

/// Every integer up to here is a double of its own: 2^53.
const INTEGER_MAX: u64 = 1 << 53;

/// Reads `json`, which stands at `place`.
pub(crate) fn read(json: &RawValue, place: Place, bounds: Bounds) -> Result<Node, Wrong> {
    Reader { root: place.clone(), bounds, leaves: 0 }.node(json, place, 1)
}

struct Reader {
    root: Place,
    bounds: Bounds,
    leaves: usize,
}

impl Reader {
    /// `level` is that of an object or list which stands here.
    fn node(&mut self, json: &RawValue, place: Place, level: usize) -> Result<Node, Wrong> {
        let text = json.get();
        let kind = match text.as_bytes().first() {
            Some(b'{' | b'[') if level > self.bounds.depth_max => return Err(self.too_deep(&place)),
            Some(b'{') => Kind::Object(self.object(text, &place, level)?),
            Some(b'[') => Kind::List(self.list(text, &place, level)?),
            Some(b'"') => Kind::One(Scalar::Text(string(text, "", &place)?)),
            Some(b't') => Kind::One(Scalar::Bool(true)),
            Some(b'f') => Kind::One(Scalar::Bool(false)),
            Some(b'n') => Kind::Null,
            _ => Kind::One(Scalar::Number(number(text, &place)?)),
        };
        let node = Node { place, kind };
        if node.is_empty() || !matches!(node.kind, Kind::Object(_) | Kind::List(_)) {
            self.leaves += 1;
        }
        match self.leaves > self.bounds.leaves_max {
            true => Err(self.root.wrong(format!("holds more than {} values", self.bounds.leaves_max))),
            false => Ok(node),
        }
    }

    fn list(&mut self, text: &str, place: &Place, level: usize) -> Result<Vec<Node>, Wrong> {
        let elements = members(text, place)?.into_iter().enumerate();
        elements.map(|(at, (_, json))| self.node(json, place.inside(at.to_string()), level + 1)).collect()
    }

    fn object(&mut self, text: &str, place: &Place, level: usize) -> Result<Object, Wrong> {
        let (mut object, mut names) = (Object::new(), BTreeSet::new());
        for (name, json) in members(text, place)? {
            let name = string(name.map_or("\"\"", RawValue::get), "a name in it ", place)?;
            let at = place.inside(name.as_str());
            let segments: Vec<&str> = name.split('.').collect();
            if segments.contains(&"") {
                return Err(at.wrong("has an empty part in its name"));
            }
            let level = level + segments.len() - 1;
            if level > self.bounds.depth_max {
                return Err(self.too_deep(&at));
            }
            let mut node = self.node(json, at.clone(), level + 1)?;
            for segment in segments.iter().skip(1).rev() {
                node = Node { place: at.clone(), kind: Kind::Object(Object::from([((*segment).to_owned(), node)])) };
            }
            merge(&mut object, segments[0].to_owned(), node)?;
            if !names.insert(name) {
                return Err(at.wrong("is given twice"));
            }
        }
        Ok(object)
    }

    fn too_deep(&self, place: &Place) -> Wrong {
        place.wrong(format!("is nested more than {} levels deep", self.bounds.depth_max))
    }
}

/// Adds what stands under a name to what already does.
fn merge(object: &mut Object, name: String, node: Node) -> Result<(), Wrong> {
    match (object.get_mut(&name), node) {
        (None, node) => {
            object.insert(name, node);
            Ok(())
        }
        (Some(Node { kind: Kind::Object(old), .. }), Node { kind: Kind::Object(new), .. }) => {
            new.into_iter().try_for_each(|(name, node)| merge(old, name, node))
        }
        (Some(_), node) => Err(node.place.wrong("is given twice")),
    }
}

/// A text or, with a word before it, a name.
fn string(json: &str, what: &str, place: &Place) -> Result<String, Wrong> {
    let text: String = serde_json::from_str(json).map_err(|_| {
        let json = words::cut(json.to_owned(), 64);
        place.wrong(format!("{what}has half of a surrogate pair: {json}"))
    })?;
    match text.len() > limits::NAME_BYTES_MAX {
        true => Err(place.wrong(format!(
            "{what}is {} bytes long; at most {} are allowed",
            text.len(),
            limits::NAME_BYTES_MAX
        ))),
        false => Ok(text),
    }
}

fn number(json: &str, place: &Place) -> Result<Number, Wrong> {
    let is_integer = !json.contains(['.', 'e', 'E']);
    if is_integer && !json.parse::<i64>().is_ok_and(|integer| integer.unsigned_abs() <= INTEGER_MAX) {
        let json = words::cut(json.to_owned(), 64);
        return Err(
            place.wrong(format!("is {json}; integers must be from -{INTEGER_MAX} to {INTEGER_MAX}, to be exact"))
        );
    }
    json.parse().ok().and_then(Number::new).ok_or_else(|| {
        let json = words::cut(json.to_owned(), 64);
        place.wrong(format!("is {json}, which is more than a number can be"))
    })
}

/// What stands directly in an object or list, with its name in an object. No more of it than one
/// past what may be read, so that a large body needs no memory.
struct Members<'a>(Vec<(Option<&'a RawValue>, &'a RawValue)>);

fn members<'a>(json: &'a str, place: &Place) -> Result<Vec<(Option<&'a RawValue>, &'a RawValue)>, Wrong> {
    let members = serde_json::from_str::<Members<'a>>(json);
    members.map(|Members(members)| members).map_err(|error| place.wrong(error.to_string()))
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct FirstOnes;
        impl<'de> Visitor<'de> for FirstOnes {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while members.len() <= limits::CUSTOM_LEAVES_MAX {
                    let Some((name, value)) = map.next_entry()? else { return Ok(Members(members)) };
                    members.push((Some(name), value));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Members(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while members.len() <= limits::CUSTOM_LEAVES_MAX {
                    let Some(value) = list.next_element()? else { return Ok(Members(members)) };
                    members.push((None, value));
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Members(members))
            }
        }
        deserializer.deserialize_any(FirstOnes)
    }
}
