//! `peers`: the same lives of jobs in Callboard and in what people use instead.

use crate::programs::{self, command};
use crate::{places, setup};
use anyhow::Result;

/// Builds the program as it is released and runs both sides in turn; arguments go to `bench/peers/run.mjs`.
///
/// # Errors
/// Something cannot be installed or built, or a side lost, doubled or changed a job.
pub(crate) fn run(args: &[String]) -> Result<()> {
    setup::run(setup::Needs::PEERS)?;
    let mut build = command("cargo", ["build", "--release", "-p", "callboard"]);
    programs::run(&mut build, "mend what the compiler names")?;
    let mut compare = command("node", [places::peers().join("run.mjs")]);
    compare.arg("--callboard").arg(places::released("callboard")?).args(args);
    programs::run(&mut compare, "its last lines say which side failed and why")
}
