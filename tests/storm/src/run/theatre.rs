//! The real things: a broker that can be killed and started again at its address, and agents
//! that stay alive.

use super::http::Http;
use super::processes::Processes;
use crate::clock::pause;
use crate::dice::Dice;
use crate::execute::EXECUTIONS_ENV;
use crate::folder;
use anyhow::{Context, bail};
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const AGENTS: usize = 2;
const WORKERS_OF_AN_AGENT: usize = 4;
const SLOTS_OF_A_WORKER: usize = 8;
/// A broker or agent that is not there after so long does not come.
const START_WAIT: Duration = Duration::from_secs(30);
/// Between two looks at a broker that is starting.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long a broker or agent may take to end in peace.
const END_WAIT: Duration = Duration::from_secs(15);
/// How long one call to a healthy broker may take.
const CALL_WAIT: Duration = Duration::from_secs(5);

const BROKER: &str = "broker";

pub(crate) struct Theatre<'a> {
    pub(crate) processes: &'a Processes,
    pub(crate) callboard: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Theatre<'_> {
    pub(crate) fn start_broker(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.callboard);
        command.arg("serve").arg("--listen").arg(self.address.to_string());
        command.arg("--store").arg(format!("sqlite:{}", self.dir.join("storm.db").display()));
        self.start(BROKER, &mut command)
    }

    pub(crate) fn kill_broker(&self) -> anyhow::Result<()> {
        self.processes.kill(BROKER)
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

    /// Whether the broker answers; asking costs nothing when nobody listens.
    pub(crate) fn answers(&self) -> bool {
        Http::new(self.address, CALL_WAIT).get("/api/stats").is_ok_and(|reply| reply.status == 200)
    }

    /// Waits until the broker answers.
    pub(crate) fn await_answer(&self) -> anyhow::Result<()> {
        let until = Instant::now() + START_WAIT;
        while !self.answers() {
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
        while Instant::now() < until {
            if self.answers() {
                return true;
            }
            pause(LOOK_EVERY);
        }
        false
    }

    /// Starts the agents and waits until all their workers are known.
    pub(crate) fn start_agents(&self) -> anyhow::Result<()> {
        for number in 1..=AGENTS {
            let name = agent_name(number);
            let config = self.dir.join(format!("{name}.toml"));
            std::fs::write(&config, self.agent_config(&name)?)?;
            let mut command = Command::new(&self.callboard);
            command.arg("agent").arg("--broker").arg(format!("http://{}", self.address)).arg("--config").arg(config);
            self.start(&name, &mut command)?;
        }
        let until = Instant::now() + START_WAIT;
        let mut http = Http::new(self.address, CALL_WAIT);
        while Instant::now() < until {
            let workers = http.get("/api/workers")?.json()?;
            if workers["workers"].as_array().is_some_and(|all| all.len() == AGENTS * WORKERS_OF_AN_AGENT) {
                return Ok(());
            }
            for number in 1..=AGENTS {
                self.processes.still_there(&agent_name(number))?;
            }
            pause(LOOK_EVERY);
        }
        bail!("the agents' workers did not join within {} s", START_WAIT.as_secs())
    }

    fn agent_config(&self, name: &str) -> anyhow::Result<String> {
        let program = std::env::current_exe()?;
        let marks = self.dir.join(folder::EXECUTIONS);
        // A path in a TOML basic string is written as JSON writes it.
        let quote = |path: PathBuf| path.to_str().map(|path| format!("{path:?}")).context("a path is not UTF-8");
        Ok(format!(
            "[machine]\nid = \"{name}\"\n\n\
             [[workers]]\nid = \"{name}-w\"\ncount = {WORKERS_OF_AN_AGENT}\nslots = {SLOTS_OF_A_WORKER}\n\
             services = [\"mark\"]\n\n\
             [services.mark]\nengine = \"command\"\nprogram = {program}\nargs = [\"execute\"]\n\
             env = {{ {EXECUTIONS_ENV} = {marks} }}\ntimeout_s = 60\n",
            program = quote(program)?,
            marks = quote(marks)?,
        ))
    }

    fn start(&self, name: &str, command: &mut Command) -> anyhow::Result<()> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.said_by(name)?);
        self.processes.start(name, command)
    }

    /// What a process says to people, over all its lives.
    fn said_by(&self, name: &str) -> std::io::Result<File> {
        OpenOptions::new().append(true).create(true).open(self.dir.join(format!("{name}.err")))
    }
}

fn agent_name(number: usize) -> String {
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
