//! `test`: every test there is, or the Rust tests of some names.

use crate::parts::{self, Part};
use crate::programs::{self, command, find};
use crate::{browser, places, setup};
use anyhow::Result;

/// # Errors
/// The first part that fails.
pub(crate) fn run(names: &[String]) -> Result<()> {
    if !names.is_empty() {
        setup::run(setup::Needs::BUILD)?;
        return rust_tests(names);
    }
    let all: Vec<Part<'_>> = vec![
        ("setup", Box::new(|| setup::run(setup::Needs::BROWSER))),
        ("build", Box::new(build)),
        ("rust", Box::new(|| rust_tests(&[]))),
        ("examples", Box::new(examples)),
        ("page check", Box::new(|| npm("check"))),
        ("page tests", Box::new(|| npm("test"))),
        ("curl", Box::new(curl)),
        ("sdk", Box::new(sdk)),
        ("browser", Box::new(browser::run)),
    ];
    parts::run("test", all)
}

/// Tests and programs at once: built apart they would get other features, and be built twice.
///
/// # Errors
/// It does not compile.
pub(crate) fn build() -> Result<()> {
    let mut build = command("cargo", ["build", "--workspace", "--all-targets"]);
    programs::run(&mut build, "mend what the compiler names")
}

fn rust_tests(names: &[String]) -> Result<()> {
    let hint = "mend what the failing test names; `cargo xtask test NAME` runs it alone";
    let has_nextest = find("cargo-nextest").is_some();
    let mut test = if has_nextest {
        command("cargo", ["nextest", "run", "--workspace"])
    } else {
        command("cargo", ["test", "--workspace", "--all-targets"])
    };
    if !names.is_empty() {
        test.arg("--").args(names);
    }
    programs::run(&mut test, hint)
}

/// Examples in the documentation of the libraries, and the program that has a broker inside.
fn examples() -> Result<()> {
    let mut examples = command("cargo", ["test", "--workspace", "--doc", "--quiet"]);
    programs::run(&mut examples, "mend the example in the documentation")?;
    let mut embedded = command(places::built("examples/embedded")?, [""; 0]);
    programs::run(&mut embedded, "mend crates/broker/examples/embedded.rs, or what it shows")
}

fn npm(script: &str) -> Result<()> {
    let mut npm = command("npm", ["run", "--silent", script]);
    programs::run(npm.current_dir(places::ui()), "mend what it names in ui/")
}

/// Builds the package and speaks through it to brokers of its own.
///
/// # Errors
/// It does not compile, or a promise to programs is broken.
pub(crate) fn sdk() -> Result<()> {
    let broker = places::built("callboard")?;
    ["build", "check", "test"].iter().try_for_each(|script| {
        let mut npm = command("npm", ["run", "--silent", script]);
        npm.current_dir(places::sdk()).env("CALLBOARD", &broker);
        programs::run(&mut npm, "mend what it names in sdk/typescript; `cargo xtask sdk` runs it alone")
    })
}

/// # Errors
/// A promise to watchers is broken.
pub(crate) fn curl() -> Result<()> {
    let mut script = command("bash", ["tests/curl/resume.sh"]);
    let hint = "its last lines say which promise was broken; `cargo xtask curl` runs it alone";
    programs::run(script.arg(places::built("callboard")?), hint)
}
