//! A broker that keeps just enough of the contract to test an agent against.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Longer than anything here takes; a state that is not reached by then never is.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
pub struct State {
    pub queue: VecDeque<Value>,
    /// Lease → job id.
    pub leases: BTreeMap<String, String>,
    /// What was said about jobs: (verb, job id, body). Also what was refused.
    pub said: Vec<(String, String, Value)>,
    pub machine_joins: u32,
    pub knows_machine: bool,
    /// Each registration's `resume`.
    pub resumed: Vec<Vec<String>>,
    pub have: Vec<Vec<String>>,
    pub beats: u32,
    pub beaten: Vec<Value>,
    pub left: Vec<String>,
    /// Every call is answered so.
    pub answer_all: Option<(u16, &'static str)>,
    /// Every `next` is answered so.
    pub answer_next: Option<(u16, &'static str)>,
    pub answer_reports: Option<(u16, &'static str)>,
    /// So many reports are refused.
    pub refuse_reports: u32,
    pub progress_hangs: bool,
    /// Whatever is waited for, or asked, is never answered.
    pub black_hole: bool,
    /// Heartbeats that fell into it.
    pub swallowed: u32,
    /// What a lease gave is given again to who does not name it, as long as it lasts.
    pub gives_again: bool,
    /// Lease → job.
    given: BTreeMap<String, Value>,
    /// So many registrations are answered by something that is no broker.
    pub lose_registrations: u32,
    /// Heartbeats are answered without a word about lost leases.
    pub beats_say_nothing: bool,
    orders: Vec<String>,
    count: u32,
}

impl State {
    pub fn said(&self, verb: &str) -> Vec<&Value> {
        self.said.iter().filter(|(said, ..)| said == verb).map(|(.., body)| body).collect()
    }
}

pub struct Board {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.state.lock().unwrap());
        self.changed.send_modify(|n| *n += 1);
        answer
    }

    /// Nobody is woken where nothing changed.
    fn change_if_some<T>(&self, change: impl FnOnce(&mut State) -> Option<T>) -> Option<T> {
        let answer = change(&mut self.state.lock().unwrap());
        if answer.is_some() {
            self.changed.send_modify(|n| *n += 1);
        }
        answer
    }
}

impl Board {
    pub fn open() -> Board {
        let shared = Shared { state: Mutex::default(), changed: watch::Sender::new(0) };
        let mut board = Board { shared: Arc::new(shared), address: "127.0.0.1:0".parse().unwrap(), runtime: None };
        board.go_up();
        board
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends every connection and refuses new ones. What is known stays known.
    pub fn go_down(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    /// At the same address as before. In a runtime of its own, so that it can go down at once.
    pub fn go_up(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let tries = std::iter::repeat_with(|| std::net::TcpListener::bind(self.address));
        let listener = tries.take(100_000).find_map(Result::ok).unwrap();
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        let shared = Arc::clone(&self.shared);
        let app = axum::Router::new().fallback(move |request: Request<Body>| answer(Arc::clone(&shared), request));
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await });
        self.runtime = Some(runtime);
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.shared.change(change)
    }

    pub fn submit(&self, id: &str, service: &str, payload: &Value) {
        let job = json!({"id": id, "service_required": service, "job_type": service, "payload": payload});
        self.change(|state| state.queue.push_back(job));
    }

    /// The lease is taken away; an order says so.
    pub fn cancel(&self, job: &str) {
        self.change(|state| {
            let lease = state.leases.iter().find(|(_, of)| *of == job).map(|(lease, _)| lease.clone()).unwrap();
            state.leases.remove(&lease);
            state.orders.push(lease);
        });
    }

    /// Waits for a state, and looks at it.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let mut changed = self.shared.changed.subscribe();
        let wait = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = look(&self.shared.state.lock().unwrap()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| panic!("never: {what}; {:#?}", self.shared.state.lock().unwrap()))
    }

    pub async fn until_said(&self, verb: &str) -> Value {
        self.until(verb, |state| state.said(verb).first().map(|body| (*body).clone())).await
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until `done`, looking often: for what announces nothing, such as the end of a process.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "never: {what}");
}

/// Whether a process runs. One that nobody has buried does not.
pub fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

fn json_answer(value: &Value) -> Response<Body> {
    Response::builder().header("content-type", "application/json").body(Body::from(value.to_string())).unwrap()
}

fn problem(status: u16, code: &str) -> Response<Body> {
    let problem = wire::Problem::new(status, code, format!("the test says {code}"));
    let body = Body::from(serde_json::to_string(&problem).unwrap());
    Response::builder().status(status).header("content-type", "application/problem+json").body(body).unwrap()
}

async fn answer(shared: Arc<Shared>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 26).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path = head.uri.path().to_owned();
    if let Some((status, code)) = shared.state.lock().unwrap().answer_all {
        return problem(status, code);
    }
    let parts: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
    match (&head.method, parts.as_slice()) {
        (&Method::PUT, ["machines", id]) => {
            shared.change(|state| (state.machine_joins += 1, state.knows_machine = true));
            let orders = json!({"cancel": [], "drain": false});
            json_answer(&json!({"success": true, "machine_id": id, "heartbeat_ms": 100, "orders": orders}))
        }
        (&Method::PUT, ["workers", id]) => register(&shared, id, &body),
        (&Method::DELETE, ["workers", _]) if !is_session(&shared, &head) => problem(409, "session_replaced"),
        (&Method::DELETE, [_, id]) => {
            shared.change(|state| state.left.push((*id).to_owned()));
            json_answer(&json!({"success": true}))
        }
        (_, ["machines", _, "heartbeat"]) => heartbeat(&shared, &body).await,
        (_, ["machines", _, "orders"]) => orders(&shared).await,
        (_, ["workers", _, "next"]) => next(&shared, &head, &body).await,
        (_, ["leases", lease, verb]) => report(&shared, lease, verb, body).await,
        _ => problem(404, "no_such_path"),
    }
}

fn register(shared: &Shared, id: &str, body: &Value) -> Response<Body> {
    let is_lost = shared.change(|state| {
        let is_lost = state.lose_registrations > 0;
        state.lose_registrations -= u32::from(is_lost);
        is_lost
    });
    if is_lost {
        return Response::builder().status(502).body(Body::empty()).unwrap();
    }
    let session = shared.change(|state| {
        if !state.knows_machine {
            return None;
        }
        let resume = body["resume"].as_array().into_iter().flatten();
        state.resumed.push(resume.map(|lease| lease.as_str().unwrap().to_owned()).collect());
        Some(state.resumed.len())
    });
    let Some(session) = session else { return problem(404, "unknown_machine") };
    json_answer(&json!({
        "success": true, "worker_id": id, "session": session.to_string(), "lease_ms": 8000, "renew_ms": 2500,
        "start_ms": 10000, "orders": {"cancel": [], "drain": false}
    }))
}

async fn heartbeat(shared: &Shared, body: &Value) -> Response<Body> {
    if shared.state.lock().unwrap().black_hole {
        shared.change(|state| state.swallowed += 1);
        return std::future::pending().await;
    }
    shared.change(|state| {
        if !state.knows_machine {
            return problem(404, "unknown_machine");
        }
        state.beats += 1;
        state.beaten.push(body.clone());
        let named = body["leases"].as_array().unwrap().iter().filter_map(Value::as_str);
        let is_lost = |lease: &&str| !state.beats_say_nothing && !state.leases.contains_key(*lease);
        let lost: Vec<&str> = named.filter(is_lost).collect();
        json_answer(&json!({"success": true, "orders": {"cancel": lost, "drain": false}}))
    })
}

async fn orders(shared: &Shared) -> Response<Body> {
    let mut changed = shared.changed.subscribe();
    loop {
        changed.mark_unchanged();
        if shared.state.lock().unwrap().black_hole {
            return std::future::pending().await;
        }
        let cancel = std::mem::take(&mut shared.state.lock().unwrap().orders);
        if !cancel.is_empty() {
            return json_answer(&json!({"success": true, "orders": {"cancel": cancel, "drain": false}}));
        }
        if !shared.state.lock().unwrap().knows_machine {
            return problem(404, "unknown_machine");
        }
        changed.changed().await.unwrap();
    }
}

/// Whether the call is of the last session.
fn is_session(shared: &Shared, head: &axum::http::request::Parts) -> bool {
    head.headers["x-worker-session"] == shared.state.lock().unwrap().resumed.len().to_string()
}

/// What is not heard of is given again.
fn assign(state: &mut State, have: &[String]) -> Option<(String, Value)> {
    let unheard = state.given.iter().find(|(lease, _)| state.leases.contains_key(*lease) && !have.contains(lease));
    if let Some((lease, job)) = unheard.filter(|_| state.gives_again) {
        return Some((lease.clone(), job.clone()));
    }
    let job = state.queue.pop_front()?;
    state.count += 1;
    let lease = format!("{:032x}", state.count);
    state.leases.insert(lease.clone(), job["id"].as_str().unwrap().to_owned());
    state.given.insert(lease.clone(), job.clone());
    Some((lease, job))
}

async fn next(shared: &Shared, head: &axum::http::request::Parts, body: &Value) -> Response<Body> {
    let have: Vec<String> = serde_json::from_value(body["have"].clone()).unwrap();
    shared.state.lock().unwrap().have.push(have.clone());
    let mut changed = shared.changed.subscribe();
    loop {
        changed.mark_unchanged();
        if shared.state.lock().unwrap().black_hole {
            return std::future::pending().await;
        }
        if let Some((status, code)) = shared.state.lock().unwrap().answer_next {
            return problem(status, code);
        }
        if !is_session(shared, head) {
            return problem(409, "session_replaced");
        }
        if let Some((lease, job)) = shared.change_if_some(|state| assign(state, &have)) {
            let lease = json!({"lease_id": lease, "attempt": 1, "expires_at": "2026-11-21T22:44:16.746Z"});
            return json_answer(&json!({"lease": lease, "job": job, "orders": {"cancel": [], "drain": false}}));
        }
        changed.changed().await.unwrap();
    }
}

async fn report(shared: &Shared, lease: &str, verb: &str, body: Value) -> Response<Body> {
    if verb == "progress" && shared.state.lock().unwrap().progress_hangs {
        return std::future::pending().await;
    }
    shared.change(|state| {
        let Some(job) = state.leases.get(lease).cloned() else {
            state.said.push((format!("late {verb}"), String::new(), body));
            return problem(409, "lease_lost");
        };
        let is_refused = state.refuse_reports > 0 && verb != "progress";
        state.refuse_reports -= u32::from(is_refused);
        if let Some((status, code)) = state.answer_reports.or(is_refused.then_some((413, "payload_too_large"))) {
            state.said.push((format!("refused {verb}"), job, body));
            return problem(status, code);
        }
        state.said.push((verb.to_owned(), job, body));
        if matches!(verb, "finish" | "fail" | "release") {
            state.leases.remove(lease);
        }
        json_answer(&json!({"success": true, "will_retry": false}))
    })
}
