//! The program that the demo's machine runs: a job's file is hashed and compressed.
//!
//! It speaks what every program of the `command` engine speaks: the job as JSON on standard
//! input; progress and the result as JSON lines on standard output; the exit code decides.

use crate::args::DemoDigest;
use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Deserialize)]
struct Job {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    path: String,
}

/// Bytes between two reports of progress.
const PIECE_BYTES: usize = 64 << 10;

pub(crate) fn run(args: &DemoDigest) -> anyhow::Result<ExitCode> {
    let mut job = String::new();
    stdin().read_to_string(&mut job)?;
    let job: Job = serde_json::from_str(&job).context("a job for this service has a payload {\"path\": …}")?;
    let file = inside(&args.root, &job.payload.path)?;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", job.payload.path))?;
    let (mut hash, mut packed) = (Sha256::new(), GzEncoder::new(Vec::new(), Compression::default()));
    for (index, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
        hash.update(piece);
        packed.write_all(piece)?;
        let done = (index * PIECE_BYTES + piece.len()) as f64 / bytes.len() as f64;
        say(&serde_json::json!({ "progress": done, "message": job.payload.path }))?;
    }
    let packed_bytes = packed.finish()?.len();
    let sha256 = hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let result = serde_json::json!({
        "path": job.payload.path, "sha256": sha256, "bytes": bytes.len(), "gzip_bytes": packed_bytes,
    });
    say(&serde_json::json!({ "result": result }))?;
    Ok(ExitCode::SUCCESS)
}

fn say(line: &serde_json::Value) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The file that a job names, if it lies under `root`, links followed.
fn inside(root: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let root = root.canonicalize().with_context(|| format!("{} is no folder", root.display()))?;
    let file = root.join(path).canonicalize().with_context(|| format!("there is no file {path:?}"))?;
    if !file.starts_with(&root) || !file.is_file() {
        bail!("{path:?} is no file of this folder");
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_cannot_name_a_file_outside_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(inside(root, "Cargo.toml").is_ok());
        for outside in ["../../Cargo.toml", "/etc/passwd", "..", "src", "no such file"] {
            assert!(inside(root, outside).is_err(), "{outside}");
        }
    }
}
