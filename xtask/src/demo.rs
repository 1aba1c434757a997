//! `demo`: builds everything and shows it.

use crate::programs::{self, command};
use crate::{places, setup};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::process::CommandExt;

/// Becomes `callboard demo`; what is given goes before our own choices.
///
/// # Errors
/// Something cannot be set up, built or started.
pub(crate) fn run(args: &[String]) -> Result<()> {
    setup::run(setup::Needs::BUILD)?;
    programs::run(&mut command("cargo", ["build", "-p", "callboard"]), "mend what the compiler names")?;

    let mut demo = command(places::built("callboard")?, ["demo"]);
    if !gives(args, "--root") {
        demo.arg("--root").arg(places::root());
    }
    if !gives(args, "--store") {
        demo.arg("--store").arg(format!("sqlite:{}", places::short(&empty_store()?)));
    }
    demo.args(args);
    println!("xtask: {}", programs::line_of(&demo));
    // The demo takes this process over: Ctrl-C and the exit code are its own.
    let error = demo.exec();
    Err(error).context("callboard cannot be started")
}

/// Every demo begins with an empty board.
fn empty_store() -> Result<std::path::PathBuf> {
    let folder = places::target()?.join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder.join("callboard.db"))
}

fn gives(args: &[String], flag: &str) -> bool {
    args.iter().any(|arg| arg == flag || arg.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
}

#[cfg(test)]
mod tests {
    use super::gives;

    #[test]
    fn a_given_flag_is_seen_in_both_forms() {
        let args = ["--store=memory:".to_owned(), "--listen".to_owned(), "127.0.0.1:0".to_owned()];
        assert!(gives(&args, "--store") && gives(&args, "--listen"));
        assert!(!gives(&args, "--root") && !gives(&args, "--sto"));
    }
}
