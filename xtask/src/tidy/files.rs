//! No file is longer than a person reads in one sitting.

use super::house::House;

const LINES_MAX: usize = 500;
const KINDS: [&str; 6] = [".rs", ".ts", ".tsx", ".js", ".mjs", ".sh"];
/// Written by `cargo xtask codegen`.
const GENERATED: [&str; 2] = ["ui/src/wire/types.ts", "sdk/typescript/src/wire.ts"];

pub(super) fn check(house: &House) -> Vec<String> {
    let too_long = lengths(house).into_iter().filter(|(lines, _)| *lines > LINES_MAX);
    too_long
        .map(|(lines, path)| format!("{path}: {lines} lines, {LINES_MAX} is the limit; split it by what it does"))
        .collect()
}

/// The length of every file that is written by hand.
pub(super) fn lengths(house: &House) -> Vec<(usize, &str)> {
    let is_code = |path: &str| KINDS.iter().any(|kind| path.ends_with(kind)) && !GENERATED.contains(&path);
    let files = house.texts.iter().filter(|(path, _)| is_code(path));
    files.map(|(path, text)| (text.lines().count(), path.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_seen_and_a_generated_one_is_not() {
        let (long, short) = ("x\n".repeat(501), "x\n".repeat(500));
        let house = House::with([
            ("crates/fleet/src/job.rs", long.as_str()),
            ("crates/fleet/src/lease.rs", &short),
            ("ui/src/views/page.tsx", &long),
            ("ui/src/wire/types.ts", &long),
            ("docs/api.md", &long),
        ]);
        let found = check(&house);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/fleet/src/job.rs: 501 lines"), "{found:?}");
    }
}
