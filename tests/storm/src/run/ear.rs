//! Listens to what the broker says on its standard error: keeps it for people, and knows from
//! configurable words what is going on in it.

use anyhow::{Context, bail};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::ChildStderr;
use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Words that say that something begins, and words that say that it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doing {
    begins: String,
    ends: String,
}

impl FromStr for Doing {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Doing> {
        match text.split_once('=') {
            Some((begins, ends)) if !begins.is_empty() && !ends.is_empty() => {
                Ok(Doing { begins: begins.to_owned(), ends: ends.to_owned() })
            }
            _ => bail!("{text:?} is not <words that begin it>=<words that end it>"),
        }
    }
}

impl Doing {
    /// What people call it: its first word.
    pub(crate) fn name(&self) -> &str {
        self.begins.split(' ').next().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Heard {
    /// Which of the doings has begun and not ended.
    amid: Option<usize>,
    /// Beginnings heard, of all.
    begun: u64,
}

/// Hears one life of the broker.
pub(crate) struct Ear {
    heard: Arc<(Mutex<Heard>, Condvar)>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Ear {
    /// Everything that is said also goes to `file`.
    pub(crate) fn listen(stderr: ChildStderr, mut file: File, doings: &[Doing]) -> Ear {
        let heard = Arc::<(Mutex<Heard>, Condvar)>::default();
        let (shared, doings) = (Arc::clone(&heard), doings.to_vec());
        let thread = std::thread::spawn(move || {
            let mut lines = BufReader::new(stderr);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line)? > 0 {
                hear(&String::from_utf8_lossy(&line), &doings, &shared);
                file.write_all(&line)?;
                line.clear();
            }
            Ok(())
        });
        Ear { heard, thread }
    }

    /// Waits until something begins; `false` if nothing did until `until`.
    pub(crate) fn await_beginning(&self, until: Instant) -> bool {
        let (mutex, changed) = &*self.heard;
        let mut heard = lock(mutex);
        let before = heard.begun;
        while heard.begun == before {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            heard = changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What was going on when the process, which is gone, said its last word.
    pub(crate) fn amid(self) -> anyhow::Result<Option<usize>> {
        self.thread.join().ok().context("the listener panicked")??;
        Ok(lock(&self.heard.0).amid)
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hear(line: &str, doings: &[Doing], shared: &(Mutex<Heard>, Condvar)) {
    for (index, doing) in doings.iter().enumerate() {
        let mut heard = lock(&shared.0);
        if line.contains(&doing.begins) {
            heard.amid = Some(index);
            heard.begun += 1;
            shared.1.notify_all();
        } else if line.contains(&doing.ends) && heard.amid == Some(index) {
            heard.amid = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn what_has_begun_and_not_ended_is_known_when_the_process_is_gone() {
        let doings = ["checkpoint begins=checkpoint written", "trim begins=trimmed"].map(|text| text.parse().unwrap());
        for (said, amid) in [
            ("checkpoint begins", Some(0)),
            ("checkpoint begins seq=3\\ntrim begins", Some(1)),
            ("checkpoint begins\\ncheckpoint written in=3ms", None),
            ("hello", None),
        ] {
            let script = format!("printf '{said}\\n' >&2");
            let mut child = Command::new("sh").args(["-c", &script]).stderr(Stdio::piped()).spawn().unwrap();
            let file = File::options().write(true).open("/dev/null").unwrap();
            let ear = Ear::listen(child.stderr.take().unwrap(), file, &doings);
            child.wait().unwrap();
            assert_eq!(ear.amid().unwrap(), amid, "{said}");
        }
        assert!("checkpoint".parse::<Doing>().is_err());
    }
}
