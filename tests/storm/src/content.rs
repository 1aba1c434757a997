//! Large payloads and results: their bytes follow from the job's name, so that whoever sees them
//! can say whether they are the right ones.

use crate::dice::Dice;

/// What a text is for; each purpose of a job has another one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Payload = 1,
    Result = 2,
}

/// Characters that JSON writes as they are, so that bytes and characters are the same.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";

/// The text of `bytes` bytes that this part of this job has.
pub(crate) fn text(job: &str, part: Part, bytes: usize) -> String {
    // FNV-1a: any function of the name would do.
    let seed = job
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    let mut dice = Dice::new(seed, part as u64);
    let mut text = String::with_capacity(bytes + 10);
    while text.len() < bytes {
        let mut bits = dice.roll();
        for _ in 0..10 {
            text.push(char::from(LETTERS[(bits & 63) as usize]));
            bits >>= 6;
        }
    }
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_each_job_has_a_text_of_its_own_and_always_the_same() {
        let whole = text("a", Part::Payload, 100_003);
        assert_eq!(whole.len(), 100_003);
        assert_eq!(whole, text("a", Part::Payload, 100_003));
        assert_ne!(whole, text("b", Part::Payload, 100_003));
        assert_ne!(whole, text("a", Part::Result, 100_003));
    }
}
