//! `agent.toml`: who this machine is, which workers it has and what they can do.
//!
//! ```toml
//! [machine]
//! id = "gpu-a1"                  # default: the host's name
//! labels = { rack = "b" }
//! drain_s = 20                   # at the end, how long jobs may go on before they are handed back
//!
//! [[workers]]                    # default: one worker with all services
//! id = "gpu-a1-0"                # default: <machine>-<n>
//! count = 1                      # above 1 the table stands for <id>-0, <id>-1 …
//! slots = 1                      # jobs at the same time
//! services = ["digest"]          # default: all
//! [workers.capabilities.hardware]
//! gpu_memory_gb = 24
//!
//! [services.digest]
//! engine = "command"
//! program = "/usr/local/bin/digest"
//! args = []                      # given to every job
//! job_args = false               # true: the strings of the payload's `args` follow
//! directory = "/srv"             # default: the agent's own
//! env = { KEY = "value" }        # beside PATH, HOME, USER, LANG, TZ, TMPDIR, LD_LIBRARY_PATH and CUDA's
//! timeout_s = 600                # then the run fails
//! grace_s = 5                    # between TERM and KILL
//! output_bytes_max = 1048576     # of one line, and of all results and errors of a job
//!
//! [services.upscale]
//! engine = "simulated"
//! steps = 10
//! duration_ms = 3000             # ± 20 %
//! failure_rate = 0.0             # 0 to 1
//! ```

mod check;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::agent::CapabilitiesBody;

/// A config that holds together: every worker's services exist, every id is one.
#[derive(Clone, Debug)]
pub struct Config {
    pub machine: String,
    pub labels: BTreeMap<String, String>,
    /// At the end, how long running jobs may go on before they are handed back.
    pub drain: Duration,
    /// At least one; their ids differ.
    pub workers: Vec<WorkerConfig>,
    pub services: BTreeMap<String, EngineConfig>,
}

#[derive(Clone, Debug)]
pub struct WorkerConfig {
    pub id: String,
    pub slots: u32,
    /// Names of [`Config::services`]; at least one.
    pub services: Vec<String>,
    pub capabilities: CapabilitiesBody,
}

/// What does a service's work.
#[derive(Clone, PartialEq, Debug)]
pub enum EngineConfig {
    Command(CommandConfig),
    Simulated(SimulatedConfig),
}

/// A program that is started for each job.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandConfig {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub job_args: bool,
    pub directory: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
    pub timeout: Duration,
    pub grace: Duration,
    /// Of one line, and of all results and errors of a job.
    pub output_bytes_max: usize,
}

/// Work that only takes time.
#[derive(Clone, PartialEq, Debug)]
pub struct SimulatedConfig {
    pub steps: u32,
    pub duration: Duration,
    /// 0 to 1.
    pub failure_rate: f64,
}

/// A mistake, where it is and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file's name.
    pub file: String,
    /// From 1; `None` if it is about the file as a whole.
    pub line: Option<usize>,
    /// Such as `services.digest.timeout_s`; empty if it is about no single field.
    pub field: String,
    pub why: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// # Errors
    /// The file cannot be read, or has a mistake.
    pub fn from_file(path: &Path) -> Result<Config, ConfigError> {
        let file = path.display().to_string();
        let whole = |why: String| ConfigError { file: file.clone(), line: None, field: String::new(), why };
        let bytes = std::fs::metadata(path).map_err(|error| whole(format!("cannot be read: {error}")))?.len();
        if bytes > crate::limits::CONFIG_BYTES_MAX {
            let max = crate::limits::CONFIG_BYTES_MAX;
            return Err(whole(format!("has {bytes} bytes; a config has at most {max}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
        Config::parse(&text, &file)
    }

    /// `name` stands for the file in errors.
    ///
    /// # Errors
    /// The first mistake.
    pub fn parse(text: &str, name: &str) -> Result<Config, ConfigError> {
        check::check(table::parse(text, name)?, text, name)
    }
}
