//! `setup`: what the other verbs need, installed or named. With everything there it takes no time.

use crate::programs::{self, command, find, said};
use crate::{places, tree};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the caller is going to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    browser: bool,
    peers: bool,
}

impl Needs {
    /// Building the page and the binary.
    pub(crate) const BUILD: Needs = Needs { browser: false, peers: false };
    /// That, and looking at the page with a browser, at the doors with curl and with the SDK.
    pub(crate) const BROWSER: Needs = Needs { browser: true, peers: false };
    /// Building, and running what Callboard is compared with.
    pub(crate) const PEERS: Needs = Needs { browser: false, peers: true };
    pub(crate) const ALL: Needs = Needs { browser: true, peers: true };
}

/// The oldest Node that the page's build runs on (`engines` in `ui/package.json`).
const NODE_MIN: (u32, u32) = (20, 19);

/// What the page is made of, in `ui/`.
const PAGE_SOURCES: [&str; 8] = [
    "src",
    "public",
    "index.html",
    "docs.html",
    "../crates/wire/golden",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
];

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// # Errors
/// Something is missing that cannot be installed from here; the sentence says how to get it.
pub(crate) fn run(needs: Needs) -> Result<()> {
    check_node()?;
    install_programs(needs)?;
    install_modules(&places::ui())?;
    if needs.browser {
        install_modules(&places::sdk())?;
    }
    if needs.peers {
        install_modules(&places::peers().join("bullmq"))?;
    }
    build_page(&places::ui())?;
    println!("xtask: everything is there");
    Ok(())
}

/// The browser that the page is looked at with.
pub(crate) fn browser() -> Option<PathBuf> {
    std::env::var_os("CHROMIUM").map(PathBuf::from).or_else(|| BROWSERS.iter().find_map(|name| find(name)))
}

fn check_node() -> Result<()> {
    let (major, minor) = NODE_MIN;
    let wanted = format!("install Node {major}.{minor} or newer with npm (https://nodejs.org) and run this again");
    let version = said("node", &["--version"]).with_context(|| format!("node is not there; {wanted}"))?;
    let is_new_enough = node_version(&version).is_some_and(|found| found >= NODE_MIN);
    ensure!(is_new_enough, "node is {version}, which is too old; {wanted}");
    ensure!(find("npm").is_some(), "npm is not there; {wanted}");
    Ok(())
}

fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches('v').split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn install_programs(needs: Needs) -> Result<()> {
    let mut missing = Vec::new();
    if needs.browser && browser().is_none() {
        missing.push("chromium");
    }
    if needs.browser && find("curl").is_none() {
        missing.push("curl");
    }
    if needs.peers && find("redis-server").is_none() {
        missing.push("redis-server");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" and ");
    ensure!(Path::new("/etc/debian_version").exists(), "install {names} with your package manager and run this again");
    let update = "apt-get update";
    let install = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if said("id", &["-u"]).as_deref() != Some("0") {
        bail!("{names} not found, and only root can install it; run: sudo {update} && sudo {install}");
    }
    let hint = format!("install {names} by hand and run this again");
    for line in [update, &install] {
        let mut apt = command("sh", ["-c", line]);
        programs::run(apt.env("DEBIAN_FRONTEND", "noninteractive"), &hint)?;
    }
    Ok(())
}

/// `npm ci` if the modules are absent or older than what they are made from.
fn install_modules(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let absent = || format!("{} is not there; check out the whole repository", places::short(&lock));
    let wanted = tree::newest(&[lock.clone(), folder.join("package.json")]).with_context(absent)?;
    if changed_at(&folder.join("node_modules/.package-lock.json")).is_some_and(|installed| installed >= wanted) {
        return Ok(());
    }
    let hint = "npm's output above says why; it needs the npm registry";
    programs::run(command("npm", ["ci", "--no-audit", "--no-fund"]).current_dir(folder), hint)
}

/// `npm run build` if the page is absent or older than its sources.
fn build_page(ui: &Path) -> Result<()> {
    if is_page_fresh(ui) {
        return Ok(());
    }
    programs::run(
        command("npm", ["run", "--silent", "build", "--", "--logLevel", "warn"]).current_dir(ui),
        "mend what the build names in ui/src",
    )
}

fn is_page_fresh(ui: &Path) -> bool {
    let sources = PAGE_SOURCES.map(|name| ui.join(name));
    match (changed_at(&ui.join("dist/index.html")), tree::newest(&sources)) {
        (Some(built), Some(sources)) => built >= sources,
        _ => false,
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::time::Duration;

    #[test]
    fn node_versions_are_read() {
        assert_eq!(node_version("v20.19.2"), Some((20, 19)));
        assert!(node_version("v18.20.0").is_some_and(|old| old < NODE_MIN));
        assert_eq!(node_version("nonsense"), None);
    }

    #[test]
    fn the_page_is_stale_when_a_source_is_newer() {
        let ui = std::env::temp_dir().join(format!("xtask-setup-{}", std::process::id()));
        for folder in ["src/views", "dist"] {
            fs::create_dir_all(ui.join(folder)).unwrap();
        }
        // Folders count with the time of what was made in them: now.
        let write = |name: &str, in_s| {
            let file = File::create(ui.join(name)).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(in_s)).unwrap();
        };
        write("src/views/page.tsx", 0);
        assert!(!is_page_fresh(&ui), "there is no page yet");
        write("dist/index.html", 100);
        assert!(is_page_fresh(&ui));
        write("src/views/page.tsx", 200);
        assert!(!is_page_fresh(&ui), "a source is newer");
        fs::remove_dir_all(&ui).unwrap();
    }
}
