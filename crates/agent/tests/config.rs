//! What may stand in `agent.toml`, and what is said when it may not.
#![allow(clippy::unwrap_used)]

use agent::Config;
use agent::config::EngineConfig;
use std::time::Duration;

const SERVICES: &str = "[services.a]\nengine = \"simulated\"\n[services.b]\nengine = \"command\"\nprogram = \"b\"\n";

fn parse(text: &str) -> Config {
    Config::parse(text, "agent.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn services_alone_make_one_worker_of_this_host() {
    let config = parse(SERVICES);
    assert!(client::is_id(&config.machine));
    assert_eq!(config.workers.len(), 1);
    assert_eq!((config.workers[0].slots, config.drain), (1, Duration::from_secs(20)));
    assert_eq!(config.workers[0].services, ["a", "b"]);
    let EngineConfig::Command(command) = &config.services["b"] else { panic!() };
    assert_eq!((command.timeout, command.grace), (Duration::from_secs(600), Duration::from_secs(5)));
    assert_eq!((command.output_bytes_max, command.job_args), (1 << 20, false));
    let EngineConfig::Simulated(simulated) = &config.services["a"] else { panic!() };
    assert_eq!((simulated.steps, simulated.duration), (10, Duration::from_secs(3)));
}

#[test]
fn workers_are_numbered_and_a_count_stands_for_many() {
    let config = parse(&format!(
        r#"
        [machine]
        id = "m"
        labels = {{ rack = "b" }}
        [[workers]]
        [[workers]]
        id = "gpu"
        count = 2
        slots = 3
        services = ["a"]
        [workers.capabilities]
        models = {{ a = ["x"] }}
        [workers.capabilities.hardware]
        gpu_memory_gb = 24
        [[workers]]
        id = "solo"
        {SERVICES}"#
    ));
    let ids: Vec<&str> = config.workers.iter().map(|worker| worker.id.as_str()).collect();
    assert_eq!(ids, ["m-0", "gpu-0", "gpu-1", "solo"]);
    assert_eq!(config.workers[2].capabilities.hardware.gpu_memory_gb, 24.0);
    assert_eq!(config.labels["rack"], "b");
}

#[test]
fn a_mistake_is_told_with_its_line_its_field_and_what_is_right() {
    for (text, said) in [
        ("", "agent.toml: services: has no [services.<name>] table"),
        ("[machine]\nid = ", "agent.toml:2: "),
        ("[machine]\nid = \"m\"\nid = \"n\"", "agent.toml:3: "),
        ("[machin]\nid = \"m\"", "agent.toml:1: machin: unknown field `machin`, expected one of `machine`"),
        ("[machine]\n\nidd = \"m\"", "agent.toml:3: machine.idd: unknown field `idd`"),
        ("[machine]\nid = \"a b\"\nSERVICES", "agent.toml:2: machine.id: \"a b\" is no id; an id has 1 to 128"),
        ("[machine]\nid = 7", "agent.toml:2: machine.id: invalid type: integer `7`, expected a string"),
        ("[machine]\ndrain_s = -1", "agent.toml:2: machine.drain_s: invalid value: integer `-1`"),
        (
            "[machine]\ndrain_s = 9999999\nSERVICES",
            "agent.toml:2: machine.drain_s: is 9999999; it must be from 0 to 2592000",
        ),
        (
            "SERVICES\n[[workers]]\nslots = \"two\"",
            "agent.toml:8: workers[0].slots: invalid type: string \"two\", expected a whole",
        ),
        ("SERVICES\n[[workers]]\nslots = 65", "agent.toml:8: workers[0].slots: is 65; it must be from 1 to 64"),
        ("SERVICES\n[[workers]]\nslots = 0", "agent.toml:8: workers[0].slots: is 0;"),
        (
            "SERVICES\n[[workers]]\n[[workers]]\ncount = 0",
            "agent.toml:9: workers[1].count: is 0; it must be from 1 to 64",
        ),
        ("SERVICES\n[[workers]]\n[[workers]]\ncount = 64", "there are 65 workers; a machine has at most 64"),
        (
            "SERVICES\n[[workers]]\nservices = [\"a\",\n\"c\"]",
            "agent.toml:9: workers[0].services: names \"c\", but there is no [services.c] table; there are: a, b",
        ),
        ("SERVICES\n[[workers]]\nservices = []", "agent.toml:8: workers[0].services: is empty"),
        ("SERVICES\n[[workers]]\nid=\"w\"\n[[workers]]\nid=\"w\"", "workers[1].id: \"w\" is the id of two workers"),
        (
            "SERVICES\n[[workers]]\n[workers.capabilities.hardware]\ngpu_memory = 1",
            "agent.toml:9: workers[0].capabilities.hardware.gpu_memory: unknown field",
        ),
    ] {
        says(text, said);
    }
}

#[test]
fn a_mistake_in_an_engine_is_told_the_same_way() {
    for (text, said) in [
        ("[services.x]\n", "agent.toml:1: services.x.engine: is required: \"command\" or \"simulated\""),
        ("[services.x]\nengine = \"docker\"", "agent.toml:2: services.x.engine: is \"docker\"; there are"),
        ("[services.x]\nengine = \"command\"", "agent.toml:1: services.x.program: is required"),
        ("[services.x]\nengine = \"command\"\nprogram = \"\"", "agent.toml:3: services.x.program: is empty"),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\nargs = \"y\"",
            "agent.toml:4: services.x.args: invalid type: string \"y\", expected a list",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\ntimeout_s = 0",
            "agent.toml:4: services.x.timeout_s: is 0; it must be from 1",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\nsteps = 1",
            "agent.toml:4: services.x.steps: means something only with engine = \"simulated\"",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\n[services.x.env]\n\"A=B\" = \"1\"",
            "services.x.env: \"A=B\" cannot name a variable",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\\u0000\"",
            "agent.toml:3: services.x.program: contains a zero byte",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\nargs = [\"a\",\n\"b\\u0000\"]",
            "agent.toml:5: services.x.args[1]: contains a zero byte",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\ndirectory = \"/\\u0000\"",
            "agent.toml:4: services.x.directory: contains a zero byte",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\n[services.x.env]\nA = \"1\"\nB = \"\\u0000\"",
            "agent.toml:6: services.x.env.B: contains a zero byte",
        ),
        (
            "[services.x]\nengine = \"command\"\nprogram = \"x\"\n[services.x.env]\n\"A\\u0000\" = \"1\"",
            "agent.toml:5: services.x.env: \"A\\0\" cannot name a variable",
        ),
        (
            "[services.x]\nengine = \"simulated\"\nprogram = \"x\"",
            "agent.toml:3: services.x.program: means something only with engine = \"command\"",
        ),
        (
            "[services.x]\nengine = \"simulated\"\nfailure_rate = 1.5",
            "agent.toml:3: services.x.failure_rate: is 1.5; it must be from 0 to 1",
        ),
        ("[services.x]\nengine = \"simulated\"\nfailure_rate = nan", "agent.toml:3: services.x.failure_rate: is NaN"),
        ("services = 1", "agent.toml:1: services: "),
    ] {
        says(text, said);
    }
}

#[test]
fn what_the_broker_would_refuse_of_a_worker_is_told_here() {
    let hardware = "SERVICES\n[[workers]]\n[workers.capabilities.hardware]\ngpu_count = 1\n";
    for (field, value, is) in [
        ("gpu_memory_gb", "nan", "NaN"),
        ("gpu_memory_gb", "-1", "-1"),
        ("ram_gb", "inf", "inf"),
        ("ram_gb", "-inf", "-inf"),
    ] {
        let said =
            format!("agent.toml:10: workers[0].capabilities.hardware.{field}: is {is}; it must be a number from 0");
        says(&format!("{hardware}{field} = {value}"), &said);
    }
    says(
        "SERVICES\n[[workers]]\nservices = [\"a\",\n\"a\"]",
        "agent.toml:9: workers[0].services: names \"a\" twice; once is enough",
    );
    let id = "m".repeat(127);
    let bytes = "129 bytes; an id has at most 128";
    let machine = format!("[machine]\nid = \"{id}\"\nSERVICES\n");
    says(&machine, "agent.toml:2: machine.id: gives a worker the id \"mm");
    says(&machine, bytes);
    says(&format!("{machine}[[workers]]"), "agent.toml:9: workers[0].id: gives a worker the id \"mm");
    let many = format!("SERVICES\n[[workers]]\ncount = 2\nid = \"{id}\"");
    says(&many, "agent.toml:7: workers[0].id: gives a worker the id \"mm");
    says(&many, bytes);
}

/// The mistake in `text` is told in one line that contains `said`.
fn says(text: &str, said: &str) {
    let text = text.replace("SERVICES\n", "SERVICES").replace("SERVICES", &format!("{SERVICES}\n"));
    let error = Config::parse(&text, "agent.toml").unwrap_err().to_string();
    assert!(error.contains(said), "{text}\nsays  {error}\nnot   {said}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::from_file("/no/such/agent.toml".as_ref()).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/agent.toml: cannot be read: "), "{error}");
}
