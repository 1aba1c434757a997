//! No function is longer than a screen. What is, stands in the ratchet with its length, and may
//! only become shorter.

use super::house::House;
use std::collections::BTreeMap;

const LINES_MAX: usize = 70;
/// One `path:function lines` a line; `#` begins a comment.
const RATCHET: &str = "xtask/tidy-ratchet.txt";

pub(super) fn check(house: &House) -> Vec<String> {
    let (mut listed, mut objections) = ratchet(house);
    for (length, name) in lengths(house) {
        let allowed = listed.remove(&name);
        match allowed {
            None if length > LINES_MAX => {
                objections.push(format!("{name}: {length} lines, {LINES_MAX} is the limit; give its steps names"));
            }
            Some(allowed) if length > allowed => {
                objections.push(format!("{name}: {length} lines, it had {allowed}; it may only become shorter"));
            }
            Some(allowed) if length <= LINES_MAX || length < allowed => {
                objections.push(format!("{RATCHET}: {name} has {length} lines now, not {allowed}; lower or remove it"));
            }
            _ => {}
        }
    }
    objections.extend(listed.keys().map(|name| format!("{RATCHET}: there is no {name}; remove it")));
    objections
}

/// The length of every function as `path:name`. Of two with one name in one file, the longer one.
pub(super) fn lengths(house: &House) -> Vec<(usize, String)> {
    let mut found = BTreeMap::new();
    for file in &house.rust {
        for function in &file.source.functions {
            let length: &mut usize = found.entry(format!("{}:{}", file.path, function.name)).or_default();
            *length = function.length().max(*length);
        }
    }
    found.into_iter().map(|(name, length)| (length, name)).collect()
}

fn ratchet(house: &House) -> (BTreeMap<String, usize>, Vec<String>) {
    let (mut listed, mut objections) = (BTreeMap::new(), Vec::new());
    let text = house.texts.get(RATCHET).map_or("", String::as_str);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        match line.rsplit_once(' ').map(|(name, lines)| (name, lines.parse())) {
            Some((name, Ok(lines))) => drop(listed.insert(name.to_owned(), lines)),
            _ => objections.push(format!("{RATCHET}: {line:?} is not `path:function lines`")),
        }
    }
    (listed, objections)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objections(body: usize, ratchet: &str) -> Vec<String> {
        let text = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(body));
        check(&House::with([("crates/fleet/src/job.rs", text.as_str()), (RATCHET, ratchet)]))
    }

    const LISTED: &str = "# a comment\ncrates/fleet/src/job.rs:long 80\n";

    #[test]
    fn a_long_function_is_seen() {
        assert!(objections(68, "").is_empty());
        assert_eq!(objections(69, "").len(), 1);
        assert!(objections(69, "")[0].starts_with("crates/fleet/src/job.rs:long: 71 lines"));
    }

    #[test]
    fn the_ratchet_only_turns_one_way() {
        assert!(objections(78, LISTED).is_empty());
        assert!(objections(79, LISTED)[0].contains("it may only become shorter"));
        assert!(objections(77, LISTED)[0].contains("lower or remove it"));
        assert!(objections(1, LISTED)[0].contains("lower or remove it"));
    }

    #[test]
    fn the_ratchet_lists_what_exists() {
        assert!(objections(1, "crates/fleet/src/job.rs:gone 80")[0].contains("there is no"));
        assert_eq!(objections(1, "nonsense").len(), 1);
    }
}
