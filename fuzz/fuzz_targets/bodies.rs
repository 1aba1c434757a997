//! Every body of a request: taken, or refused with a sentence. The first byte says for which door.
#![no_main]

use fleet::{JobId, LeaseId, MachineId, SessionId, Timestamp, WorkerId};
use libfuzzer_sys::fuzz_target;
use wire::Malformed;
use wire::agent::{
    EmptyBody, FailBody, FinishBody, HeartbeatBody, JoinMachineBody, JoinWorkerBody, NextBody, ProgressBody,
    ReleaseBody,
};
use wire::jobs::{parse_batch, parse_submission};

const NOW: Timestamp = Timestamp(1_763_765_056_000);

fuzz_target!(|data: &[u8]| {
    let Some((door, body)) = data.split_first() else { return };
    if let Err(malformed) = read(*door, body) {
        let why = malformed.to_string();
        assert!(!why.is_empty() && why.len() < 10_000, "{why}");
    }
});

fn read(door: u8, body: &[u8]) -> Result<(), Malformed> {
    match door {
        b'0' => parse_submission(body, job(), None, NOW).map(drop),
        b'1' => parse_submission(body, job(), Some("key"), NOW).map(drop),
        b'2' => parse_batch(body, || Ok(job()), Some("key"), NOW)?.into_iter().try_for_each(|item| item.map(drop)),
        b'3' => wire::parse::<JoinMachineBody>(body)?.facts().map(drop),
        b'4' => wire::parse::<HeartbeatBody>(body)?.beat(MachineId::parse("m").expect("an id")).map(drop),
        b'5' => wire::parse::<JoinWorkerBody>(body)?.join(WorkerId::parse("w").expect("an id"), SessionId(1)).map(drop),
        b'6' => wire::parse::<NextBody>(body)?.have().map(drop),
        b'7' => wire::parse::<ProgressBody>(body)?.progress().map(drop),
        b'8' => wire::parse::<FinishBody>(body)?.result().map(drop),
        b'9' => wire::parse::<FailBody>(body)?.fail(LeaseId(1), 0).map(drop),
        b'a' => wire::parse::<ReleaseBody>(body).map(|body| drop(body.reason())),
        _ => wire::parse::<EmptyBody>(body).map(drop),
    }
}

fn job() -> JobId {
    JobId::parse("j").expect("an id")
}
