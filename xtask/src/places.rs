//! Where things are.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The repository. Cargo says where it runs us; what it said when it compiled us may be another
/// checkout that shares a target folder.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&here).parent().map_or_else(PathBuf::new, Path::to_owned)
    });
    &ROOT
}

pub(crate) fn ui() -> PathBuf {
    root().join("ui")
}

/// The package for Node and browsers.
pub(crate) fn sdk() -> PathBuf {
    root().join("sdk/typescript")
}

/// What Callboard is compared with.
pub(crate) fn peers() -> PathBuf {
    root().join("bench/peers")
}

/// Cargo's target folder. This program was built into it, wherever `CARGO_TARGET_DIR` puts it.
///
/// # Errors
/// The system does not say where this program is.
pub(crate) fn target() -> Result<PathBuf> {
    let me = std::env::current_exe().context("the system does not say where xtask itself is")?;
    let target = me.ancestors().nth(2).context("xtask is not in a target folder; run it as `cargo xtask`")?;
    Ok(target.to_owned())
}

/// A program of this workspace, built by `cargo build`.
///
/// # Errors
/// As [`target`].
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    Ok(target()?.join("debug").join(name))
}

/// A program of this workspace, built by `cargo build --release`.
///
/// # Errors
/// As [`target`].
pub(crate) fn released(name: &str) -> Result<PathBuf> {
    Ok(target()?.join("release").join(name))
}

/// A path as a person in the repository would write it.
pub(crate) fn short(path: &Path) -> String {
    match path.strip_prefix(root()) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_inside_and_whole_outside() {
        assert_eq!(short(&ui().join("src")), "ui/src");
        assert_eq!(short(root()), ".");
        assert_eq!(short(Path::new("/etc/hosts")), "/etc/hosts");
    }
}
