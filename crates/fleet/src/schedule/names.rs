//! Small numbers for names, so that an index holds four bytes instead of a text.

use std::collections::HashMap;
use std::hash::Hash;

/// A name has a number as long as somebody holds it.
#[derive(Clone, Debug)]
pub(super) struct Names<T> {
    numbers: HashMap<T, u32>,
    held: Vec<Option<(T, u32)>>,
    free: Vec<u32>,
}

impl<T> Default for Names<T> {
    fn default() -> Names<T> {
        Names { numbers: HashMap::new(), held: Vec::new(), free: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Names<T> {
    pub(super) fn number(&self, name: &T) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The copy of the name that is held.
    pub(super) fn known(&self, name: &T) -> Option<&T> {
        self.numbers.get_key_value(name).map(|(name, _)| name)
    }

    /// The name's number, held once more, and whether it is new.
    pub(super) fn hold(&mut self, name: &T) -> (u32, bool) {
        if let Some(number) = self.number(name) {
            if let Some(Some((_, holders))) = self.held.get_mut(number as usize) {
                *holders += 1;
            }
            return (number, false);
        }
        let number = self.free.pop().unwrap_or(self.held.len() as u32);
        if self.held.len() == number as usize {
            self.held.push(None);
        }
        self.held[number as usize] = Some((name.clone(), 1));
        self.numbers.insert(name.clone(), number);
        (number, true)
    }

    /// Held once less; without holders the number is free for another name. Says whether it is.
    pub(super) fn release(&mut self, number: u32) -> bool {
        let Some(place) = self.held.get_mut(number as usize) else { return false };
        let Some((name, holders)) = place else { return false };
        *holders -= 1;
        if *holders > 0 {
            return false;
        }
        self.numbers.remove(name);
        *place = None;
        self.free.push(number);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_free_again_when_nobody_holds_it() {
        let mut names = Names::default();
        let ((a, _), (b, _)) = (names.hold(&"a"), names.hold(&"b"));
        assert_eq!((names.hold(&"a"), names.number(&"b")), ((a, false), Some(b)));
        assert!(!names.release(a));
        assert_eq!(names.number(&"a"), Some(a));
        assert!(names.release(a));
        assert_eq!(names.number(&"a"), None);
        assert_eq!(names.hold(&"c"), (a, true));
    }
}
