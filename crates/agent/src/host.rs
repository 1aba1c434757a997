//! What the machine can tell of itself.

use wire::agent::HostInfo;

/// The host's name.
pub(crate) fn name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok().filter(|name| !name.is_empty())
}

/// The host's name as an id: what no id may have becomes `-`.
pub(crate) fn id() -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let id: String = name()?.chars().map(|c| if fits(c) { c } else { '-' }).take(128).collect();
    client::is_id(&id).then_some(id)
}

/// `gpu_count` is what the workers declared: the agent looks at no GPU itself.
pub(crate) fn info(gpu_count: u32) -> HostInfo {
    HostInfo {
        hostname: name(),
        os: Some(std::env::consts::OS.to_owned()),
        cpu_cores: std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()).unwrap_or(0),
        total_ram_gb: total_ram_gb().unwrap_or(0.0),
        gpu_count,
        ..HostInfo::default()
    }
}

/// From Linux's `/proc/meminfo`; elsewhere unknown. One decimal.
fn total_ram_gb() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kib / (1 << 20) as f64 * 10.0).round() / 10.0)
}
