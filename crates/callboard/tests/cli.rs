//! The binary as a person meets it: real processes, their words and their exit codes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// No wait of a test is longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that is killed with its test, and what it says on standard error, line by line.
struct Callboard {
    child: Child,
    lines: Receiver<String>,
}

impl Callboard {
    fn start(args: &[&str]) -> Callboard {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callboard"));
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, lines) = sync_channel(1_000);
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        Callboard { child, lines }
    }

    /// The next line that contains `text`.
    fn hears(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nothing said {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-s", name, &pid]).status().unwrap();
    }

    fn ends(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    fn printed(&mut self) -> String {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Callboard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker on a free port, and its address.
fn serve(store: &str) -> (Callboard, String) {
    let broker = Callboard::start(&["serve", "--listen", "127.0.0.1:0", "--store", store]);
    let line = broker.hears(" at http://");
    let address = line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    (broker, address)
}

fn submit(address: &str, args: &[&str]) -> (String, ExitStatus) {
    let url = format!("http://{address}");
    let mut submit = Callboard::start(&[&["submit", "--broker", &url], args].concat());
    (submit.printed(), submit.ends())
}

#[test]
fn a_second_broker_that_cannot_listen_does_not_take_the_store_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}/board.db", folder.path().display());
    let (_first, address) = serve(&store);
    let mut second = Callboard::start(&["serve", "--listen", &address, "--store", &store]);
    second.hears("cannot listen on");
    assert_eq!(second.ends().code(), Some(1));
    assert!(submit(&address, &["--service", "x"]).1.success());
}

#[test]
fn a_payload_arrives_as_it_was_written_and_a_result_comes_back_so() {
    let (_broker, address) = serve("memory:");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("agent.toml");
    let text = "[machine]\nid = \"m\"\n[services.echo]\nengine = \"command\"\nprogram = \"/bin/sh\"\n\
                args = [\"-c\", \"sed 's/.*\\\"payload\\\":\\\\([^}]*}\\\\).*/{\\\"result\\\":\\\\1}/'\"]\n";
    std::fs::write(&config, text).unwrap();
    let url = format!("http://{address}");
    let _agent = Callboard::start(&["agent", "--broker", &url, "--config", config.to_str().unwrap()]);
    let payload = r#"{"z":12345678901234567890123,"a":0.10000000000000000555}"#;
    let (printed, status) = submit(&address, &["--service", "echo", "--payload", payload, "--watch"]);
    assert!(status.success());
    assert_eq!(printed.trim(), payload);
}

#[test]
fn another_signal_ends_an_agent_at_once_and_leaves_nothing_running() {
    let (_broker, address) = serve("memory:");
    let folder = tempfile::tempdir().unwrap();
    let (config, pid) = (folder.path().join("agent.toml"), folder.path().join("pid"));
    let text = format!(
        "[machine]\nid = \"m\"\n[services.wait]\nengine = \"command\"\nprogram = \"/bin/sh\"\n\
         args = [\"-c\", \"echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600\"]\n",
        pid.display()
    );
    std::fs::write(&config, text).unwrap();
    let url = format!("http://{address}");
    let mut agent = Callboard::start(&["agent", "--broker", &url, "--config", config.to_str().unwrap()]);
    submit(&address, &["--service", "wait"]);
    agent.hears("begins");
    let program = loop {
        if let Ok(pid) = std::fs::read_to_string(&pid) {
            break pid.trim().to_owned();
        }
    };
    agent.signal("INT");
    agent.hears("ending");
    // Signals right after the first are the same one; whoever means it says it again.
    let ended = loop {
        if let Some(ended) = agent.child.try_wait().unwrap() {
            break ended;
        }
        agent.signal("INT");
        let _ = agent.lines.recv_timeout(Duration::from_millis(100));
    };
    assert_eq!(ended.code(), Some(130));
    let runs = || std::fs::read_to_string(format!("/proc/{program}/cmdline")).is_ok_and(|line| line.contains("sleep"));
    while runs() {}
}

#[test]
fn watching_ends_quietly_when_its_reader_has_gone_and_says_that_a_broker_is_away() {
    let (broker, address) = serve("memory:");
    let url = format!("http://{address}");
    let mut watch = Callboard::start(&["watch", "--broker", &url]);
    drop(watch.child.stdout.take());
    submit(&address, &["--service", "x"]);
    assert_eq!(watch.ends().code(), Some(0));
    let waiting = Callboard::start(&["watch", "--broker", &url]);
    drop(broker);
    waiting.hears("tries again");
}

/// What a command prints, what it says, and its exit code.
fn run(args: &[&str]) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_callboard")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn why_a_job_waits_is_one_sentence_first_and_all_of_it_as_json() {
    let (_broker, address) = serve("memory:");
    let requirements = r#"{"hardware":{"gpu_memory_gb":24}}"#;
    let (job, status) = submit(&address, &["--service", "comfyui", "--requirements", requirements]);
    assert!(status.success());
    let (url, job) = (format!("http://{address}"), job.trim());
    let (printed, said, code) = run(&["jobs", "explain", "--broker", &url, job]);
    assert_eq!((printed.lines().next(), code), (Some("needs comfyui; no worker is registered"), Some(0)), "{said}");
    let (printed, _, code) = run(&["jobs", "explain", "--broker", &url, "--json", job]);
    let explained: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&explained["verdict"], &explained["job_id"], code),
        (&"no_capable_worker".into(), &job.into(), Some(0))
    );
    let (printed, said, code) = run(&["jobs", "explain", "--broker", &url, "nobody"]);
    assert_eq!((&*printed, code), ("", Some(1)));
    assert!(said.contains("no job is called nobody"), "{said}");
}

#[test]
fn requirements_that_are_wrong_are_refused_with_a_hint() {
    let (_broker, address) = serve("memory:");
    let url = format!("http://{address}");
    let with = |requirements| run(&["submit", "--broker", &url, "--service", "x", "--requirements", requirements]);
    let (printed, said, code) = with("gpu=24");
    assert_eq!((&*printed, code), ("", Some(1)));
    assert!(said.contains("the requirements are not JSON; they look like '{\"hardware\""), "{said}");
    let (printed, said, code) = with(r#"{"hardware":{"gpu_memory_gb":"lots"}}"#);
    assert_eq!((&*printed, code), ("", Some(1)));
    assert!(said.contains("/requirements/hardware/gpu_memory_gb"), "{said}");
}

#[test]
fn a_time_that_is_none_is_refused_and_says_what_one_looks_like() {
    for nonsense in ["nonsense", "30", "0s", "-5m"] {
        let (_, said, code) = run(&["serve", "--store", "memory:", &format!("--starve-after={nonsense}")]);
        assert_eq!(code, Some(2), "{nonsense}: {said}");
        assert!(said.contains("--starve-after") && said.contains("a time looks like 90s, 30m or 2h"), "{said}");
    }
    for good in ["90s", "30m", "1h 30m"] {
        let broker = ["serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--starve-after", good];
        Callboard::start(&broker).hears(" at http://");
    }
}

#[test]
fn tokens_let_a_broker_be_reached_from_elsewhere_and_programs_show_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    let mut made = Callboard::start(&["token", "new", "rack", "--role", "worker", "--machines", "m*"]);
    let line = made.printed();
    let said = made.hears("the secret, shown this once: ");
    assert!(made.ends().success());
    let secret = said.rsplit(' ').next().unwrap().trim().to_owned();
    assert!(line.starts_with("rack worker machines=m* sha256:") && !line.contains(&secret), "{line}");
    std::fs::write(&file, &line).unwrap();
    let (file, api) = (file.to_str().unwrap(), "client:0123456789abcdef");
    let broker = Callboard::start(&[
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--store",
        "memory:",
        "--token",
        api,
        "--token-file",
        file,
    ]);
    let line = broker.hears(" at http://");
    let address = line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let address = address.replace("0.0.0.0", "127.0.0.1");
    let config = folder.path().join("agent.toml");
    std::fs::write(&config, "[machine]\nid = \"m\"\n[services.wait]\nengine = \"simulated\"\nduration_ms = 10\n")
        .unwrap();
    let url = format!("http://{address}");
    let _agent =
        Callboard::start(&["agent", "--broker", &url, "--token", &secret, "--config", config.to_str().unwrap()]);
    let (_, status) = submit(&address, &["--service", "wait", "--watch", "--token", "0123456789abcdef"]);
    assert!(status.success());
    assert_eq!(submit(&address, &["--service", "wait"]).1.code(), Some(1), "without a token");
}

#[test]
fn what_is_wrong_with_a_token_or_an_address_is_said_and_the_secret_is_not() {
    for (args, says) in [
        (
            &["--listen", "127.0.0.1:0", "--token", "operator:0123456789abcdef"][..],
            "--token number 1: has something else than roles",
        ),
        (&["--listen", "127.0.0.1:0", "--token", "0123456789abcdef"], "has no colon"),
        (&["--listen", "127.0.0.1:0", "--token", "client:0123456789abcde"], "at least 16 are needed"),
        (&["--listen", "0.0.0.0:0"], "--token, or --token-file"),
        (&["--token-file", "/nowhere/tokens"], "the token file /nowhere/tokens cannot be read"),
        (&["--allow-origin", "app.example"], "an origin looks like"),
    ] {
        let mut broker = Callboard::start(&[&["serve", "--store", "memory:"], args].concat());
        let said = broker.hears(says);
        assert!(!said.contains("0123456789"), "{said}");
        assert!(!broker.ends().success());
    }
}
