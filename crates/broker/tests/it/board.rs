//! A whole broker on a port of its own, and short sentences to talk to it.

use crate::http::{Answer, PATIENCE, Stream, knock, request};
use broker::{Broker, Config, KnownToken, Secret, Stopped};
use serde_json::{Value, json};
use std::net::SocketAddr;
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Board {
    pub(crate) at: SocketAddr,
    pub(crate) feed: broker::Feed,
    /// Whom this test speaks as.
    headers: String,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), Stopped>>,
}

/// Who speaks to a board with a token of their own.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) at: SocketAddr,
    headers: String,
}

/// A worker that is registered.
pub(crate) struct Worker<'a> {
    board: &'a Board,
    pub(crate) id: String,
    pub(crate) session: String,
}

/// A lease that is held, and its job.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) job: Value,
}

/// A store that ends with the test; clones are the same one.
pub(crate) fn memory() -> Store {
    store::open("memory:", &store::Options::default()).unwrap()
}

impl Board {
    pub(crate) async fn start() -> Board {
        Board::on(memory()).await
    }

    pub(crate) async fn on(store: Store) -> Board {
        Board::set(store, Config::default()).await
    }

    pub(crate) async fn set(store: Store, config: Config) -> Board {
        let broker = Broker::start(store, config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let feed = broker.feed();
        let serving = tokio::spawn(broker.serve(listener, shutdown.clone()));
        Board { at, feed, headers: String::new(), shutdown, serving }
    }

    /// A board that asks for tokens: these, written `NAME=ROLES`, each one's secret being [`secret_of`]
    /// its name, and `admin`'s, which the board's own sentences use.
    pub(crate) async fn guarded(rights: &[&str], config: Config) -> Board {
        let tokens = rights.iter().chain([&"admin=admin"]).map(|rights| {
            let name = rights.split_once('=').unwrap().0;
            KnownToken::given(&Secret::new(format!("{rights}:{}", secret_of(name)))).unwrap()
        });
        let mut board = Board::set(memory(), Config { tokens: tokens.collect(), ..config }).await;
        board.headers = board.guest("admin").headers;
        board
    }

    /// Who has no token.
    pub(crate) fn stranger(&self) -> Guest {
        Guest { at: self.at, headers: String::new() }
    }

    pub(crate) fn guest(&self, name: &str) -> Guest {
        Guest { at: self.at, headers: format!("Authorization: Bearer {}\r\n", secret_of(name)) }
    }

    /// Stops in order; what it came to.
    pub(crate) async fn stop(self) -> Result<(), Stopped> {
        self.shutdown.cancel();
        self.serving.await.unwrap()
    }

    /// What it came to by itself.
    pub(crate) async fn ended(self) -> Result<(), Stopped> {
        self.serving.await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        request(self.at, "GET", path, &self.headers, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        request(self.at, "POST", path, &self.headers, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        request(self.at, "PUT", path, &self.headers, &body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        request(self.at, "DELETE", path, &self.headers, "").await
    }

    pub(crate) async fn stream(&self, path: &str, last_event_id: Option<&str>) -> Stream {
        Stream::open(self.at, path, last_event_id).await
    }

    /// Submits a job under this id and checks that it was taken.
    pub(crate) async fn submit(&self, job: &str, service: &str) -> Value {
        let body = json!({ "job_id": job, "service_required": service, "payload": { "of": job } });
        let answer = self.post("/api/jobs", &body.to_string()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn job(&self, job: &str) -> Value {
        let answer = self.get(&format!("/api/jobs/{job}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["job"].clone()
    }

    pub(crate) async fn machine(&self, id: &str) {
        assert_eq!(self.put(&format!("/api/machines/{id}"), &json!({})).await.status, 200);
    }

    /// A worker of machine `m` that can do `hash`.
    pub(crate) async fn worker(&self, id: &str) -> Worker<'_> {
        self.capable_worker(id, "m", json!({})).await
    }

    /// A worker of this machine that can do `hash` and declares these capabilities.
    pub(crate) async fn capable_worker(&self, id: &str, machine: &str, capabilities: Value) -> Worker<'_> {
        self.machine(machine).await;
        let body = json!({ "machine_id": machine, "services": ["hash"], "capabilities": capabilities });
        let answer = self.put(&format!("/api/workers/{id}"), &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let session = answer.json()["session"].as_str().unwrap().to_owned();
        Worker { board: self, id: id.to_owned(), session }
    }

    /// Asks until the answer is as it should be.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.get(path).await.json();
                if is_so(&answer) {
                    return answer;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{path} never came to be so"))
    }

    /// Waits until so many workers wait for a job.
    pub(crate) async fn until_waiting(&self, workers: usize) {
        self.until("/health", |health| health["connections"]["workers"] == workers).await;
    }

    pub(crate) async fn report(&self, lease: &Lease, verb: &str, body: &Value) -> Answer {
        self.post(&format!("/api/leases/{}/{verb}", lease.id), &body.to_string()).await
    }
}

pub(crate) fn secret_of(name: &str) -> String {
    format!("the secret that {name} shows").replace(' ', "-")
}

impl Guest {
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        request(self.at, method, path, &format!("{}{headers}", self.headers), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, "", body).await
    }

    pub(crate) async fn knock(&self, method: &str, path: &str) -> u16 {
        knock(self.at, method, path, &self.headers).await
    }

    /// Asks until the answer is as it should be.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
        let asking = async {
            loop {
                let answer = self.get(path).await;
                if is_so(&answer) {
                    return answer;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{path} never came to be so"))
    }
}

impl Worker<'_> {
    pub(crate) async fn ask(&self, query: &str, have: &[&str]) -> Answer {
        let headers = format!("{}X-Worker-Session: {}\r\n", self.board.headers, self.session);
        let path = format!("/api/workers/{}/next?{query}", self.id);
        request(self.board.at, "POST", &path, &headers, &json!({ "have": have }).to_string()).await
    }

    /// Takes a job that is there, started.
    pub(crate) async fn take(&self) -> Lease {
        let answer = self.ask("start=1&wait_ms=10000", &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        lease_of(&answer.json())
    }
}

pub(crate) fn lease_of(assignment: &Value) -> Lease {
    let id = assignment["lease"]["lease_id"].as_str().unwrap().to_owned();
    Lease { id, job: assignment["job"].clone() }
}
