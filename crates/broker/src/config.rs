//! What can be set. The binary reads flags and environment; here they are values.

use std::time::Duration;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names beside loopback's that a request's `Host` may have.
    pub allow_hosts: Vec<String>,
    /// Answer to any `Host`: the server listens for more than loopback.
    pub any_host: bool,
    /// The kind of store, for `/health`.
    pub store_kind: String,
    /// A waiting job older than this goes before all younger ones. `None`: order is strict.
    pub starve_after: Option<Duration>,
    /// Told by `/version`.
    pub version: String,
}

impl Default for Config {
    fn default() -> Config {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Config {
            allow_hosts: Vec::new(),
            any_host: false,
            store_kind: "memory".to_owned(),
            starve_after: None,
            version,
        }
    }
}

impl Config {
    /// What of this the rules have to know.
    pub(crate) fn rules(&self) -> fleet::Rules {
        let starve_after_ms = self.starve_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        fleet::Rules { starve_after_ms }
    }
}
