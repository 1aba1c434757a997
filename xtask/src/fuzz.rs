//! `fuzz`: random bytes, led by what they reach, for every decoder that faces the network or the disk.
//!
//! Built as cargo-fuzz builds it, with the compiler that is there: what is fuzzed is safe code, and a sanitizer of
//! memory, which needs a nightly compiler, would find nothing in it.

use crate::places;
use crate::programs::{self, command, said};
use anyhow::{Context, Result, bail};
use std::fs;

/// Each is a file in `fuzz/fuzz_targets`.
const TARGETS: [&str; 6] = ["frames", "frames_back", "sse", "bodies", "stored", "texts"];
/// Made ready to be watched by libFuzzer.
const WATCHED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1 -Clink-dead-code";
/// How long each is run, if nothing else is asked for.
const SECONDS: &str = "60";
/// Above it an input is no longer taken for a stream that is short.
const INPUT_BYTES_MAX: u32 = 4096;

/// `fuzz [target [seconds]]`.
///
/// # Errors
/// An input was found that breaks a promise, or it does not compile.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (targets, seconds) = match args {
        [] => (TARGETS.to_vec(), SECONDS),
        [one] => (vec![known(one)?], SECONDS),
        [one, seconds] => (vec![known(one)?], seconds.as_str()),
        _ => bail!("{} is not understood; the arguments are a target and seconds", args.join(" ")),
    };
    let seconds: u32 = seconds.parse().with_context(|| format!("{seconds} is no number of seconds"))?;
    let version = said("rustc", &["-vV"]).context("rustc does not say for which machine it compiles")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    targets.iter().try_for_each(|target| fuzz(target, host, seconds))
}

fn known(name: &str) -> Result<&str> {
    match TARGETS.contains(&name) {
        true => Ok(name),
        false => bail!("there is no target {name}; there are {}", TARGETS.join(", ")),
    }
}

fn fuzz(target: &str, host: &str, seconds: u32) -> Result<()> {
    let folder = places::target()?.join("fuzz");
    // What was found to reach something new is kept here, and is where the next run begins.
    let found = folder.join("corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("{} cannot be made", found.display()))?;
    let mut build =
        command("cargo", ["run", "--release", "--manifest-path", "fuzz/Cargo.toml", "--locked", "--target"]);
    build.env("RUSTFLAGS", WATCHED).arg(host).arg("--target-dir").arg(&folder);
    build.args(["--bin", target, "--"]).arg(&found);
    build.args(seeds(target).iter().filter(|seeds| places::root().join(seeds).exists()));
    build.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={INPUT_BYTES_MAX}"));
    build.arg("-timeout=10").arg("-print_final_stats=1").arg("-verbosity=0");
    build.arg(format!("-artifact_prefix={}/broke-{target}-", folder.display()));
    let hint = format!("the input is in {}; give its path instead of the corpus to repeat it", places::short(&folder));
    programs::run(&mut build, &hint)
}

/// Where it begins, beside what was found before.
fn seeds(target: &str) -> Vec<String> {
    let mut seeds = vec![format!("fuzz/seeds/{target}")];
    if target == "stored" {
        seeds.push("crates/wire/golden".to_owned());
    }
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_run() {
        let text = fs::read_to_string(places::root().join("fuzz/Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let binaries = manifest["bin"].as_array().unwrap();
        let names: Vec<_> = binaries.iter().map(|binary| binary["name"].as_str().unwrap()).collect();
        assert_eq!(names, TARGETS);
    }
}
