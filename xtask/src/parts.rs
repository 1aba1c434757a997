//! A verb of several parts: they run one after the other, the first failure ends it, and a table
//! says how long each took.

use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// A name and what is done under it.
pub(crate) type Part<'a> = (&'static str, Box<dyn FnOnce() -> Result<()> + 'a>);

/// # Errors
/// That of the first part that fails, with the part's name.
pub(crate) fn run(verb: &str, parts: Vec<Part<'_>>) -> Result<()> {
    let mut took = Vec::new();
    let mut outcome = Ok(());
    for (name, work) in parts {
        println!("\n=== {verb}: {name}");
        let begun = Instant::now();
        let done = work();
        took.push((name, begun.elapsed(), done.is_ok()));
        if done.is_err() {
            outcome = done.with_context(|| format!("{verb}: the part `{name}` failed"));
            break;
        }
    }
    println!("\n{}", table(verb, &took));
    outcome
}

fn table(verb: &str, took: &[(&str, Duration, bool)]) -> String {
    let total: Duration = took.iter().map(|(_, time, _)| *time).sum();
    let line = |name: &str, time: Duration, end: &str| format!("  {name:<16} {:>7.1} s{end}\n", time.as_secs_f64());
    let mut table = format!("{verb}, wall time:\n");
    for (name, time, is_ok) in took {
        table += &line(name, *time, if *is_ok { "" } else { "  FAILED" });
    }
    table + line("together", total, "").trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_first_failure_ends_it_and_is_named() {
        let ran = Cell::new(0);
        let count = || {
            ran.set(ran.get() + 1);
            Ok(())
        };
        let parts: Vec<Part<'_>> =
            vec![("one", Box::new(count)), ("two", Box::new(|| anyhow::bail!("rain"))), ("three", Box::new(count))];
        let error = format!("{:#}", run("ci", parts).unwrap_err());
        assert_eq!((ran.get(), error.as_str()), (1, "ci: the part `two` failed: rain"));
    }

    #[test]
    fn the_table_has_every_part_and_the_sum() {
        let table = table("test", &[("a", Duration::from_millis(1500), true), ("b", Duration::from_secs(2), false)]);
        let lines: Vec<_> = table.lines().map(str::trim).collect();
        assert_eq!(lines[1], "a                    1.5 s");
        assert_eq!(lines[2], "b                    2.0 s  FAILED");
        assert_eq!(lines[3], "together             3.5 s");
    }
}
