//! What belongs to the machine or the workshop of someone stays there.

use super::house::House;

/// Written in pieces, so that this file does not object to itself.
const NEVER: [(&str, &str); 4] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("cla", "ude"), "how it was made is of no use to its reader"),
    (concat!("anthro", "pic"), "how it was made is of no use to its reader"),
];

/// Where lock files may fetch from, and the key that says so.
const LOCKS: [(&str, &str, &str); 3] = [
    ("Cargo.lock", "source = \"", "registry+https://github.com/rust-lang/crates.io-index"),
    ("ui/package-lock.json", "\"resolved\": \"", "https://registry.npmjs.org/"),
    ("bench/peers/bullmq/package-lock.json", "\"resolved\": \"", "https://registry.npmjs.org/"),
];

pub(super) fn check(house: &House) -> Vec<String> {
    let mut objections: Vec<_> = house.texts.iter().flat_map(|(path, text)| check_text(path, text)).collect();
    for (lock, key, registry) in LOCKS {
        let lines = house.texts.get(lock).into_iter().flat_map(|text| text.lines().enumerate());
        let sources = lines.filter_map(|(at, line)| Some((at, line.trim().strip_prefix(key)?)));
        let elsewhere = sources.filter(|(_, source)| !source.starts_with(registry));
        objections.extend(elsewhere.map(|(at, _)| format!("{lock}:{}: comes from elsewhere than {registry}", at + 1)));
    }
    objections
}

fn check_text(path: &str, text: &str) -> Vec<String> {
    let mut objections = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        let found = NEVER.iter().filter(|(word, _)| lower.contains(word));
        objections.extend(found.map(|(word, why)| format!("{path}:{}: `{word}`: {why}", at + 1)));
    }
    objections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_seen() {
        let text = format!("fine\nsee {}x\n", NEVER[0].0);
        let found = check(&House::with([("docs/api.md", text.as_str())]));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("docs/api.md:2: "), "{found:?}");
    }

    #[test]
    fn a_name_is_seen_however_it_is_written() {
        let text = NEVER[2].0.to_uppercase();
        assert_eq!(check(&House::with([("crates/wire/src/lib.rs", text.as_str())])).len(), 1);
    }

    #[test]
    fn a_lock_file_that_fetches_from_elsewhere_is_seen() {
        let cargo = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://example.org\"\n";
        let npm = "  \"resolved\": \"https://mirror.example/x.tgz\",\n  \"resolved\": \"https://registry.npmjs.org/x.tgz\",\n";
        let found = check(&House::with([("Cargo.lock", cargo), ("ui/package-lock.json", npm)]));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
