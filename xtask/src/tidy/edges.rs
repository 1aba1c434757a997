//! Who may know whom: `ARCHITECTURE.md`, "the rooms". An edge that is not drawn does not exist.

use super::house::House;
use std::collections::BTreeSet;

struct Room {
    name: &'static str,
    manifest: &'static str,
    /// Of our crates.
    knows: &'static [&'static str],
    foreign: Foreign,
}

/// Crates of others.
enum Foreign {
    /// Only these: in the product, and beside them in tests.
    Only(&'static [&'static str], &'static [&'static str]),
    Never(&'static [&'static str]),
}

const OURS: [&str; 9] = ["agent", "broker", "callboard", "client", "fleet", "store", "storm", "wire", "xtask"];

/// What moves bytes: nothing for a crate that gives shape.
const RUNTIMES: &[&str] = &["axum", "clap", "hyper", "reqwest", "rusqlite", "tokio", "tokio-util", "tower", "tracing"];

const ROOMS: [Room; 9] = [
    room("fleet", "crates/fleet", &[], Foreign::Only(&["hashbrown", "thiserror"], &["proptest"])),
    room("wire", "crates/wire", &["fleet"], Foreign::Never(RUNTIMES)),
    room("store", "crates/store", &[], Foreign::Never(&["axum", "clap", "reqwest", "serde", "serde_json"])),
    room(
        "broker",
        "crates/broker",
        &["fleet", "store", "wire"],
        Foreign::Never(&["clap", "nix", "reqwest", "rusqlite"]),
    ),
    room("client", "crates/client", &["wire"], Foreign::Never(&["clap", "rusqlite"])),
    room("agent", "crates/agent", &["client", "wire"], Foreign::Never(&["clap", "reqwest", "rusqlite"])),
    room(
        "callboard",
        "crates/callboard",
        &["agent", "broker", "client", "fleet", "store", "wire"],
        Foreign::Never(&["axum", "hyper", "reqwest", "rusqlite"]),
    ),
    room("xtask", "xtask", &["wire"], Foreign::Only(&["anyhow", "serde_json", "toml"], &[])),
    room("storm", "tests/storm", &[], Foreign::Never(&["axum", "hyper", "reqwest", "rusqlite"])),
];

const fn room(name: &'static str, folder: &'static str, knows: &'static [&'static str], foreign: Foreign) -> Room {
    Room { name, manifest: folder, knows, foreign }
}

pub(super) fn check(house: &House) -> Vec<String> {
    let mut objections: Vec<_> = ROOMS.iter().flat_map(|room| check_room(house, room)).collect();
    let manifests = house.texts.keys().filter(|path| path.starts_with("crates/") && path.ends_with("/Cargo.toml"));
    for path in manifests {
        if !ROOMS.iter().any(|room| *path == manifest_of(room)) {
            objections.push(format!(
                "{path}: a crate without a room; a new one needs a page in docs/decisions and a line in xtask/src/tidy/edges.rs"
            ));
        }
    }
    objections
}

fn manifest_of(room: &Room) -> String {
    format!("{}/Cargo.toml", room.manifest)
}

fn check_room(house: &House, room: &Room) -> Vec<String> {
    let path = manifest_of(room);
    let Some(text) = house.texts.get(&path) else { return Vec::new() };
    let manifest: toml::Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{path}: cannot be read: {error}")],
    };
    let mut objections = Vec::new();
    for (name, is_for_tests) in dependencies(&manifest) {
        if let Some(why) = objection(room, &name, is_for_tests) {
            objections.push(format!("{path}: `{}` must not know `{name}`: {why}", room.name));
        }
    }
    objections
}

fn objection(room: &Room, name: &str, is_for_tests: bool) -> Option<String> {
    if OURS.contains(&name) {
        let drawn = "this edge is not drawn in ARCHITECTURE.md; a new one needs a page in docs/decisions";
        return (!room.knows.contains(&name)).then(|| drawn.to_owned());
    }
    match room.foreign {
        Foreign::Only(product, tests) => {
            let is_known = product.contains(&name) || (is_for_tests && tests.contains(&name));
            (!is_known).then(|| format!("it builds on nothing but {}", [product, tests].concat().join(", ")))
        }
        // A test may stand up what the room itself must not know.
        Foreign::Never(names) => (!is_for_tests && names.contains(&name)).then(|| "another room does that".to_owned()),
    }
}

/// Every dependency, and whether it is there for tests only.
fn dependencies(manifest: &toml::Table) -> BTreeSet<(String, bool)> {
    let mut found = BTreeSet::new();
    for (key, is_for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
        let table = manifest.get(key).and_then(toml::Value::as_table).into_iter().flatten();
        found.extend(table.map(|(name, value)| (package(name, value), is_for_tests)));
    }
    // `[target.'cfg(…)'.dependencies]` holds the same three again.
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    for target in targets.filter_map(|(_, target)| target.as_table()) {
        found.extend(dependencies(target));
    }
    found
}

fn package(name: &str, value: &toml::Value) -> String {
    value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objections(path: &str, manifest: &str) -> Vec<String> {
        check(&House::with([(path, manifest)]))
    }

    #[test]
    fn an_edge_that_is_not_drawn_is_seen() {
        let found = objections("crates/store/Cargo.toml", "[dependencies]\nfleet.workspace = true\nbytes = \"1\"\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/store/Cargo.toml: `store` must not know `fleet`"), "{found:?}");
    }

    #[test]
    fn an_edge_hides_neither_in_tests_nor_under_another_name_nor_for_a_target() {
        for manifest in [
            "[dev-dependencies]\nbroker.workspace = true\n",
            "[dependencies]\nb = { package = \"broker\", path = \"../broker\" }\n",
            "[target.'cfg(unix)'.dependencies]\nbroker.workspace = true\n",
        ] {
            assert_eq!(objections("crates/agent/Cargo.toml", manifest).len(), 1, "{manifest}");
        }
    }

    #[test]
    fn fleet_stays_alone() {
        let found = objections(
            "crates/fleet/Cargo.toml",
            "[dependencies]\nthiserror = \"2\"\nproptest = \"1\"\n[dev-dependencies]\nproptest = \"1\"\n",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("nothing but hashbrown, thiserror, proptest"), "{found:?}");
    }

    #[test]
    fn wire_moves_nothing_and_store_reads_no_json() {
        assert_eq!(objections("crates/wire/Cargo.toml", "[dependencies]\ntokio = \"1\"\n").len(), 1);
        assert_eq!(objections("crates/store/Cargo.toml", "[dependencies]\nserde_json = \"1\"\n").len(), 1);
        assert_eq!(objections("crates/client/Cargo.toml", "[dev-dependencies]\naxum = \"1\"\n").len(), 0);
    }

    #[test]
    fn a_new_crate_is_seen() {
        assert_eq!(objections("crates/sim/Cargo.toml", "").len(), 1);
    }
}
