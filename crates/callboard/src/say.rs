//! What the binary prints.

use std::io::{Result, Write, stderr, stdout};

/// A line of output. Whoever reads it may have gone: `main` takes that for a quiet end.
pub(crate) fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// A line about what happens. If nobody can read it, it is not missed.
pub(crate) fn note(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}
