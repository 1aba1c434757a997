//! Whatever lies on the disk as a record: unreadable, or read, and then written and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::stored::{decode, encode, job};

fuzz_target!(|data: &[u8]| {
    if let Ok(events) = decode(data) {
        let again = decode(&encode(&events)).expect("what we write we can read");
        assert_eq!(again, events);
    }
    let _ = job(data);
});
