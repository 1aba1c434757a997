//! What a submission says of the worker it needs (`wire.md` §8b), read into [`Requirements`].
//!
//! ```text
//!   requirements ──▶ tree ─┬─ the top ────────────────┐
//!                          ├─ positive_requirements ──┴▶ joined: one need for each path
//!                          └─ negative_requirements ───▶ one bar for each path
//! ```

mod join;
mod show;

pub(crate) use show::show;

use crate::tree::{self, Bounds, Kind, Node, Object, Place, Wrong};
use crate::{Malformed, limits};
use fleet::limits::TIMING_MS_MAX;
use fleet::{Need, Number, Part, Requirements, Scalar, Service, Test};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// What `requirements` asks of the worker, and of the job itself.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) requirements: Requirements,
    /// From `timeout_minutes`.
    pub(crate) run_for_ms: Option<u64>,
}

/// Reads the field `requirements` of a submission; absent and `null` ask for nothing.
///
/// # Errors
/// [`Malformed::Requirement`], with a pointer into the submission.
pub(crate) fn parse(raw: Option<&RawValue>, service: Service) -> Result<Asked, Malformed> {
    match raw.filter(|raw| raw.get() != "null") {
        None => Ok(Asked { requirements: Requirements::of(service), run_for_ms: None }),
        Some(raw) => asked(raw, service)
            .map_err(|wrong| Malformed::Requirement { pointer: wrong.place.pointer(), why: wrong.why }),
    }
}

const POSITIVE: &str = "positive_requirements";
const NEGATIVE: &str = "negative_requirements";

fn asked(raw: &RawValue, service: Service) -> Result<Asked, Wrong> {
    let place = Place::of(&["requirements"]);
    let bounds = Bounds { depth_max: limits::REQUIREMENT_DEPTH_MAX, leaves_max: limits::REQUIREMENT_LEAVES_MAX };
    let mut top = tree::read(raw, place.clone(), bounds)?.into_object()?;
    let [positive, negative] =
        [POSITIVE, NEGATIVE].map(|name| top.remove(name).map_or(Ok(Object::new()), Node::into_object));
    let (top, positive) = (Side::read(top, Sense::Need)?, Side::read(positive?, Sense::Need)?);
    let bars = Side::read(negative?, Sense::Bar)?.needs;
    let run_for_ms = match (top.run_for, positive.run_for) {
        (Some(RunFor { ms, .. }), Some(other)) if other.ms != ms => {
            let why = format!("comes to {} ms, but to {ms} ms at the top of requirements", other.ms);
            return Err(other.place.wrong(why));
        }
        (one, other) => one.or(other).map(|run_for| run_for.ms),
    };
    let needs = join::join(top.needs, positive.needs).map_err(|why| place.wrong(why))?;
    let requirements = Requirements { service, needs, bars: bars.into_values().collect() };
    match join::contradiction(&requirements) {
        Some(why) => Err(place.wrong(why)),
        None => Ok(Asked { requirements, run_for_ms }),
    }
}

/// Whether a demand must hold or must not.
#[derive(Clone, Copy, PartialEq)]
enum Sense {
    Need,
    Bar,
}

/// The demands of one object.
#[derive(Default)]
struct Side {
    /// By the path they are made under, in its first spelling.
    needs: BTreeMap<String, Need>,
    run_for: Option<RunFor>,
}

struct RunFor {
    place: Place,
    ms: u64,
}

impl Side {
    fn read(object: Object, sense: Sense) -> Result<Side, Wrong> {
        let mut side = Side::default();
        for (name, node) in object {
            side.add(name, node, sense)?;
        }
        Ok(side)
    }

    fn add(&mut self, name: String, node: Node, sense: Sense) -> Result<(), Wrong> {
        match name.as_str() {
            "service_type" => {}
            POSITIVE | NEGATIVE => return Err(node.place.wrong("may stand only at the top of requirements")),
            "timeout_minutes" if sense == Sense::Bar => {
                return Err(node.place.wrong("is about the job, not the worker"));
            }
            "timeout_minutes" => self.run_for = Some(RunFor { ms: run_for_ms(&node)?, place: node.place }),
            operator if operator.starts_with('$') => {
                return Err(node.place.wrong("compares one capability and must stand inside one"));
            }
            _ if node.is_empty() => {}
            "hardware" => self.add_hardware(node, sense)?,
            "models" if node.text() == Some("all") => {}
            "models" => self.put("models", Need::Models(texts(&node, "a name, a list of names or \"all\"")?)),
            "tags" => self.put("tags", Need::Tags(texts(&node, "a tag or a list of tags")?)),
            "customer_isolation" => match node.text() {
                Some("strict") => self.put("customer_isolation", Need::StrictIsolation),
                Some("loose" | "none") => {}
                _ => return Err(node.must_be("\"strict\", \"loose\" or \"none\"")),
            },
            "geographic_region" | "region" => {
                let region = node.text().ok_or_else(|| node.must_be("a text"))?.to_owned();
                if self.needs.contains_key("region") {
                    return Err(node.place.wrong("is given twice: region and geographic_region mean the same"));
                }
                self.put("region", Need::Region(region));
            }
            "component" | "workflow" if node.text() == Some("all") => {}
            _ => self.add_custom(name, node)?,
        }
        Ok(())
    }

    fn put(&mut self, path: &str, need: Need) {
        self.needs.insert(path.to_owned(), need);
    }

    fn add_hardware(&mut self, node: Node, sense: Sense) -> Result<(), Wrong> {
        for (name, node) in node.into_object()? {
            let parts = [Part::GpuMemoryGb, Part::RamGb, Part::CpuCores, Part::GpuCount];
            let part = parts.into_iter().find(|part| part.word() == name);
            let asks_nothing = node.is_empty() || node.text() == Some("all");
            let need = match part {
                None if name != "gpu_model" => {
                    let why = "is not known; hardware has gpu_memory_gb, ram_gb, cpu_cores, gpu_count and gpu_model";
                    return Err(node.place.wrong(why));
                }
                _ if asks_nothing => continue,
                None => Need::GpuModel(texts(&node, "a name, a list of names or \"all\"")?),
                Some(part) => {
                    let least = node.number().ok_or_else(|| node.must_be("a number or \"all\""))?;
                    let zero = Number::default();
                    match sense {
                        _ if least < zero => return Err(node.must_be("0 or more")),
                        Sense::Bar if least == zero => {
                            return Err(node.place.wrong("is 0, which would exclude every worker"));
                        }
                        Sense::Need if least == zero => continue,
                        Sense::Need | Sense::Bar => Need::Hardware(part, least),
                    }
                }
            };
            self.put(&format!("hardware.{name}"), need);
        }
        Ok(())
    }

    fn add_custom(&mut self, path: String, node: Node) -> Result<(), Wrong> {
        if node.is_empty() {
            return Ok(());
        }
        if path.len() > limits::NAME_BYTES_MAX {
            return Err(tree::path_too_long(&node, &path));
        }
        let tests = match node.kind {
            Kind::Null => return Err(node.must_be("a number, a text, true, false, a list or an object")),
            Kind::Object(object) if object.keys().any(|name| name.starts_with('$')) => operators(object)?,
            Kind::Object(object) => {
                return object.into_iter().try_for_each(|(name, node)| self.add_custom(format!("{path}.{name}"), node));
            }
            Kind::List(list) => BTreeSet::from([Test::ContainsAll(tree::scalars(list)?)]),
            Kind::One(Scalar::Number(least)) => BTreeSet::from([Test::AtLeast(least)]),
            Kind::One(scalar) => BTreeSet::from([Test::Has(scalar)]),
        };
        self.needs.insert(path.clone(), Need::Custom { path, tests });
        Ok(())
    }
}

/// The comparisons of one capability that are written out.
fn operators(object: Object) -> Result<BTreeSet<Test>, Wrong> {
    let number = |node: &Node| node.number().ok_or_else(|| node.must_be("a number"));
    let test = |(name, node): (String, Node)| {
        Ok(match name.as_str() {
            "$eq" => Test::Equals(node.into_scalar()?),
            "$gte" => Test::AtLeast(number(&node)?),
            "$lte" => Test::AtMost(number(&node)?),
            "$contains" => Test::ContainsAll(BTreeSet::from([node.into_scalar()?])),
            "$in" => match node.kind {
                Kind::List(list) if !list.is_empty() => Test::OneOf(tree::scalars(list)?),
                Kind::List(_) => return Err(node.place.wrong("is an empty list, which nothing is in")),
                _ => return Err(node.must_be("a list")),
            },
            _ if name.starts_with('$') => {
                return Err(node.place.wrong("is no comparison; there are $eq, $gte, $lte, $contains and $in"));
            }
            _ => {
                return Err(node.place.wrong("stands beside comparisons; an object holds either names or comparisons"));
            }
        })
    };
    object.into_iter().map(test).collect()
}

/// One text or a list of them.
fn texts(node: &Node, what: &str) -> Result<BTreeSet<String>, Wrong> {
    let text = |node: &Node| node.text().map(str::to_owned);
    match &node.kind {
        Kind::List(list) => list.iter().map(|node| text(node).ok_or_else(|| node.must_be("a text"))).collect(),
        _ => text(node).map(|text| BTreeSet::from([text])).ok_or_else(|| node.must_be(what)),
    }
}

fn run_for_ms(node: &Node) -> Result<u64, Wrong> {
    let minutes = node.number().ok_or_else(|| node.must_be("a number above 0"))?.get();
    let ms = (minutes * 60_000.0).round();
    match ms >= 1.0 && ms <= TIMING_MS_MAX as f64 {
        true => Ok(ms as u64),
        false => Err(node.must_be(&format!("1 to {TIMING_MS_MAX} milliseconds, in minutes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_in_minutes_is_how_long_the_job_may_run() {
        let run_for_ms = |written: &str| {
            let raw = RawValue::from_string(written.to_owned()).unwrap();
            parse(Some(&raw), Service::parse("a").unwrap()).unwrap().run_for_ms
        };
        assert_eq!(run_for_ms(r#"{"timeout_minutes":1}"#), Some(60_000));
        assert_eq!(run_for_ms(r#"{"timeout_minutes":0.0251}"#), Some(1_506));
        assert_eq!(run_for_ms(r#"{"timeout_minutes":43200}"#), Some(TIMING_MS_MAX));
        assert_eq!(run_for_ms(r#"{"positive_requirements":{"timeout_minutes":2},"a":1}"#), Some(120_000));
        assert_eq!(run_for_ms(r#"{"timeout_minutes":2,"positive_requirements":{"timeout_minutes":2}}"#), Some(120_000));
        assert_eq!(run_for_ms("{}"), None);
        assert_eq!(run_for_ms("null"), None);
    }
}
