//! What can be set. The binary reads flags and environment; here they are values.

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names beside loopback's that a request's `Host` may have.
    pub allow_hosts: Vec<String>,
    /// Answer to any `Host`: the server listens for more than loopback.
    pub any_host: bool,
    /// The kind of store, for `/health`.
    pub store_kind: String,
    /// Told by `/version`.
    pub version: String,
}

impl Default for Config {
    fn default() -> Config {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Config { allow_hosts: Vec::new(), any_host: false, store_kind: "memory".to_owned(), version }
    }
}
