//! A number that can be compared, hashed and put in order.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A finite number. There is one zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Number(f64);

impl Number {
    /// `None` for an infinity or no number at all.
    #[must_use]
    pub fn new(number: f64) -> Option<Number> {
        // Adding zero makes the negative one positive.
        number.is_finite().then_some(Number(number + 0.0))
    }

    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Number {
        Number(f64::from(number))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_zero_and_no_infinity() {
        assert_eq!(Number::new(-0.0), Number::new(0.0));
        assert_eq!(Number::new(f64::NAN), None);
        assert_eq!(Number::new(f64::INFINITY), None);
        assert!(Number::new(-1.5) < Number::new(f64::MIN_POSITIVE));
        assert_eq!(Number::new(24.0).unwrap().to_string(), "24");
    }
}
