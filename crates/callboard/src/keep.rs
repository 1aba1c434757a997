//! How much is kept: an age, and a size if one is said.

use broker::KeepFor;
use std::time::Duration;

/// `24h`, `90d,50GiB`. Without a size there is no bound on it.
pub(crate) fn keep(text: &str) -> Result<KeepFor, String> {
    let why = || format!("{text:?} is no AGE[,SIZE]; it looks like 24h,4GiB or 90d (s, m, h, d; MiB, GiB, TiB)");
    let (age, size) = text.split_once(',').map_or((text, None), |(age, size)| (age, Some(size)));
    let age = quantity(age, &[("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]).ok_or_else(why)?;
    let bytes = match size {
        None => u64::MAX,
        Some(size) => quantity(size, &[("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)]).ok_or_else(why)?,
    };
    Ok(KeepFor { age: Duration::from_secs(age), bytes })
}

/// A whole number above zero and one of the units.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, factor) = units.iter().find(|(unit, _)| *unit == text[digits.len()..].trim())?;
    digits.trim().parse::<u64>().ok().filter(|number| *number > 0)?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_and_a_size_are_read() {
        let kept = |text| keep(text).map(|kept| (kept.age.as_secs(), kept.bytes)).unwrap();
        assert_eq!(kept("24h,4GiB"), (86_400, 4 << 30));
        assert_eq!(kept("90d"), (90 * 86_400, u64::MAX));
        assert_eq!(kept("30m, 512MiB"), (1_800, 512 << 20));
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in
            ["", "24", "h", "0h", "-1h", "24h,", "24h,4", "4GiB", "24h,4GB", "1h,1GiB,1", "99999999999999999999d"]
        {
            let why = keep(text).unwrap_err();
            assert!(why.contains("looks like 24h,4GiB"), "{text}: {why}");
        }
    }
}
