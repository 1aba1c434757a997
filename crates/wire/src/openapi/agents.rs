//! What machines, workers and the holders of leases say (`wire.md` §9).

use super::operation::{Operation, Roles, delete, post, put};
use super::parameters::{LEASE, MACHINE, NEXT, SESSION, START, WAIT_MS, WORKER};
use crate::agent::{
    Assignment, Done, EmptyBody, FailAnswer, FailBody, FinishAnswer, FinishBody, HeartbeatBody, JoinMachineBody,
    JoinWorkerBody, MachineJoined, NextBody, ProgressBody, ReleaseBody, WorkerJoined,
};

const AGENTS: Roles = &["worker", "admin"];

pub(super) fn machines() -> Vec<Operation> {
    let join = put("/api/machines/{id}", "joinMachine", "Join; joining again is the same machine.")
        .for_roles(AGENTS)
        .takes([MACHINE])
        .reads::<JoinMachineBody>(false)
        .gives::<MachineJoined>(200, "How often to beat, and orders.")
        .decides();
    let beat =
        post("/api/machines/{id}/heartbeat", "beat", "Say that the machine lives, and which leases it works on.")
            .about("Renews the leases it names, and no others. Without news it costs no write.")
            .for_roles(AGENTS)
            .takes([MACHINE])
            .reads::<HeartbeatBody>(false)
            .gives::<Done>(200, "Orders.")
            .refuses(["unknown_machine"])
            .decides();
    let orders = post("/api/machines/{id}/orders", "takeOrders", "Wait for orders.")
        .about("Answers as soon as there is an order for any worker of the machine.")
        .for_roles(AGENTS)
        .takes([MACHINE, WAIT_MS])
        .gives::<Done>(200, "Orders, perhaps none.")
        .refuses(["unknown_machine"])
        .decides();
    let leave = delete("/api/machines/{id}", "leaveMachine", "Leave; its jobs go back to the queue at once.")
        .for_roles(AGENTS)
        .takes([MACHINE])
        .gives::<Done>(200, "It is gone.")
        .refuses(["unknown_machine"])
        .decides();
    vec![join, beat, orders, leave]
}

pub(super) fn workers() -> Vec<Operation> {
    let join = put("/api/workers/{id}", "joinWorker", "Register, and begin a session.")
        .about(
            "Leases of an earlier session that `resume` does not name go back to the queue at once, and calls of that \
             session are refused.",
        )
        .for_roles(AGENTS)
        .takes([WORKER])
        .reads::<JoinWorkerBody>(true)
        .gives::<WorkerJoined>(200, "The session, and how long things last.")
        .refuses(["unknown_machine"])
        .decides();
    let next = post("/api/workers/{id}/next", "nextJob", "Take a job, waiting for one if there is none yet.")
        .about(
            "First the leases of this session that `have` does not name (an answer got lost), then a new one while \
             fewer than `slots` are held. Whoever hangs up is given nothing.",
        )
        .for_roles(AGENTS)
        .takes([WORKER, WAIT_MS, START, SESSION.required()])
        .reads::<NextBody>(false)
        .gives::<Assignment>(200, "A lease, and the job with its payload and `ctx`.")
        .gives_nothing(204, "Nothing for this worker in that time.")
        .refuses(["unknown_worker", "session_replaced"])
        .decides();
    let leave = delete("/api/workers/{id}", "leaveWorker", "Leave; its jobs go back to the queue at once.")
        .about("With `X-Worker-Session` only if that is still the session, so that no one takes its successor away.")
        .for_roles(AGENTS)
        .takes([WORKER, SESSION])
        .gives::<Done>(200, "It is gone.")
        .refuses(["unknown_worker", "session_replaced"])
        .decides();
    vec![join, next, leave]
}

pub(super) fn leases() -> Vec<Operation> {
    let report =
        |path, id, summary| post(path, id, summary).for_roles(AGENTS).takes([LEASE]).refuses(["lease_lost"]).decides();
    let start = report("/api/leases/{lease}/start", "startLease", "The job runs now.")
        .reads::<EmptyBody>(false)
        .gives::<Done>(200, "Orders.");
    let renew = report("/api/leases/{lease}/renew", "renewLease", "The job is still worked on.")
        .reads::<EmptyBody>(false)
        .gives::<Done>(200, "Orders.");
    let progress = report("/api/leases/{lease}/progress", "reportProgress", "How far the job is.")
        .about("Renews the lease. Passing: watchers are told the latest, ten times a second at most.")
        .reads::<ProgressBody>(true)
        .gives::<Done>(200, "Orders.");
    let finish = report("/api/leases/{lease}/finish", "finishLease", "The job is done; this is its result.")
        .about("The same result again under the same lease is the same finish.")
        .takes([NEXT])
        .reads::<FinishBody>(false)
        .gives::<FinishAnswer>(200, "It is completed.");
    let fail = report("/api/leases/{lease}/fail", "failLease", "The run failed.")
        .about(
            "Another run follows after the job's backoff, up to `max_attempts`. `bad_input` and `refusal` are not \
             retried, `service_down` costs no run, after `out_of_memory` a worker with more GPU memory is wanted.",
        )
        .takes([NEXT])
        .reads::<FailBody>(true)
        .gives::<FailAnswer>(200, "Whether it will be tried again, and when.");
    let release = report("/api/leases/{lease}/release", "releaseLease", "Hand the job back without costing it a run.")
        .about("For 30 s the job is not offered to the same worker.")
        .reads::<ReleaseBody>(false)
        .gives::<Done>(200, "It is back in the queue.");
    vec![start, renew, progress, finish, fail, release]
}
