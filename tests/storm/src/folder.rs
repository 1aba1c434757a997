//! A run's logs as text, by file name.

use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;

/// What the logs of a run are called.
pub(crate) const SUBMISSIONS: &str = "submissions.log";
pub(crate) const ACKS: &str = "acks.log";
pub(crate) const EXECUTIONS: &str = "executions.log";
pub(crate) const KILLS: &str = "kills.log";
pub(crate) const DUMP: &str = "dump.log";
pub(crate) const STRIKES: &str = "strikes.log";
pub(crate) const REFUSALS: &str = "refusals.log";
pub(crate) const CANCELS: &str = "cancels.log";
pub(crate) const FINISHES: &str = "finishes.log";
pub(crate) const WEATHER: &str = "weather.log";
pub(crate) const DEMANDS: &str = "demands.log";

/// The log of watcher `name` of everything.
pub(crate) fn monitor_log(name: &str) -> String {
    format!("monitor-{name}.log")
}

/// The log of watcher `name` of single jobs.
pub(crate) fn stream_log(name: &str) -> String {
    format!("stream-{name}.log")
}

/// File names and contents; the checker's whole input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folder(pub(crate) BTreeMap<String, String>);

impl Folder {
    pub(crate) fn load(dir: &Path) -> anyhow::Result<Folder> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(dir).with_context(|| format!("there is no run in {}", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What processes said on their standard error is for people.
            if name.ends_with(".log") {
                let text = std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {name}"))?;
                files.insert(name, text);
            }
        }
        Ok(Folder(files))
    }

    pub(crate) fn store(&self, dir: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(dir)?;
        for (name, text) in &self.0 {
            std::fs::write(dir.join(name), text)?;
        }
        Ok(())
    }

    /// Missing files are errors: a checker that is given nothing must not say that all is well.
    pub(crate) fn text(&self, name: &str) -> anyhow::Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("{name} is missing"))
    }

    /// The files whose name begins with `prefix`.
    pub(crate) fn texts(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let ours = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        ours.map(|(name, text)| (name.trim_end_matches(".log"), text.as_str()))
    }
}
