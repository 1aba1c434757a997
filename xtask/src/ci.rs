//! `ci`: what must hold before something is merged.

use crate::parts::{self, Part};
use crate::programs::{self, command};
use crate::{codegen, fuzz, peers, places, schemathesis, setup, test, tidy};
use anyhow::{Context, Result};
use std::fs;

const README: &str = "README.md";
const TEST: &str = "cargo xtask test";
const AGREEMENT_FLEETS: &str = "500";

/// # Errors
/// The first part that fails.
pub(crate) fn run(is_long: bool) -> Result<()> {
    let mut all: Vec<Part<'_>> = vec![
        ("setup", Box::new(|| setup::run(setup::Needs::BROWSER))),
        ("fmt", Box::new(fmt)),
        ("tidy", Box::new(|| tidy::run(false))),
        ("codegen", Box::new(|| codegen::run(true))),
        ("clippy", Box::new(clippy)),
        ("test", Box::new(test_as_the_readme_says)),
        ("storm", Box::new(move || storms(is_long))),
    ];
    if is_long {
        all.push(("schemathesis", Box::new(schemathesis::run)));
        all.push(("agreement", Box::new(agreement)));
        all.push(("fuzz", Box::new(|| fuzz::run(&[]))));
        all.push(("peers", Box::new(|| peers::run(&["--short".to_owned()]))));
    }
    parts::run("ci", all)
}

fn fmt() -> Result<()> {
    programs::run(&mut command("cargo", ["fmt", "--all", "--", "--check"]), "run `cargo fmt --all`")
}

fn clippy() -> Result<()> {
    let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    programs::run(&mut command("cargo", args), "mend what clippy names")
}

/// A newcomer's first command is run as it stands in the README, so that it cannot rot.
fn test_as_the_readme_says() -> Result<()> {
    let readme = fs::read_to_string(places::root().join(README)).with_context(|| format!("{README} cannot be read"))?;
    let line = command_in(&readme, TEST)
        .with_context(|| format!("{README} has no line `{TEST}` in a block between ```; put it back"))?;
    programs::run(&mut command("sh", ["-c", line]), "the table above names the part that failed")
}

/// The line of a fenced block that is `wanted`, perhaps with a comment behind it.
fn command_in<'a>(readme: &'a str, wanted: &str) -> Option<&'a str> {
    let mut is_fenced = false;
    readme.lines().map(str::trim).find(|line| {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        }
        is_fenced && line.split(" #").next().is_some_and(|command| command.trim() == wanted)
    })
}

/// Leases, order and explanations against a scan, on far more fleets than the tests take.
fn agreement() -> Result<()> {
    let mut test = command("cargo", ["test", "--release", "-p", "fleet", "--test", "agreement", "--", "--nocapture"]);
    test.env("AGREEMENT_FLEETS", AGREEMENT_FLEETS);
    programs::run(&mut test, "the failure names its seed; AGREEMENT_SEED repeats it")
}

/// Storms before a merge: kills under load, agents struck as well, a full disk.
const SHORT_STORMS: [(&str, &[&str]); 3] =
    [("kills", &["--short"]), ("agents", &["--short", "--agents"]), ("full", &["--short", "--weather", "full"])];
/// All of them, in full.
const LONG_STORMS: [(&str, &[&str]); 6] = [
    ("kills", &[]),
    ("agents", &["--agents"]),
    ("full", &["--weather", "full"]),
    ("full-mount", &["--weather", "full-mount"]),
    ("slow", &["--weather", "slow"]),
    ("power", &["--weather", "power"]),
];

/// The long ones carry a load that two cores only carry with programs that were optimised.
fn storms(is_long: bool) -> Result<()> {
    if is_long {
        let mut build = command("cargo", ["build", "--release", "-p", "callboard", "-p", "storm"]);
        programs::run(&mut build, "mend what the compiler names")?;
        LONG_STORMS.iter().try_for_each(|(name, args)| storm("release", name, args))
    } else {
        test::build()?;
        SHORT_STORMS.iter().try_for_each(|(name, args)| storm("debug", name, args))
    }
}

fn storm(profile: &str, name: &str, args: &[&str]) -> Result<()> {
    let built = places::target()?.join(profile);
    let folder = places::target()?.join("storm").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    let mut storm = command(built.join("storm"), ["run", "--dir"]);
    storm.arg(&folder).arg("--callboard").arg(built.join("callboard")).args(args);
    let hint = format!("the logs are in {}; `storm check` reads them again", places::short(&folder));
    programs::run(&mut storm, &hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_command_that_ci_runs() {
        let readme = fs::read_to_string(places::root().join(README)).unwrap();
        let line = command_in(&readme, TEST).unwrap();
        assert!(line.starts_with(TEST));
    }

    #[test]
    fn a_command_outside_a_block_or_another_one_is_not_taken() {
        assert_eq!(command_in("cargo xtask test\n```\ncargo xtask demo\n```\ncargo xtask test", TEST), None);
        assert_eq!(command_in("```\ncargo xtask test-it\n```", TEST), None);
        assert_eq!(command_in("```sh\ncargo xtask test  # all\n```", TEST), Some("cargo xtask test  # all"));
    }
}
