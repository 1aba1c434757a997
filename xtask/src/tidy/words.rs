//! Words that a room must not say, because saying them breaks a rule that the compiler does not
//! know: the invariants of `ARCHITECTURE.md`.

use super::house::{House, RustFile};
use super::rust::{line_at, places_of};

struct Rule {
    words: &'static [&'static str],
    why: &'static str,
    applies: fn(&RustFile) -> bool,
    /// Looked for in comments too.
    in_comments: bool,
    /// Also where tests are.
    in_tests: bool,
}

const ANYWHERE: fn(&RustFile) -> bool = |_| true;

const RULES: [Rule; 8] = [
    Rule {
        words: &[
            "SystemTime",
            "Instant::now",
            "fs",
            "net",
            "std::env",
            "std::io",
            "std::process",
            "std::thread",
            "tokio",
            "serde",
            "rand",
            "println!",
            "eprintln!",
        ],
        why: "fleet does no I/O, reads no clock and makes no id; it gets them as arguments",
        applies: |file| is_in(file, "fleet"),
        in_comments: false,
        in_tests: false,
    },
    Rule {
        words: &["fleet::", "wire::"],
        why: "store keeps bytes and does not know what a job is",
        applies: |file| is_in(file, "store"),
        in_comments: false,
        in_tests: true,
    },
    Rule {
        words: &["serde_json::to_", "serde_json::from_"],
        why: "only wire serialises what crosses the network or the disk",
        applies: |file| is_in(file, "broker"),
        in_comments: false,
        in_tests: false,
    },
    Rule {
        words: &[".append("],
        why: "only the dispatcher appends to the journal (a list takes `extend`)",
        applies: |file| {
            ["broker", "callboard"].iter().any(|name| is_in(file, name))
                // Filling makes a store for measuring, with no broker on it.
                && !["crates/broker/src/dispatcher.rs", "crates/broker/src/fill.rs"].contains(&file.path.as_str())
        },
        in_comments: false,
        in_tests: false,
    },
    Rule {
        words: &["std::env", "env::var"],
        why: "only callboard reads the environment; pass a value",
        applies: |file| ["fleet", "wire", "store", "broker", "client"].iter().any(|name| is_in(file, name)),
        in_comments: false,
        in_tests: false,
    },
    Rule {
        words: &["todo!(", "unimplemented!(", "dbg!(", "#[ignore"],
        why: "finish it, or say in docs what is absent",
        applies: ANYWHERE,
        in_comments: false,
        in_tests: true,
    },
    Rule {
        words: &["FIXME", "XXX", "PLANT"],
        why: "mend it now, or say in docs what is absent",
        applies: ANYWHERE,
        in_comments: true,
        in_tests: true,
    },
    Rule {
        words: &["thread::sleep", "time::sleep", "sleep("],
        why: "a test waits for a state; what announces none is looked at by a function called `until`",
        applies: |file| file.is_test,
        in_comments: false,
        in_tests: true,
    },
];

fn is_in(file: &RustFile, name: &str) -> bool {
    file.product_crate() == Some(name)
}

pub(super) fn check(house: &House) -> Vec<String> {
    let rules =
        |file| RULES.iter().filter(move |rule: &&Rule| (rule.applies)(file)).flat_map(move |rule| find(file, rule));
    let mut objections: Vec<_> = house.rust.iter().flat_map(rules).collect();
    // Two of a rule's words may stand in one place.
    objections.dedup();
    objections
}

fn find(file: &RustFile, rule: &Rule) -> Vec<String> {
    let text = if rule.in_comments { &file.source.untexted } else { &file.source.code };
    let mut lines: Vec<_> = rule
        .words
        .iter()
        .flat_map(|word| places_of(text, word).map(|at| (line_at(text, at), *word)).collect::<Vec<_>>())
        .filter(|(line, _)| rule.in_tests || file.is_product_line(*line))
        .filter(|(line, word)| !(word.contains("sleep") && is_in_until(file, *line)))
        .collect();
    lines.sort_unstable();
    lines.dedup_by_key(|(line, _)| *line);
    lines.into_iter().map(|(line, word)| format!("{}:{line}: `{word}`: {}", file.path, rule.why)).collect()
}

fn is_in_until(file: &RustFile, line: usize) -> bool {
    file.source.functions.iter().any(|function| function.name.starts_with("until") && function.lines.contains(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&House::with([(path, text)])).len()
    }

    #[test]
    fn fleet_reads_no_clock_and_touches_nothing() {
        for line in ["let now = SystemTime::now();", "use std::{fs, mem};", "use std::net::IpAddr;", "use tokio::time;"]
        {
            assert_eq!(found("crates/fleet/src/job.rs", line), 1, "{line}");
            assert_eq!(found("crates/agent/src/worker.rs", line), 0, "{line}");
        }
        assert_eq!(found("crates/fleet/src/job.rs", "// not SystemTime\nlet operand = \"std::fs\";"), 0);
        assert_eq!(found("crates/fleet/tests/stories.rs", "use std::fs;"), 0);
    }

    #[test]
    fn store_knows_no_job() {
        assert_eq!(found("crates/store/src/journal.rs", "use fleet::Job;"), 1);
    }

    #[test]
    fn only_wire_serialises() {
        assert_eq!(found("crates/broker/src/desk.rs", "let text = serde_json::to_string(&x);"), 1);
        assert_eq!(found("crates/broker/tests/it.rs", "let x = serde_json::from_str(text);"), 0);
        assert_eq!(
            found("crates/broker/src/desk.rs", "#[cfg(test)]\nmod tests {\n    fn f() { serde_json::from_str(x) }\n}"),
            0
        );
    }

    #[test]
    fn only_the_dispatcher_appends() {
        assert_eq!(found("crates/broker/src/feed/mod.rs", "store.append(epoch, after, &batch).await?;"), 1);
        assert_eq!(found("crates/broker/src/dispatcher.rs", "store.append(epoch, after, &batch).await?;"), 0);
    }

    #[test]
    fn only_callboard_reads_the_environment() {
        assert_eq!(found("crates/broker/src/config.rs", "std::env::var(\"X\")"), 1);
        assert_eq!(found("crates/callboard/src/args.rs", "std::env::var(\"X\")"), 0);
    }

    #[test]
    fn unfinished_work_is_seen_in_tests_and_comments_too() {
        assert_eq!(found("crates/wire/src/jobs.rs", "fn a() { todo!() }\n"), 1);
        assert_eq!(found("crates/wire/tests/it.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n"), 1);
        assert_eq!(found("crates/wire/src/jobs.rs", "// FIXME: later\nlet text = \"XXX\";\n"), 1);
    }

    #[test]
    fn a_test_does_not_sleep() {
        let sleeps = "fn a() {\n    std::thread::sleep(x);\n    tokio::time::sleep(y).await;\n}\n";
        assert_eq!(found("crates/agent/tests/it.rs", sleeps), 2);
        assert_eq!(found("crates/agent/src/worker.rs", sleeps), 0);
        let until = "fn until(done: impl Fn() -> bool) {\n    tokio::time::sleep(MS).await;\n}\n";
        assert_eq!(found("crates/agent/tests/it.rs", until), 0);
    }
}
