//! `callboard serve`.

use crate::args::Serve;
use anyhow::{Context, bail};
use broker::{Broker, Config, KnownToken, Secret, StartError};
use std::net::SocketAddr;
use std::time::Duration;
use store::StoreError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// So often a broker that cannot start for want of room tries again.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: Serve, shutdown: CancellationToken) -> anyhow::Result<()> {
    let Serve {
        listen,
        store,
        token,
        token_file,
        allow_origin,
        rate_limit,
        redact_payloads,
        allow_host,
        starve_after,
        journal_keep,
        archive_keep,
        checkpoint_every,
        search,
        log_format: _,
        insecure_no_auth,
    } = args;
    let tokens = known(&token)?;
    let asks_for_tokens = !tokens.is_empty() || token_file.is_some();
    if !listen.ip().is_loopback() && !asks_for_tokens && !insecure_no_auth {
        bail!(
            "{listen} can be reached from elsewhere, and everyone who reaches it could do everything. \
             Give it tokens (--token, or --token-file with lines that `callboard token new` makes), \
             listen on 127.0.0.1, or say --insecure-no-auth"
        );
    }
    let config = Config {
        allow_hosts: allow_host,
        any_host: insecure_no_auth,
        tokens,
        token_file,
        allow_origins: allow_origin,
        rate_limit,
        redact_payloads,
        starve_after,
        journal_keep,
        archive_keep,
        checkpoint_every,
        search,
        ..config_for(&store)
    };
    // First the address: opening the store takes it from whoever has it, and a broker that cannot
    // listen must not have done that.
    let listener = bind(listen).await?;
    let Some(broker) = shutdown.run_until_cancelled(Box::pin(start_with_room(&store, config))).await else {
        return Ok(());
    };
    let broker = broker?;
    let address = listener.local_addr()?;
    if insecure_no_auth {
        tracing::warn!("anyone who reaches {address} may do everything (--insecure-no-auth)");
    } else if !asks_for_tokens {
        tracing::info!("no tokens: for programs of this machine only");
    }
    tracing::info!(%store, "callboard {} at http://{address}", env!("CARGO_PKG_VERSION"));
    broker.serve(listener, shutdown).await?;
    Ok(())
}

/// What is wrong with one is said by its place: the text itself is a secret.
fn known(tokens: &[Secret]) -> anyhow::Result<Vec<KnownToken>> {
    let numbered = tokens.iter().enumerate();
    let parse = |(at, token)| KnownToken::given(token).with_context(|| format!("--token number {}", at + 1));
    numbered.map(parse).collect()
}

pub(crate) fn config_for(store: &str) -> Config {
    let kind = store.split_once(':').map_or(store, |(kind, _)| kind);
    Config { store_kind: kind.to_owned(), ..Config::default() }
}

/// Starts, on a full disk as soon as there is room.
async fn start_with_room(store: &str, config: Config) -> anyhow::Result<Broker> {
    let mut was_full = false;
    loop {
        let error = match start(store, config.clone()).await {
            Err(error) if is_full(&error) => error,
            outcome => return outcome,
        };
        if !std::mem::replace(&mut was_full, true) {
            tracing::error!("{error:#}; it starts when there is room");
        }
        tokio::time::sleep(LOOK_FOR_ROOM).await;
    }
}

fn is_full(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Full { .. }))
        || matches!(error.downcast_ref(), Some(StartError::Full(_)))
}

pub(crate) async fn start(store: &str, config: Config) -> anyhow::Result<Broker> {
    let store = store::open(store, &store::Options { search: config.search })?;
    Ok(Broker::start(store, config).await?)
}

pub(crate) async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let hint = || format!("cannot listen on {listen}; choose another address with --listen");
    TcpListener::bind(listen).await.with_context(hint)
}
