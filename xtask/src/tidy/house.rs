//! The tree as the checks see it: in memory, so that a test can plant a fault.

use super::rust::Source;
use crate::tree;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// All files that are ours.
#[derive(Default)]
pub(super) struct House {
    /// Texts by path from the repository, with `/`.
    pub(super) texts: BTreeMap<String, String>,
    pub(super) rust: Vec<RustFile>,
    /// What is there and is no text: pictures.
    pub(super) others: BTreeSet<String>,
}

pub(super) struct RustFile {
    pub(super) path: String,
    pub(super) source: Source,
    /// The whole file is compiled for tests only, or is part of a test program.
    pub(super) is_test: bool,
}

impl House {
    /// # Errors
    /// A file cannot be read.
    pub(super) fn read(root: &Path) -> Result<House> {
        let mut texts = BTreeMap::new();
        let mut others = BTreeSet::new();
        for file in tree::files(root)? {
            let path = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            let bytes = fs::read(&file).with_context(|| format!("{path} cannot be read"))?;
            match String::from_utf8(bytes) {
                Ok(text) => drop(texts.insert(path, text)),
                Err(_) => drop(others.insert(path)),
            }
        }
        Ok(House { others, ..House::of(texts) })
    }

    fn of(texts: BTreeMap<String, String>) -> House {
        let rust = texts.iter().filter(|(path, _)| path.ends_with(".rs"));
        let mut rust: Vec<_> = rust
            .map(|(path, text)| RustFile { path: path.clone(), source: Source::of(text), is_test: is_in_tests(path) })
            .collect();
        let test_modules: Vec<_> = rust.iter().flat_map(test_modules).collect();
        for file in &mut rust {
            let is_named =
                |module: &String| file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/"));
            file.is_test |= test_modules.iter().any(is_named);
        }
        House { texts, rust, others: BTreeSet::new() }
    }

    /// A tree of these files.
    #[cfg(test)]
    pub(super) fn with<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> House {
        House::of(files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect())
    }

    /// Whether there is a file or a folder of this path.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let all = || self.texts.keys().chain(&self.others);
        path.is_empty() || all().any(|known| known == path || known.starts_with(&folder))
    }
}

impl RustFile {
    /// The crate's folder name if it is one of `crates/`.
    pub(super) fn product_crate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Lines, from 1, that are not part of a test.
    pub(super) fn is_product_line(&self, line: usize) -> bool {
        !self.is_test && !self.source.test_lines.iter().any(|lines| lines.contains(&line))
    }
}

/// `tests/` of a crate, and what lies in the folder of that name beside them; and contracts, which
/// are tests that a crate brings along for engines elsewhere.
fn is_in_tests(path: &str) -> bool {
    let is_test = |part: &str| part == "tests" || part.trim_end_matches(".rs") == "contract";
    path.split('/').any(is_test) && !path.starts_with("tests/storm/")
}

/// Paths without `.rs` of the modules that this file declares for tests only.
fn test_modules(file: &RustFile) -> Vec<String> {
    let path = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let (folder, stem) = path.rsplit_once('/').unwrap_or(("", path));
    let home = if matches!(stem, "lib" | "main" | "mod") { folder } else { path };
    file.source.test_modules.iter().map(|module| format!("{home}/{module}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_for_tests_is_one_wherever_its_file_is() {
        let house = House::with([
            ("crates/store/src/lib.rs", "#[cfg(test)]\nmod fakes;\nmod real;\n"),
            ("crates/store/src/fakes.rs", ""),
            ("crates/store/src/fakes/deep.rs", ""),
            ("crates/store/src/real.rs", "#[cfg(test)]\nmod tests;\n"),
            ("crates/store/src/real/tests.rs", ""),
            ("crates/store/tests/it.rs", ""),
        ]);
        let tests: Vec<_> = house.rust.iter().filter(|file| file.is_test).map(|file| &file.path[17..]).collect();
        assert_eq!(tests, ["fakes.rs", "fakes/deep.rs", "real/tests.rs", "s/it.rs"]);
    }

    #[test]
    fn folders_and_files_are_there() {
        let house = House::with([("docs/how-to/README.md", "")]);
        assert!(house.has("docs") && house.has("docs/how-to/") && house.has("docs/how-to/README.md") && house.has(""));
        assert!(!house.has("doc") && !house.has("docs/README.md"));
    }
}
