//! The workshop: what is done with this repository beside writing it. `cargo xtask` lists it.

mod browser;
mod ci;
mod codegen;
mod demo;
mod fuzz;
mod http;
mod parts;
mod peers;
mod places;
mod process;
mod programs;
mod schemathesis;
mod setup;
mod test;
mod tidy;
mod tree;

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <verb>

  setup                 install what is missing and build the page
  demo [argument…]      a broker, three machines and a stream of jobs; arguments go to `callboard demo`
  test [name…]          every test; with names only the Rust tests whose name contains one of them
  curl, browser, sdk    one part of `test`, alone, with what is built
  schemathesis          what the doors do against what their reference says, with thousands of requests
  ci [--long]           all checks and tests, and three short storms; --long: all storms in full, fuzz, schemathesis
                        and peers
  fuzz [target [s]]     random bytes for every decoder that faces the network or the disk, 60 s each
  peers [argument…]     the same work in Callboard and in BullMQ, in turn; --short: small
  tidy [--report]       the rules of the house; --report: sizes beside them
  codegen [--check]     the reference and the page's types from crates/wire; --check: only whether they are fresh
  help                  this";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let (verb, rest) = args.split_first().map_or(("help", args), |(verb, rest)| (verb.as_str(), rest));
    match verb {
        "setup" => no_arguments(rest).and_then(|()| setup::run(setup::Needs::ALL)),
        "demo" => demo::run(rest),
        "test" => test::run(rest),
        "fuzz" => fuzz::run(rest),
        "peers" => peers::run(rest),
        "schemathesis" => no_arguments(rest).and_then(|()| schemathesis::run()),
        "ci" => ci::run(flag(rest, "--long")?),
        "tidy" => tidy::run(flag(rest, "--report")?),
        "curl" => no_arguments(rest).and_then(|()| test::curl()),
        "sdk" => no_arguments(rest).and_then(|()| test::sdk()),
        "browser" => no_arguments(rest).and_then(|()| browser::run()),
        "codegen" => codegen::run(flag(rest, "--check")?),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("there is no verb `{other}`\n\n{USAGE}"),
    }
}

/// Whether the only argument there may be is given.
fn flag(args: &[String], name: &str) -> Result<bool> {
    match args {
        [] => Ok(false),
        [one] if one == name => Ok(true),
        _ => bail!("{} is not understood; the only argument here is {name}", args.join(" ")),
    }
}

fn no_arguments(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("{} is not understood; there are no arguments here", args.join(" "));
    }
    Ok(())
}
