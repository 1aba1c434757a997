//! `tidy`: the rules of the house that a program can check. One file is one check; each looks at
//! the whole tree and says what it objects to, where, and what to do.

mod budgets;
mod docs;
mod edges;
mod files;
mod functions;
mod house;
mod leaks;
mod names;
mod report;
mod rust;
mod words;

use crate::places;
use anyhow::{Result, bail};
use house::House;

type Check = fn(&House) -> Vec<String>;

const CHECKS: [(&str, Check); 8] = [
    ("edges", edges::check),
    ("files", files::check),
    ("functions", functions::check),
    ("budgets", budgets::check),
    ("names", names::check),
    ("words", words::check),
    ("docs", docs::check),
    ("leaks", leaks::check),
];

/// # Errors
/// Something is objected to, or the tree cannot be read.
pub(crate) fn run(report: bool) -> Result<()> {
    let house = House::read(places::root())?;
    let mut objections = 0;
    for (name, check) in CHECKS {
        let found = check(&house);
        println!("tidy: {name:<10} {}", if found.is_empty() { "ok".to_owned() } else { found.len().to_string() });
        for objection in &found {
            println!("  {objection}");
        }
        objections += found.len();
    }
    if report {
        print!("\n{}", report::of(&house));
    }
    if objections > 0 {
        bail!("tidy objects to {objections} things; each line above says what to do");
    }
    Ok(())
}
