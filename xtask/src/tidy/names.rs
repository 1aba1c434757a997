//! A file is named like what it holds; these names hold anything.

use super::house::House;

const EMPTY_NAMES: [&str; 13] = [
    "utils", "util", "common", "helpers", "helper", "manager", "managers", "handler", "handlers", "types", "misc",
    "shared", "service",
];
const KINDS: [&str; 5] = ["rs", "ts", "tsx", "js", "mjs"];
/// Written by `cargo xtask codegen`.
const GENERATED: &str = "ui/src/wire/";

pub(super) fn check(house: &House) -> Vec<String> {
    let files = house.texts.keys().filter(|path| !path.starts_with(GENERATED));
    let is_code = |path: &&String| path.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind));
    let empty = files.filter(is_code).filter_map(|path| Some((path, empty_name_in(path)?)));
    empty.map(|(path, name)| format!("{path}: `{name}` says nothing; name it like what it holds")).collect()
}

/// The part of the path that says nothing, be it a folder's or the file's.
fn empty_name_in(path: &str) -> Option<&str> {
    path.split('/').map(|part| part.split('.').next().unwrap_or(part)).find(|part| EMPTY_NAMES.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_seen_as_file_and_as_folder() {
        let found = check(&House::with([
            ("crates/wire/src/utils.rs", ""),
            ("crates/wire/src/common/mod.rs", ""),
            ("ui/src/helpers.test.ts", ""),
            ("ui/src/wire/types.ts", ""),
            ("crates/wire/src/jobs.rs", ""),
            ("docs/common.md", ""),
        ]));
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
