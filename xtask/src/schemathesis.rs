//! A stranger who has read the reference tries every door, with thousands of requests that keep to it
//! and thousands that do not. <https://schemathesis.readthedocs.io>

use crate::process;
use crate::programs::{self, command, said};
use crate::{http, places, setup};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::PathBuf;

const VERSION: &str = "4.32.5";
/// What it is told, from the repository.
const FOLDER: &str = "tests/schemathesis";
/// For each door, beside those that try every bound of every field. Counted, not timed: a slow
/// machine tries the same.
const TRIES: &str = "40";

/// # Errors
/// It cannot be installed or built, or a door does what the reference does not say.
pub(crate) fn run() -> Result<()> {
    setup::run(setup::Needs::BUILD)?;
    programs::run(&mut command("cargo", ["build", "-p", "callboard"]), "mend what the compiler names")?;
    let program = install()?;
    let (broker, address) = process::broker(&["--search"])?;
    let joined: Value = serde_json::from_str(&http::put(address, "/api/machines/first", "{}")?)?;
    let event = joined["event_id"].as_str().context("a machine joined, and no event says so")?;
    let here = places::root().join(FOLDER);
    let mut tries = command(program, ["--config-file"]);
    tries.arg(here.join("schemathesis.toml")).args(["run", "--max-examples", TRIES]);
    tries.arg(format!("http://{address}/api/openapi.json")).env("CALLBOARD_EVENT", event);
    tries.env("PYTHONPATH", here).env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONDONTWRITEBYTECODE", "1");
    // It leaves notes where it runs.
    tries.current_dir(places::target()?.join("schemathesis"));
    let hint = "mend the door, or what crates/wire/src/openapi says of it; each `curl` above repeats one failure";
    let outcome = programs::run(&mut tries, hint);
    drop(broker);
    outcome
}

/// Into a folder of its own.
fn install() -> Result<PathBuf> {
    let folder = places::target()?.join("schemathesis");
    let program = folder.join("bin/schemathesis");
    let is_there =
        || said(&program.to_string_lossy(), &["--version"]).is_some_and(|version| version.ends_with(VERSION));
    if !is_there() {
        let hint = "Python 3.10 or newer with venv is needed, and the PyPI registry";
        programs::run(command("python3", ["-m", "venv"]).arg(&folder), hint)?;
        let package = format!("schemathesis=={VERSION}");
        programs::run(
            command(folder.join("bin/pip"), ["install", "--quiet", &package]).env("PIP_NO_INPUT", "1"),
            hint,
        )?;
        ensure!(
            is_there(),
            "{} is not version {VERSION}; remove the folder and run this again",
            places::short(&program)
        );
    }
    Ok(program)
}
