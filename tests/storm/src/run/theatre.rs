//! The real things: a broker that can be killed and started again at its address, and agents.

use super::ear::{Doing, Ear};
use super::http::Http;
use super::processes::Processes;
use crate::clock::pause;
use crate::dice::Dice;
use crate::execute::{AGENT_ENV, EXECUTIONS_ENV, HURRY_ENV, STORM_ENV};
use crate::folder;
use crate::weather::Weather;
use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) const AGENTS: usize = 4;
/// Of each agent: workers for short jobs, and one more for long ones.
const WORKERS: usize = 2;
const SLOTS: usize = 8;
const HOLD_SLOTS: usize = 32;
/// Long jobs that run at the same time at most.
pub(crate) const HOLDS_MAX: usize = AGENTS * HOLD_SLOTS;
/// A broker or agent that is not there after so long does not come.
const START_WAIT: Duration = Duration::from_secs(60);
/// Between two looks at a broker that is starting.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long a broker or agent may take to end in peace.
const END_WAIT: Duration = Duration::from_secs(40);
/// How long one call to a healthy broker may take.
const CALL_WAIT: Duration = Duration::from_secs(10);

const BROKER: &str = "broker";

/// What a broker is told, if it knows the flag, so that rare things happen often enough to be hit:
/// checkpoints, and trimming behind the slowest watcher of a storm.
const CHECKPOINTS: [&str; 2] = ["--checkpoint-every", "1s"];
const TRIMS: [&str; 2] = ["--journal-keep", "120s"];

pub(crate) struct Theatre<'a> {
    pub(crate) processes: &'a Processes,
    pub(crate) callboard: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) address: SocketAddr,
    /// What the broker says that it begins and ends.
    pub(crate) doings: Vec<Doing>,
    /// What more the broker is started with.
    pub(crate) serve_args: Vec<String>,
    pub(crate) serve_log: String,
    /// Without a C compiler there is none.
    pub(crate) weather: Option<Weather>,
}

impl Theatre<'_> {
    /// The folder that holds the store and nothing else.
    pub(crate) fn store(dir: &Path) -> PathBuf {
        dir.join("store")
    }

    pub(crate) fn store_url(&self) -> String {
        format!("sqlite:{}", Theatre::store(&self.dir).join("storm.db").display())
    }

    pub(crate) fn weather(&self) -> anyhow::Result<&Weather> {
        self.weather.as_ref().context("there is no weather without the C compiler `cc`")
    }

    /// The arguments for `serve`: those that this callboard knows, and those that were asked for.
    /// Where jobs wait for agents that are gone, who follows one comes back after minutes: there
    /// the journal is kept.
    ///
    /// # Errors
    /// It has no help.
    pub(crate) fn serve_args(callboard: &Path, asked: &[String], trims: bool) -> anyhow::Result<Vec<String>> {
        let help = Command::new(callboard).args(["serve", "--help"]).output().context("callboard cannot be started")?;
        let help = String::from_utf8_lossy(&help.stdout);
        let is_new = |[flag, _]: &&[&str; 2]| help.contains(*flag) && !asked.iter().any(|given| given == flag);
        let wanted = if trims { &[CHECKPOINTS, TRIMS][..] } else { &[CHECKPOINTS][..] };
        let known = wanted.iter().filter(is_new).flatten().map(|word| (*word).to_owned());
        Ok(known.chain(asked.iter().cloned()).collect())
    }

    pub(crate) fn start_broker(&self) -> anyhow::Result<Ear> {
        let mut command = Command::new(&self.callboard);
        command.arg("serve").arg("--listen").arg(self.address.to_string());
        command.arg("--store").arg(self.store_url()).args(&self.serve_args);
        command.env("CALLBOARD_LOG", &self.serve_log);
        if let Some(weather) = &self.weather {
            weather.put_over(&mut command);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let stderr = self.processes.start(BROKER, &mut command)?.context("its standard error is not there")?;
        Ok(Ear::listen(stderr, self.said_by(BROKER)?, &self.doings))
    }

    pub(crate) fn kill_broker(&self) -> anyhow::Result<()> {
        self.processes.kill(BROKER)
    }

    pub(crate) fn signal_broker(&self, signal: Signal) -> anyhow::Result<()> {
        self.processes.signal(BROKER, signal)
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn broker_ended(&self) -> anyhow::Result<Option<ExitStatus>> {
        self.processes.ended(BROKER)
    }

    /// SIGTERM to agents and broker, in this order.
    pub(crate) fn end_all(&self) -> anyhow::Result<()> {
        for name in (1..=AGENTS).map(agent_name).chain([BROKER.to_owned()]) {
            let status = self.processes.end(&name, END_WAIT)?;
            if !status.success() {
                bail!("{name} was told to end and said {status}");
            }
        }
        Ok(())
    }

    /// Whether the broker answers within `wait`; asking costs nothing when nobody listens.
    fn answers(&self, wait: Duration) -> bool {
        Http::new(self.address, wait).get("/api/stats").is_ok_and(|reply| reply.status == 200)
    }

    /// Waits until the broker answers.
    pub(crate) fn await_answer(&self) -> anyhow::Result<()> {
        let until = Instant::now() + START_WAIT;
        while !self.answers(CALL_WAIT) {
            self.processes.still_there(BROKER)?;
            if Instant::now() > until {
                bail!("the broker did not answer within {} s", START_WAIT.as_secs());
            }
            pause(LOOK_EVERY);
        }
        Ok(())
    }

    /// Waits until `until` or until the broker answers; whether it did.
    pub(crate) fn answers_before(&self, until: Instant) -> bool {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // A socket does not take a patience of nothing.
            if left < LOOK_EVERY {
                return false;
            }
            if self.answers(left) {
                return true;
            }
            pause(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Starts the agents and waits until all their workers are known.
    pub(crate) fn start_agents(&self) -> anyhow::Result<()> {
        for number in 1..=AGENTS {
            std::fs::write(self.config_of(number), self.agent_config(&agent_name(number))?)?;
            self.start_agent(number)?;
        }
        let until = Instant::now() + START_WAIT;
        let mut http = Http::new(self.address, CALL_WAIT);
        while Instant::now() < until {
            let workers = http.get("/api/workers")?.json()?;
            if workers["workers"].as_array().is_some_and(|all| all.len() == AGENTS * (WORKERS + 1)) {
                return Ok(());
            }
            for number in 1..=AGENTS {
                self.processes.still_there(&agent_name(number))?;
            }
            pause(LOOK_EVERY);
        }
        bail!("the agents' workers did not join within {} s", START_WAIT.as_secs())
    }

    pub(crate) fn start_agent(&self, number: usize) -> anyhow::Result<()> {
        let name = agent_name(number);
        let mut command = Command::new(&self.callboard);
        command.arg("agent").arg("--broker").arg(format!("http://{}", self.address));
        command.arg("--config").arg(self.config_of(number));
        if let Some(weather) = &self.weather {
            weather.end_with_us(&mut command);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.said_by(&name)?);
        self.processes.start(&name, &mut command)?;
        Ok(())
    }

    fn config_of(&self, number: usize) -> PathBuf {
        self.dir.join(format!("{}.toml", agent_name(number)))
    }

    fn agent_config(&self, name: &str) -> anyhow::Result<String> {
        // A path in a TOML basic string is written as JSON writes it.
        let quote = |path: PathBuf| path.to_str().map(|path| format!("{path:?}")).context("a path is not UTF-8");
        let program = quote(std::env::current_exe()?)?;
        let (marks, hurry) = (quote(self.dir.join(folder::EXECUTIONS))?, quote(self.hurry())?);
        let mut config = format!(
            "[machine]\nid = \"{name}\"\n\n\
             [[workers]]\nid = \"{name}-w\"\ncount = {WORKERS}\nslots = {SLOTS}\nservices = [\"mark\"]\n\n\
             [[workers]]\nid = \"{name}-h\"\nslots = {HOLD_SLOTS}\nservices = [\"hold\"]\n\n",
        );
        let storm = std::process::id();
        for service in ["mark", "hold"] {
            config.push_str(&format!(
                "[services.{service}]\nengine = \"command\"\nprogram = {program}\nargs = [\"execute\"]\n\
                 env = {{ {EXECUTIONS_ENV} = {marks}, {AGENT_ENV} = \"{name}\", {HURRY_ENV} = {hurry}, \
                 {STORM_ENV} = \"{storm}\" }}\ntimeout_s = 120\n\n"
            ));
        }
        Ok(config)
    }

    /// Once this file is there, no job works any longer.
    pub(crate) fn hurry(&self) -> PathBuf {
        self.dir.join("hurry")
    }

    /// What a process says to people, over all its lives.
    fn said_by(&self, name: &str) -> std::io::Result<File> {
        OpenOptions::new().append(true).create(true).open(self.said(name))
    }

    pub(crate) fn said(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.err"))
    }
}

pub(crate) fn agent_name(number: usize) -> String {
    format!("storm-{number}")
}

/// A free port that stays ours while nobody listens on it: below those that the kernel hands out
/// to connections (from 32768 on), or a client that calls the dead broker could be given it.
pub(crate) fn free_address(dice: &mut Dice) -> anyhow::Result<SocketAddr> {
    for _ in 0..100 {
        let port = u16::try_from(dice.between(20_000, 32_000))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("there is no free port")
}
