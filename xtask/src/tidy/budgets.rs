//! Small is a feature: how much code each crate may have. A line counts if it holds code; blank
//! lines, comments and tests do not.

use super::house::{House, RustFile};

const BUDGETS: [(&str, usize); 7] = [
    ("fleet", 6_000),
    ("wire", 8_500),
    ("store", 5_600),
    ("broker", 10_500),
    ("client", 1_500),
    ("agent", 6_000),
    ("callboard", 4_000),
];

pub(super) fn check(house: &House) -> Vec<String> {
    let spent = spent(house).into_iter().filter(|(_, lines, budget)| lines > budget);
    spent
        .map(|(name, lines, budget)| {
            format!("crates/{name}: {lines} lines of code, {budget} is its budget; a larger one needs a page in docs/decisions")
        })
        .collect()
}

/// Each crate with its lines and its budget.
pub(super) fn spent(house: &House) -> Vec<(&'static str, usize, usize)> {
    let of = |name: &str| house.rust.iter().filter(|file| file.product_crate() == Some(name)).map(code_lines).sum();
    BUDGETS.iter().map(|(name, budget)| (*name, of(name), *budget)).collect()
}

fn code_lines(file: &RustFile) -> usize {
    let lines = file.source.uncommented.lines().enumerate();
    lines.filter(|(at, line)| !line.trim().is_empty() && file.is_product_line(at + 1)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_grew_too_large_is_seen() {
        let large = "x();\n".repeat(1_501);
        let found = check(&House::with([("crates/client/src/lib.rs", large.as_str())]));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/client: 1501 lines of code, 1500"), "{found:?}");
    }

    #[test]
    fn comments_blank_lines_and_tests_cost_nothing() {
        let text = "// why\n\nfn a() {}\n/* \n */\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nconst T: &str = \"\n  text\n\";\n";
        let house = House::with([("crates/client/src/lib.rs", text), ("crates/client/tests/it.rs", "fn c() {}\n")]);
        assert_eq!(spent(&house)[4], ("client", 4, 1_500));
    }
}
