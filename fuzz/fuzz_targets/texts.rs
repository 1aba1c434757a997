//! The texts of headers, paths and queries: what is read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::agent::{lease_text, parse_lease, parse_session, session_text};
use wire::{EventId, Topics, parse_rfc3339, rfc3339};

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<EventId>() {
        // Zeros before a number are not kept.
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Some(lease) = parse_lease(text) {
        assert!(lease_text(lease).eq_ignore_ascii_case(text));
    }
    if let Some(session) = parse_session(text) {
        assert!(session_text(session).eq_ignore_ascii_case(text));
    }
    if let Ok(topics) = Topics::parse(text) {
        assert!(topics.shares(Topics::ALL) || text.trim_matches(',').is_empty(), "{text}");
    }
    if let Some(at) = parse_rfc3339(text) {
        assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at), "{text}");
    }
});
