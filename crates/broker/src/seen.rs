//! Which clients are there, and how far each has confirmed what it was told: written down now and
//! then, so that they can come back without saying where they were.

use crate::connections::{Connections, Kind};
use crate::desk::Desk;
use crate::limits;
use fleet::{ClientId, ClientKey, Command};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What was confirmed since it was last written down.
#[derive(Default)]
pub(crate) struct Seen(Mutex<BTreeMap<ClientKey, u64>>);

impl Seen {
    /// The client has everything up to event `seq`.
    pub(crate) fn confirm(&self, client: &ClientKey, seq: u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let confirmed = seen.entry(client.clone()).or_default();
        *confirmed = seq.max(*confirmed);
    }

    fn take(&self) -> BTreeMap<ClientKey, u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes it down until `stop`, and then once more.
    pub(crate) async fn run(self: Arc<Seen>, desk: Desk, connections: Arc<Connections>, stop: CancellationToken) {
        let mut all_at = Instant::now() + limits::SEEN_AT_LEAST_EVERY;
        loop {
            let is_last = stop.run_until_cancelled(tokio::time::sleep(limits::SEEN_EVERY)).await.is_none();
            let mut clients = self.take();
            if is_last || Instant::now() >= all_at {
                all_at = Instant::now() + limits::SEEN_AT_LEAST_EVERY;
                connected(&connections).for_each(|client| {
                    clients.entry(client).or_default();
                });
            }
            if !clients.is_empty() {
                let seen = Command::ClientsSeen { clients: clients.into_iter().collect() };
                // What could not be written down comes twice to a client that comes back, never less.
                let _ = desk.ask(seen).await;
            }
            if is_last {
                return;
            }
        }
    }
}

fn connected(connections: &Connections) -> impl Iterator<Item = ClientKey> {
    let clients = connections.all().into_iter().filter(|watcher| watcher.watches.kind == Kind::Client);
    clients.filter_map(|watcher| {
        let client = ClientId::parse(watcher.watches.id.as_deref()?).ok()?;
        Some(ClientKey { principal: watcher.principal.clone(), client })
    })
}
