//! Why a job waits, said to a person: each sentence as it is read.

use crate::samples;
use fleet::{
    Answer, Capabilities, Command, Expiry, Fail, Failure, FailureKind, Hardware, JobId, JobSpec, JoinWorker, LeaseId,
    Ledger, MachineFacts, MachineId, Need, Next, Number, Options, Part, Requirements, Service, SessionId, Timestamp,
    Timing, Told, WorkerId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wire::explain::{Classes, Explained, Services, VerdictWord};

const AT: Timestamp = Timestamp(1_642_700_000_000);

/// A ledger, and short sentences to tell it what happens.
#[derive(Default)]
struct Board {
    ledger: Ledger,
    now: u64,
}

fn comfyui() -> Service {
    Service::parse("comfyui").unwrap()
}

fn job_id(id: &str) -> JobId {
    JobId::parse(id).unwrap()
}

impl Board {
    fn now(&self) -> Timestamp {
        AT + self.now
    }

    fn tell(&mut self, command: Command) -> Answer {
        let now = self.now();
        self.ledger.handle(command, now, &mut Told::default()).unwrap()
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.tell(Command::Tick);
    }

    /// A worker `w-<machine>` of its own machine.
    fn worker(&mut self, machine: &str, service: &str, gpu_memory_gb: u32) {
        let hardware = Hardware { gpu_memory_gb: gpu_memory_gb.into(), ..Hardware::default() };
        let services = BTreeSet::from([Service::parse(service).unwrap()]);
        self.worker_with(machine, Capabilities { services, hardware, ..Capabilities::default() });
    }

    fn worker_with(&mut self, machine: &str, capabilities: Capabilities) {
        let id = MachineId::parse(machine).unwrap();
        self.tell(Command::JoinMachine { machine: id.clone(), facts: MachineFacts::default() });
        self.tell(Command::JoinWorker(JoinWorker {
            worker: WorkerId::parse(&format!("w-{machine}")).unwrap(),
            machine: id,
            session: SessionId(7),
            slots: 1,
            capabilities: Arc::new(capabilities),
            loaded_models: BTreeSet::new(),
            resume: Vec::new(),
        }));
    }

    fn submit(&mut self, id: &str, needs: &[Need], timing: Timing) {
        self.submit_but(id, needs, &[], timing);
    }

    fn submit_but(&mut self, id: &str, needs: &[Need], bars: &[Need], timing: Timing) {
        let [needs, bars] = [needs, bars].map(|all| all.iter().cloned().collect());
        let requirements = Requirements { needs, bars, ..Requirements::of(comfyui()) };
        let spec = JobSpec {
            id: job_id(id),
            requirements: Arc::new(requirements),
            customer: None,
            options: Options { timing: (timing != Timing::default()).then(|| Box::new(timing)), ..Options::default() }
                .stated(),
            ..samples::spec(samples::content(samples::PAYLOAD))
        };
        self.tell(Command::Submit { spec: Arc::new(spec), recalled: None });
    }

    fn next(&mut self, machine: &str, lease: u128, start: bool) {
        let answer = self.tell(Command::Next(Next {
            worker: WorkerId::parse(&format!("w-{machine}")).unwrap(),
            session: SessionId(7),
            have: Vec::new(),
            lease: LeaseId(lease),
            until: Timestamp::default(),
            start,
        }));
        assert!(matches!(answer, Answer::Next { grant: Some(_), .. }), "{answer:?}");
    }

    fn explain(&self, id: &str) -> Explained {
        Explained::of(&self.ledger, &job_id(id), true, self.now()).unwrap()
    }

    #[track_caller]
    fn says(&self, id: &str, verdict: VerdictWord, sentence: &str) {
        let explained = self.explain(id);
        assert_eq!((explained.verdict, &*explained.sentence), (verdict, sentence));
    }
}

fn gpu_memory(gb: u32) -> Need {
    Need::Hardware(Part::GpuMemoryGb, gb.into())
}

fn models(model: &str) -> Need {
    Need::Models(BTreeSet::from([model.to_owned()]))
}

#[test]
fn without_any_worker_it_says_so() {
    let mut board = Board::default();
    board.submit("j", &[gpu_memory(24)], Timing::default());
    board.says("j", VerdictWord::NoCapableWorker, "needs comfyui; no worker is registered");
    let explained = board.explain("j");
    assert_eq!((explained.workers.total, explained.machines.total), (0, 0));
    assert!(explained.nearest.is_none() && explained.ahead.is_none() && explained.requirements.is_empty());
}

#[test]
fn when_nobody_offers_the_service_it_says_on_how_many_machines_it_looked() {
    let mut board = Board::default();
    board.submit("j", &[], Timing::default());
    board.worker("m1", "hash", 0);
    board.says("j", VerdictWord::NoCapableWorker, "needs comfyui; the one machine there is does not offer it");
    board.worker("m2", "hash", 0);
    board.says("j", VerdictWord::NoCapableWorker, "needs comfyui; none of 2 machines offers it");
}

#[test]
fn an_amount_that_is_missing_is_told_beside_the_largest_there_is() {
    let mut board = Board::default();
    board.submit("j", &[gpu_memory(24)], Timing::default());
    board.worker("m1", "comfyui", 16);
    board.says("j", VerdictWord::NoCapableWorker, "needs 24 GB of GPU memory; the one machine with comfyui has 16 GB");
    board.worker("m2", "comfyui", 8);
    board.worker("m3", "comfyui", 12);
    board.worker("m4", "hash", 80);
    board.says(
        "j",
        VerdictWord::NoCapableWorker,
        "needs 24 GB of GPU memory; the largest of 3 machines with comfyui has 16 GB",
    );
    let explained = board.explain("j");
    assert_eq!((explained.machines.total, explained.machines.capable, explained.workers.free), (4, 0, 0));
    let failing: Vec<_> = explained.requirements.iter().map(|row| (row.requirement.as_str(), row.machines)).collect();
    assert_eq!(failing, [("service: comfyui", 1), ("hardware.gpu_memory_gb >= 24", 3)]);
    board.submit("cores", &[Need::Hardware(Part::CpuCores, 32.into())], Timing::default());
    board.says(
        "cores",
        VerdictWord::NoCapableWorker,
        "needs 32 CPU cores; the largest of 3 machines with comfyui has 0",
    );
}

/// The one that lacks memory has the model, the one that has memory lacks it.
#[test]
fn it_never_says_that_an_amount_is_missing_which_the_largest_machine_has() {
    let mut board = Board::default();
    let models_of = BTreeMap::from([("comfyui".to_owned(), BTreeSet::from(["sdxl".to_owned()]))]);
    let hardware = Hardware { gpu_memory_gb: 16.into(), ..Hardware::default() };
    let services = BTreeSet::from([comfyui()]);
    board.worker_with("m1", Capabilities { services, hardware, models: models_of, ..Capabilities::default() });
    board.worker("m2", "comfyui", 48);
    board.submit("j", &[gpu_memory(24), models("sdxl")], Timing::default());
    board.says(
        "j",
        VerdictWord::NoCapableWorker,
        "no worker can run it; the nearest, w-m1 on m1, does not meet: hardware.gpu_memory_gb >= 24",
    );
}

#[test]
fn several_lacks_are_told_of_the_nearest_worker() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    board.worker("m2", "comfyui", 24);
    board.submit("j", &[gpu_memory(24), models("sdxl"), Need::Region("eu".to_owned())], Timing::default());
    board.says(
        "j",
        VerdictWord::NoCapableWorker,
        "no worker can run it; the nearest, w-m2 on m2, does not meet: models: sdxl; region: eu",
    );
    assert_eq!(board.explain("j").nearest.unwrap().lacks, ["models: sdxl", "region: eu"]);
}

#[test]
fn what_is_excluded_is_told_apart_from_what_is_lacking() {
    let mut board = Board::default();
    let tags = BTreeSet::from(["spot".to_owned()]);
    let services = BTreeSet::from([comfyui()]);
    board.worker_with("m1", Capabilities { services, tags: tags.clone(), ..Capabilities::default() });
    board.submit_but("j", &[models("sdxl")], &[Need::Tags(tags)], Timing::default());
    board.says(
        "j",
        VerdictWord::NoCapableWorker,
        "no worker can run it; the nearest, w-m1 on m1, does not meet: models: sdxl, and has what is excluded: tags: spot",
    );
}

#[test]
fn a_paused_service_is_told_with_its_time() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    board.submit("j", &[], Timing::default());
    board.tell(Command::PauseService { service: comfyui(), is_paused: true });
    board.says(
        "j",
        VerdictWord::Paused,
        "comfyui has been paused since 2022-01-20T17:33:20.000Z; its jobs wait until it is resumed",
    );
    let services = Services::of(&board.ledger, board.now()).services;
    assert_eq!((services[0].paused, services[0].waiting, services[0].workers), (true, 1, 1));
    board.tell(Command::PauseService { service: comfyui(), is_paused: false });
    board.says("j", VerdictWord::Ready, "is ready: 1 worker that can run it is free; it is next in line");
}

#[test]
fn a_job_that_may_not_run_yet_says_until_when_and_whose_wish_that_is() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    board.submit("j", &[], Timing { not_before: Some(AT + 60_000), ..Timing::default() });
    board.says(
        "j",
        VerdictWord::BackingOff,
        "may not run before 2022-01-20T17:34:20.000Z: its submitter asked for that (not_before)",
    );
    assert_eq!(board.explain("j").until.as_deref(), Some("2022-01-20T17:34:20.000Z"));
    board.submit("k", &[], Timing::default());
    board.next("m1", 1, true);
    board.tell(Command::Fail(Fail {
        lease: LeaseId(1),
        error: "no luck".into(),
        failure: Failure { kind: FailureKind::Network, reason: None },
        retry: true,
        retry_after_ms: Some(30_000),
        roll: 0,
    }));
    board.says(
        "k",
        VerdictWord::BackingOff,
        "may not run before 2022-01-20T17:33:50.000Z: its last run failed, and it is tried again then",
    );
}

#[test]
fn a_job_that_only_waits_says_for_whom_and_behind_how_many() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    for id in ["held", "first", "second", "third"] {
        board.submit(id, &[], Timing::default());
    }
    board.says("held", VerdictWord::Ready, "is ready: 1 worker that can run it is free; it is next in line");
    board.next("m1", 1, false);
    let busy = |ahead: &str| format!("waits: the one worker that can run it is not free now; {ahead}");
    board.says("first", VerdictWord::Busy, &busy("it is next in line"));
    board.says("second", VerdictWord::Busy, &busy("1 job goes before it"));
    board.says("third", VerdictWord::Busy, &busy("2 jobs go before it"));
    board.worker("m2", "comfyui", 16);
    board.next("m2", 2, true);
    board.says(
        "third",
        VerdictWord::Busy,
        "waits: none of the 2 workers that can run it is free now; 1 job goes before it",
    );
    board.worker("m3", "comfyui", 16);
    board.worker("m4", "comfyui", 16);
    board.says("third", VerdictWord::Ready, "is ready: 2 workers that can run it are free; 1 job goes before it");
    let classes = Classes::of(&board.ledger, None, 50, board.now());
    assert_eq!((classes.total, classes.classes[0].waiting, classes.classes[0].capable_workers), (1, 2, 4));
}

#[test]
fn a_job_that_is_held_says_by_whom() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    board.submit("j", &[], Timing::default());
    board.next("m1", 1, false);
    board.says("j", VerdictWord::Running, "was given to w-m1 on m1, which has not started it yet");
    board.tell(Command::Start { lease: LeaseId(1) });
    board.says("j", VerdictWord::Running, "has been running on w-m1 on m1 since 2022-01-20T17:33:20.000Z");
    assert!(board.explain("j").ahead.is_none());
}

#[test]
fn a_job_that_has_ended_says_how() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    for (at, id) in ["completed", "failed"].into_iter().enumerate() {
        board.submit(id, &[], Timing::default());
        board.next("m1", at as u128, true);
        match id {
            "completed" => board.tell(Command::Finish { lease: LeaseId(0), result: samples::content(samples::RESULT) }),
            _ => board.tell(Command::Fail(Fail {
                lease: LeaseId(1),
                error: "what is that?".into(),
                failure: Failure { kind: FailureKind::BadInput, reason: None },
                retry: true,
                retry_after_ms: None,
                roll: 0,
            })),
        };
    }
    board.submit("cancelled", &[], Timing::default());
    board.tell(Command::Cancel { job: job_id("cancelled") });
    board.submit("late", &[], Timing { start_by: Some(AT + 1_000), ..Timing::default() });
    board.submit("later", &[], Timing { finish_by: Some(AT + 1_000), ..Timing::default() });
    board.pass(1_000);
    let at = "2022-01-20T17:33:20.000Z";
    board.says("completed", VerdictWord::Finished, &format!("completed at {at}"));
    board.says("failed", VerdictWord::Finished, &format!("failed at {at}: what is that?"));
    board.says("cancelled", VerdictWord::Finished, &format!("was cancelled at {at}"));
    let by = "2022-01-20T17:33:21.000Z";
    board.says("late", VerdictWord::Finished, &format!("expired at {by}: it had not started by {by}"));
    board.says("later", VerdictWord::Finished, &format!("expired at {by}: it had not ended by {by}"));
    assert_eq!(wire::jobs::expired(Expiry::StartBy(AT + 1_000)), format!("Job expired: not started by {by}"));
}

#[test]
fn amounts_are_said_as_they_were_asked_for() {
    let mut board = Board::default();
    board.worker("m1", "comfyui", 16);
    let needs = [Need::Hardware(Part::RamGb, Number::new(1.5).unwrap())];
    board.submit("j", &needs, Timing::default());
    board.says("j", VerdictWord::NoCapableWorker, "needs 1.5 GB of memory; the one machine with comfyui has 0 GB");
}

#[test]
fn a_job_that_nobody_knows_is_not_explained() {
    assert!(Explained::of(&Ledger::default(), &job_id("nobody"), true, AT).is_none());
}
