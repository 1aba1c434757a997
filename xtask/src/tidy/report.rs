//! `tidy --report`: how large everything is.

use super::house::House;
use super::{budgets, files, functions};
use std::fmt::Display;

const SHOWN: usize = 10;

pub(super) fn of(house: &House) -> String {
    let files = files::lengths(house);
    let mut report = biggest("The biggest files, in lines", files.clone());
    report += &biggest("The biggest functions, in lines", functions::lengths(house));
    report += "Lines of code without tests, and the budget\n";
    for (name, lines, budget) in budgets::spent(house) {
        report += &format!("  {name:<10} {lines:>5} of {budget:>5}  {:>3} %\n", lines * 100 / budget);
    }
    let rust = house.rust.iter().map(|file| file.source.lines).collect();
    report += &format!("\nMedian length of a Rust file: {} lines\n", median(rust));
    report
}

fn biggest(title: &str, mut sizes: Vec<(usize, impl Display + Ord)>) -> String {
    sizes.sort_by(|one, other| other.cmp(one));
    let lines: String = sizes.iter().take(SHOWN).map(|(size, name)| format!("  {size:>5}  {name}\n")).collect();
    format!("{title}\n{lines}\n")
}

fn median(mut sizes: Vec<usize>) -> usize {
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_sizes() {
        let report = of(&House::with([("crates/client/src/lib.rs", "fn a() {\n}\n"), ("xtask/src/main.rs", "")]));
        assert!(report.contains("      2  crates/client/src/lib.rs\n"), "{report}");
        assert!(report.contains("      2  crates/client/src/lib.rs:a\n"), "{report}");
        assert!(report.contains("client         2 of  1500"), "{report}");
        assert!(report.contains("Median length of a Rust file: 2 lines"), "{report}");
    }
}
