//! A program for each job: the job on its standard input, lines of JSON on its standard output.
//!
//! | line | means |
//! |---|---|
//! | `{"progress":0.4,"message":"…","current_step":2,"total_steps":5}` | how far it is |
//! | `{"log":"text","level":"debug"}` | a line of the log |
//! | `{"result":<any>}` | the result; the last one counts |
//! | `{"error":"…","failure":{"type":"bad_input"}}` | why it fails; the last one counts |
//!
//! Any other line is one of the log. The exit code decides: 0 is completed, anything else failed;
//! but not completed is a program whose last result cannot be read.

use super::group::Group;
use super::said::{Listener, Said, Tail};
use super::{Engine, Failed, Outcome, Run, Tell};
use crate::config::CommandConfig;
use crate::limits;
use serde::Deserialize;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command as Program};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::FailureType;
use wire::jobs::JobView;

/// Variables of the agent's own environment that programs get. Tokens and the like are none of
/// them: a program runs other people's jobs.
const ENVIRONMENT: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "NVIDIA_VISIBLE_DEVICES",
];

/// Runs `program` for each job.
#[derive(Clone, Debug)]
pub struct Command(pub CommandConfig);

/// Why nobody waits for the program any longer.
enum End {
    Exited(std::io::Result<ExitStatus>),
    Stopped,
    TimedOut,
    /// Its output is too long; the pipes know.
    Flooded,
}

impl Engine for Command {
    fn run<'a>(&'a self, job: &'a JobView, tell: Tell, stop: CancellationToken) -> Run<'a> {
        Box::pin(self.work(job, tell, stop))
    }
}

impl Command {
    async fn work(&self, job: &JobView, tell: Tell, stop: CancellationToken) -> Outcome {
        let args = match job_args(job, self.0.job_args) {
            Ok(args) => args,
            Err(why) => return Outcome::failed(FailureType::BadInput, why),
        };
        let input = match serde_json::to_vec(job) {
            Ok(input) => input,
            Err(error) => return Outcome::failed(FailureType::Internal, format!("the job cannot be written: {error}")),
        };
        let mut child = match self.program(&args).spawn() {
            Ok(child) => child,
            Err(error) => return self.not_started(&error),
        };
        let pipes = Pipes::of(&mut child, input, self.0.output_bytes_max, &tell);
        let mut group = Group::of(child);
        let end = tokio::select! {
            biased;
            status = group.ended() => End::Exited(status),
            () = stop.cancelled() => End::Stopped,
            () = pipes.flooded.cancelled() => End::Flooded,
            () = tokio::time::sleep(self.0.timeout) => End::TimedOut,
        };
        if matches!(end, End::Exited(_)) {
            group.kill_rest();
        } else {
            group.end(self.0.grace).await;
        }
        let flooded = pipes.flooded.clone();
        let (said, stderr) = pipes.ended().await;
        match end {
            End::Stopped => Outcome::Stopped,
            End::TimedOut => {
                let seconds = self.0.timeout.as_secs();
                let error = format!("the program was ended after {seconds} s (timeout_s)");
                Outcome::failed(FailureType::Timeout, error)
            }
            // Also when it ended before anyone looked.
            _ if flooded.is_cancelled() => {
                let max = self.0.output_bytes_max;
                let error = format!(
                    "the program wrote a line, or results and errors, of more than {max} bytes (output_bytes_max)"
                );
                Outcome::failed(FailureType::BadOutput, error)
            }
            End::Exited(status) => exited(status, said, &stderr),
            End::Flooded => unreachable!("only a flood ends it so"),
        }
    }

    fn program(&self, job_args: &[String]) -> Program {
        let config = &self.0;
        let mut program = Program::new(&config.program);
        program.args(&config.args).args(job_args).env_clear();
        program.envs(ENVIRONMENT.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        program.envs(&config.env);
        if let Some(directory) = &config.directory {
            program.current_dir(directory);
        }
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        program.process_group(0).kill_on_drop(true);
        program
    }

    fn not_started(&self, error: &std::io::Error) -> Outcome {
        let program = self.0.program.display();
        match error.kind() {
            // The job's own arguments are at fault: a zero byte, or too much of them.
            ErrorKind::InvalidInput | ErrorKind::ArgumentListTooLong => {
                Outcome::failed(FailureType::BadInput, format!("{program} cannot be given these arguments: {error}"))
            }
            _ => {
                let directory = self.0.directory.as_ref().map(|d| format!(" in {}", d.display())).unwrap_or_default();
                let error = format!("{program} cannot be started{directory}: {error}");
                Outcome::failed(FailureType::ServiceDown, error)
            }
        }
    }
}

/// What reads and writes while the program runs.
struct Pipes {
    stdin: JoinSet<()>,
    readers: JoinSet<()>,
    listener: Arc<Mutex<Listener>>,
    tail: Arc<Mutex<Tail>>,
    flooded: CancellationToken,
}

impl Pipes {
    fn of(child: &mut Child, input: Vec<u8>, bytes_max: usize, tell: &Tell) -> Pipes {
        let flooded = CancellationToken::new();
        let listener = Arc::new(Mutex::new(Listener::new(bytes_max, flooded.clone(), tell.clone())));
        let tail = Arc::new(Mutex::new(Tail::new(tell.clone())));
        let (mut stdin, mut readers) = (JoinSet::new(), JoinSet::new());
        if let Some(mut pipe) = child.stdin.take() {
            // A program need not read its job: a closed pipe is no mistake.
            stdin.spawn(async move { drop(pipe.write_all(&input).await) });
        }
        if let Some(pipe) = child.stdout.take() {
            let listener = Arc::clone(&listener);
            readers.spawn(read(pipe, move |bytes| lock(&listener).hear(bytes)));
        }
        if let Some(pipe) = child.stderr.take() {
            let tail = Arc::clone(&tail);
            readers.spawn(read(pipe, move |bytes| lock(&tail).hear(bytes)));
        }
        Pipes { stdin, readers, listener, tail, flooded }
    }

    /// What was said, and the end of standard error. The program has ended; whoever else holds
    /// its pipes open is not waited for.
    async fn ended(mut self) -> (Said, String) {
        self.stdin.abort_all();
        let read_all = async { while self.readers.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_millis(limits::PIPES_MS_MAX), read_all).await.is_err() {
            tracing::debug!("a process outside the group holds the output open; it is not waited for");
        }
        self.readers.abort_all();
        let said = lock(&self.listener).take();
        let stderr = lock(&self.tail).text();
        (said, stderr)
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, mut hear: impl FnMut(&[u8])) {
    let mut bytes = vec![0; limits::READ_BYTES];
    while let Ok(count @ 1..) = pipe.read(&mut bytes).await {
        hear(&bytes[..count]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn exited(status: std::io::Result<ExitStatus>, said: Said, stderr: &str) -> Outcome {
    let status = match status {
        Ok(status) => status,
        Err(error) => return Outcome::failed(FailureType::Internal, format!("the program was lost: {error}")),
    };
    if status.success() {
        if let Some(why) = said.unreadable {
            return Outcome::failed(FailureType::BadOutput, format!("the program's result line cannot be read: {why}"));
        }
        return Outcome::Done(said.result.unwrap_or_else(|| serde_json::value::RawValue::NULL.to_owned()));
    }
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = nix::sys::signal::Signal::try_from(signal).map_or("a signal", |signal| signal.as_str());
            format!("the program was killed by {name} ({signal})")
        }
        (None, code) => format!("the program ended with code {}", code.unwrap_or(-1)),
    };
    let failed = match said.error {
        None => {
            let error = if stderr.is_empty() { how } else { format!("{how}: {stderr}") };
            Failed { error, kind: FailureType::Internal, reason: None, retry: true }
        }
        Some((error, failure)) => {
            let (kind, reason) = failure.map_or((FailureType::Internal, None), |said| (said.kind, said.reason));
            Failed { error, kind, reason, retry: !matches!(kind, FailureType::BadInput | FailureType::Refusal) }
        }
    };
    if was_told_to_end(status) { Outcome::ToldToEnd(failed) } else { Outcome::Failed(failed) }
}

/// By TERM or INT; a shell whose program was, ends with 128 and the signal's number.
fn was_told_to_end(status: ExitStatus) -> bool {
    let signals = [nix::libc::SIGTERM, nix::libc::SIGINT];
    signals.iter().any(|signal| status.signal() == Some(*signal) || status.code() == Some(128 + signal))
}

/// The strings of the payload's `args`, if the service takes them.
fn job_args(job: &JobView, wanted: bool) -> Result<Vec<String>, String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Payload {
        args: Option<Vec<String>>,
    }
    let Some(payload) = job.payload.as_ref().filter(|_| wanted) else { return Ok(Vec::new()) };
    if !payload.get().trim_start().starts_with('{') {
        return Ok(Vec::new());
    }
    let Payload { args } = serde_json::from_str(payload.get())
        .map_err(|error| format!("payload.args must be a list of strings: {error}"))?;
    let args = args.unwrap_or_default();
    if args.len() > limits::JOB_ARGS_MAX {
        return Err(format!("payload.args has {} entries; at most {} are allowed", args.len(), limits::JOB_ARGS_MAX));
    }
    match args.iter().position(|arg| arg.len() > limits::JOB_ARG_BYTES_MAX) {
        Some(at) => {
            let (bytes, max) = (args[at].len(), limits::JOB_ARG_BYTES_MAX);
            Err(format!("payload.args[{at}] has {bytes} bytes; at most {max} are allowed"))
        }
        None => Ok(args),
    }
}
