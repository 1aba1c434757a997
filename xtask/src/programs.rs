//! Running other programs: each is said in one line before it runs.

use crate::places;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `name` with `args`, in the repository.
pub(crate) fn command<I: AsRef<OsStr>>(name: impl AsRef<OsStr>, args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(places::root());
    command
}

/// Runs it to its end, with its output where ours is. `hint` says what to do if it fails.
///
/// # Errors
/// It cannot be started, or its exit code is not 0.
pub(crate) fn run(command: &mut Command, hint: &str) -> Result<()> {
    let line = line_of(command);
    println!("xtask: {line}");
    let status = command.status().with_context(|| format!("`{line}` cannot be started; {hint}"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}); {hint}");
    }
    Ok(())
}

/// The command as one would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| quoted(&places::short(word.as_ref()))).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"$&;|<>()*".contains(c));
    if is_plain { word.to_owned() } else { format!("'{word}'") }
}

/// What a program prints, if it can be run and says it succeeded.
pub(crate) fn said(name: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(name).args(args).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where in `PATH` a program is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_what_to_do() {
        let error = run(&mut command("sh", ["-c", "exit 3"]), "mend it").unwrap_err().to_string();
        assert_eq!(error, "`sh -c 'exit 3'` failed (exit status: 3); mend it");
    }

    #[test]
    fn an_absent_program_is_named_with_what_to_do() {
        let error = run(&mut command("no-such-program", ["x"]), "install it").unwrap_err().to_string();
        assert_eq!(error, "`no-such-program x` cannot be started; install it");
    }
}
