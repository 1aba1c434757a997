//! Machines: join, beat, take orders, leave.

use super::Doors;
use super::acting::OwnMachine;
use super::body::{Body, Params, Segment, wait_ms};
use super::problem::Refused;
use crate::access::{Caller, NotLetIn};
use crate::desk::Decided;
use crate::feed::{Bell, Key};
use axum::Json;
use axum::extract::State;
use fleet::limits::HEARTBEAT_MS;
use fleet::{Answer, Command, MachineId, Refusal};
use serde::Deserialize;
use std::time::Duration;
use wire::agent::{Done, HeartbeatBody, JoinMachineBody, MachineJoined, Orders};
use wire::ops::Machines;
use wire::snapshot::MachineView;
use wire::{Malformed, rfc3339};

pub(super) fn parse_machine_id(text: &str) -> Result<MachineId, Refused> {
    MachineId::parse(text).map_err(|error| Malformed::field("machine_id", error).into())
}

pub(super) fn orders_of(decided: &Decided) -> Orders {
    match &decided.answer {
        Answer::Orders(orders) | Answer::TakenOrders { orders, .. } => orders.into(),
        _ => Orders::default(),
    }
}

/// The answer that carries orders.
pub(super) fn done_with_orders(decided: &Decided) -> Json<Done> {
    Json(Done { success: true, orders: Some(orders_of(decided)), event_id: decided.event_id() })
}

/// The answer that carries none.
pub(super) fn done(decided: &Decided) -> Json<Done> {
    Json(Done { success: true, orders: None, event_id: decided.event_id() })
}

pub(super) async fn join(
    State(doors): State<Doors>,
    OwnMachine(machine): OwnMachine,
    body: Body,
) -> Result<Json<MachineJoined>, Refused> {
    let machine_id = machine.to_string();
    let facts = body.read::<JoinMachineBody>()?.facts()?;
    let decided = doors.desk.ask(Command::JoinMachine { machine, facts }).await?;
    let (orders, event_id) = (orders_of(&decided), decided.event_id());
    Ok(Json(MachineJoined { success: true, machine_id, heartbeat_ms: HEARTBEAT_MS, orders, event_id }))
}

pub(super) async fn heartbeat(
    State(doors): State<Doors>,
    OwnMachine(machine): OwnMachine,
    body: Body,
) -> Result<Json<Done>, Refused> {
    let beat = body.read::<HeartbeatBody>()?.beat(machine)?;
    let decided = doors.desk.ask(Command::Beat(beat)).await?;
    Ok(done_with_orders(&decided))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrdersParams {
    wait_ms: Option<u64>,
}

/// Answers as soon as there is something for any worker of the machine to do.
pub(super) async fn orders(
    State(doors): State<Doors>,
    caller: Caller,
    OwnMachine(machine): OwnMachine,
    Params(params): Params<OrdersParams>,
) -> Result<Json<Done>, Refused> {
    let wait = Duration::from_millis(wait_ms(params.wait_ms)?);
    let until = tokio::time::Instant::now() + wait;
    let bell = Bell::hang(&doors.desk.feed, Key::Machine(machine.clone()));
    loop {
        let rung = bell.notify.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        let take = Command::TakeOrders { machine: machine.clone() };
        let decided = doors.desk.ask(take).await?;
        if matches!(decided.answer, Answer::TakenOrders { is_new: true, .. }) {
            return Ok(done_with_orders(&decided));
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep_until(until) => return Ok(done_with_orders(&decided)),
            () = doors.closing.cancelled() => return Ok(done_with_orders(&decided)),
            () = caller.0.gone.cancelled() => return Err(NotLetIn::Revoked.into()),
        }
    }
}

pub(super) async fn leave(
    State(doors): State<Doors>,
    caller: Caller,
    OwnMachine(machine): OwnMachine,
) -> Result<Json<Done>, Refused> {
    // A machine that leaves is nobody's act, one that is removed is.
    let by = (!caller.is_worker()).then(|| caller.0.principal.clone());
    let (command, desk) = (Command::LeaveMachine { machine }, &doors.desk);
    Ok(done(&desk.ask_by(by, command, Vec::new(), desk.now()).await?))
}

pub(super) async fn list(State(doors): State<Doors>) -> Json<Machines> {
    let now = doors.desk.now();
    let view = doors.desk.feed.view();
    let machines = view.ledger.machines().map(|machine| MachineView::of(&view.ledger, machine, now)).collect();
    Json(Machines { success: true, machines, timestamp: rfc3339(now) })
}

pub(super) async fn show(State(doors): State<Doors>, Segment(id): Segment) -> Result<Json<Machines>, Refused> {
    let id = parse_machine_id(&id)?;
    let now = doors.desk.now();
    let view = doors.desk.feed.view();
    match view.ledger.machine(&id) {
        Some(machine) => {
            let machines = vec![MachineView::of(&view.ledger, machine, now)];
            Ok(Json(Machines { success: true, machines, timestamp: rfc3339(now) }))
        }
        None => Err(Refusal::UnknownMachine { machine: id }.into()),
    }
}
