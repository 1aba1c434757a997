//! Walking folders.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, iter};

/// What others made: not ours to judge.
const FOREIGN: [&str; 4] = [".git", "target", "node_modules", "dist"];

/// All files under `folder` that are ours, in the order of their names.
///
/// # Errors
/// A folder cannot be read.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let is_foreign = path.file_name().is_some_and(|name| FOREIGN.iter().any(|foreign| name == *foreign));
        if is_foreign {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// When the newest of these files and of all files in these folders was changed. A folder's own
/// time counts too: it tells of files that were removed. What is absent does not count.
pub(crate) fn newest(paths: &[PathBuf]) -> Option<SystemTime> {
    let inside = paths.iter().filter(|path| path.is_dir()).filter_map(|path| everything(path).ok()).flatten();
    let all = inside.chain(paths.iter().cloned());
    all.filter_map(|path| path.metadata().ok()?.modified().ok()).max()
}

fn everything(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = files(folder)?;
    let folders = files.iter().filter_map(|file| file.parent()).map(Path::to_owned);
    let folders: Vec<_> = folders.chain(iter::once(folder.to_owned())).collect();
    Ok(files.into_iter().chain(folders).collect())
}
