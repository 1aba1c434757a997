//! What operators hold back and let go: machines, workers, services; and what waits for them.

use super::Doors;
use super::body::{Body, Params, Segment};
use super::machines::{done, parse_machine_id};
use super::problem::Refused;
use super::workers::parse_worker_id;
use crate::access::Caller;
use axum::Json;
use axum::extract::State;
use fleet::{Command, Service};
use wire::Malformed;
use wire::agent::{Done, EmptyBody};
use wire::explain::{Classes, ClassesQuery, Services};

async fn hold(doors: &Doors, caller: &Caller, body: &Body, command: Command) -> Result<Json<Done>, Refused> {
    body.read::<EmptyBody>()?;
    let (by, desk) = (caller.0.principal.clone(), &doors.desk);
    Ok(done(&desk.ask_by(Some(by), command, Vec::new(), desk.now()).await?))
}

async fn drain_machine(
    doors: &Doors,
    caller: &Caller,
    id: &str,
    body: &Body,
    is_draining: bool,
) -> Result<Json<Done>, Refused> {
    let machine = parse_machine_id(id)?;
    hold(doors, caller, body, Command::DrainMachine { machine, is_draining }).await
}

async fn drain_worker(
    doors: &Doors,
    caller: &Caller,
    id: &str,
    body: &Body,
    is_draining: bool,
) -> Result<Json<Done>, Refused> {
    let worker = parse_worker_id(id)?;
    hold(doors, caller, body, Command::DrainWorker { worker, is_draining }).await
}

async fn pause_service(
    doors: &Doors,
    caller: &Caller,
    name: &str,
    body: &Body,
    is_paused: bool,
) -> Result<Json<Done>, Refused> {
    let service = parse_service(name)?;
    hold(doors, caller, body, Command::PauseService { service, is_paused }).await
}

fn parse_service(name: &str) -> Result<Service, Malformed> {
    Service::parse(name).map_err(|error| Malformed::field("service", error))
}

macro_rules! doors {
    ($($name:ident: $of:ident($holds:literal)),* $(,)?) => {$(
        pub(super) async fn $name(
            State(doors): State<Doors>,
            caller: Caller,
            Segment(id): Segment,
            body: Body,
        ) -> Result<Json<Done>, Refused> {
            $of(&doors, &caller, &id, &body, $holds).await
        }
    )*};
}

doors! {
    drain_a_machine: drain_machine(true),
    undrain_a_machine: drain_machine(false),
    drain_a_worker: drain_worker(true),
    undrain_a_worker: drain_worker(false),
    pause: pause_service(true),
    resume: pause_service(false),
}

/// The waiting jobs by what they require, those with most first.
pub(super) async fn classes(
    State(doors): State<Doors>,
    Params(query): Params<ClassesQuery>,
) -> Result<Json<Classes>, Refused> {
    let (service, max) = query.check()?;
    let now = doors.desk.now();
    Ok(Json(Classes::of(&doors.desk.feed.view().ledger, service.as_ref(), max, now)))
}

pub(super) async fn services(State(doors): State<Doors>) -> Json<Services> {
    let now = doors.desk.now();
    Json(Services::of(&doors.desk.feed.view().ledger, now))
}
