//! Who asks, and what they may.
//!
//! ```text
//!   a request ── credentials ──▶ Access ──▶ Caller ── matrix ──▶ its door
//!                                  │ tokens (given, or of a file that is reread)
//!                                  │ sessions and tickets, each issued to a caller
//! ```

mod known;
mod matrix;
mod origins;
mod passes;
mod places;
mod rates;
mod register;
mod roles;
mod secret;
mod token_file;

pub use known::{KnownToken, TokenError};
pub(crate) use matrix::{Entry, Who, entry_of, methods_of};
pub use origins::{AllowOrigin, OriginError};
pub(crate) use origins::{From as PageFrom, from as page_from};
pub(crate) use places::Place;
use places::Places;
use rates::WrongTokens;
pub(crate) use rates::{Allowance, TooFast};
use register::Register;
pub(crate) use roles::Roles;
use secret::Digest;
pub use secret::Secret;

use crate::config::Config;
use crate::limits;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fleet::{ClientId, CustomerId, JobSpec, MachineId, Owner, PrincipalId};
use known::Machines;
use passes::Passes;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Who a request comes from. Every request has one; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Arc<Token>);
/// What is known of a caller.
#[derive(Debug)]
pub(crate) struct Token {
    /// The token's name; `local` while there are no tokens.
    pub(crate) principal: PrincipalId,
    pub(crate) roles: Roles,
    /// Sees exactly this customer's jobs, and submits under no other.
    pub(crate) customer: Option<CustomerId>,
    /// As a worker, acts only for these machines.
    pub(crate) machines: Option<Machines>,
    /// Cancelled when the token is gone: its streams end.
    pub(crate) gone: CancellationToken,
    /// What the principal may do in a second, whichever of its tokens it shows.
    pub(crate) allowance: Arc<Allowance>,
}

impl Caller {
    /// Everyone, while there are no tokens: all roles, and the name `local`.
    pub(crate) fn local(allowance: Allowance) -> Caller {
        Caller::unbound(Roles::ALL, allowance)
    }

    /// Who may nothing.
    pub(crate) fn nobody() -> Caller {
        Caller::unbound(Roles::NONE, Allowance::default())
    }

    fn unbound(roles: Roles, allowance: Allowance) -> Caller {
        Caller(Arc::new(Token {
            principal: PrincipalId::default(),
            roles,
            customer: None,
            machines: None,
            gone: CancellationToken::new(),
            allowance: Arc::new(allowance),
        }))
    }

    /// The same, but what is issued to it may end before the token does.
    fn on_its_own(&self) -> Caller {
        let Token { principal, roles, customer, machines, gone, allowance } = &*self.0;
        Caller(Arc::new(Token {
            principal: principal.clone(),
            roles: *roles,
            customer: customer.clone(),
            machines: machines.clone(),
            gone: gone.child_token(),
            allowance: Arc::clone(allowance),
        }))
    }

    /// Whether a job exists for the caller. Who submitted it and for whom never changes.
    pub(crate) fn may_see(&self, spec: &JobSpec) -> bool {
        self.sees_all() || self.0.roles.has_any(Roles::CLIENT | Roles::MONITOR) && self.owns(spec)
    }

    /// Whether it may be cancelled and so on.
    pub(crate) fn may_change(&self, spec: &JobSpec) -> bool {
        self.is_admin() || self.0.roles.has_any(Roles::CLIENT) && self.owns(spec)
    }

    /// Whether payload and result may be shown, where monitors are not to have them.
    pub(crate) fn may_read(&self, spec: &JobSpec, config: &Config) -> bool {
        !config.redact_payloads || self.may_change(spec)
    }

    /// Whether all jobs that it may see are ones whose payload it may read.
    pub(crate) fn finds_by_payload(&self) -> bool {
        self.is_admin() || self.0.roles.has_any(Roles::CLIENT) && !self.sees_all()
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.0.roles.has_any(Roles::ADMIN)
    }

    pub(crate) fn sees_all(&self) -> bool {
        self.0.customer.is_none() && self.0.roles.has_any(Roles::MONITOR | Roles::ADMIN)
    }

    fn owns(&self, spec: &JobSpec) -> bool {
        match &self.0.customer {
            Some(customer) => spec.customer.as_ref() == Some(customer),
            None => spec.owner.principal == self.0.principal,
        }
    }

    /// How far its lists reach: as [`may_see`](Self::may_see), for an index.
    pub(crate) fn reach(&self) -> Reach<'_> {
        match &self.0.customer {
            _ if self.sees_all() => Reach::All,
            Some(customer) => Reach::Customer(customer),
            None => Reach::Principal(&self.0.principal),
        }
    }

    /// Its name, if what it does to such a job is an administrator's act.
    pub(crate) fn by_office(&self, spec: &JobSpec) -> Option<PrincipalId> {
        let is_own = self.0.roles.has_any(Roles::CLIENT) && self.owns(spec);
        (!is_own).then(|| self.0.principal.clone())
    }

    pub(crate) fn is_worker(&self) -> bool {
        self.0.roles.has_any(Roles::WORKER)
    }

    /// Whether it may submit a job for this customer, or for none.
    pub(crate) fn may_submit_for(&self, customer: Option<&CustomerId>) -> bool {
        self.0.customer.is_none() || self.0.customer.as_ref() == customer
    }

    /// Whether it may speak for this machine and its workers.
    pub(crate) fn may_act_for(&self, machine: &MachineId) -> bool {
        self.is_admin() || self.0.machines.as_ref().is_none_or(|machines| machines.include(machine))
    }

    /// What it submits belongs to this.
    pub(crate) fn owner(&self, client: Option<ClientId>) -> Owner {
        Owner { principal: self.0.principal.clone(), client }
    }
}

/// Whose jobs a caller may see.
pub(crate) enum Reach<'a> {
    All,
    Customer(&'a CustomerId),
    Principal(&'a PrincipalId),
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        // The entrance has put it there.
        Ok(parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::nobody))
    }
}

/// The address a request came from: of a proxy, if there is one before us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Peer, Infallible> {
        Ok(parts.extensions.get::<Peer>().copied().unwrap_or_default())
    }
}

/// Not known: one like all others that are not.
impl Default for Peer {
    fn default() -> Peer {
        Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// What a request shows of who it is. The texts are secrets.
pub(crate) enum Shown {
    Nothing,
    Token(Secret),
    Ticket(Secret),
    Session(Secret),
}

/// Why somebody is not let in, or not now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotLetIn {
    NothingShown,
    WrongToken,
    NoTicket,
    SessionEnded,
    /// It was let in, and its token is gone since.
    Revoked,
    TooOften {
        what: &'static str,
        retry_after_s: u32,
    },
    TooManyPasses {
        max: usize,
    },
    NoRandomness,
    TooManyPlaces {
        whose: &'static str,
        max: usize,
    },
}

/// All that is known of callers.
pub(crate) struct Access {
    register: Register,
    pub(crate) sessions: Passes,
    pub(crate) tickets: Passes,
    wrong: WrongTokens,
    places: Arc<Places>,
    /// Everyone, if there are no tokens at all.
    local: Option<Caller>,
}

impl Access {
    /// # Errors
    /// The token file cannot be read, or what it says is wrong.
    pub(crate) fn open(config: &Config) -> Result<Access, TokenError> {
        let is_open = config.tokens.is_empty() && config.token_file.is_none();
        Ok(Access {
            register: Register::open(config)?,
            sessions: Passes::new(limits::SESSION_LIFE, limits::SESSIONS_MAX, limits::SESSIONS_EACH_MAX),
            tickets: Passes::new(config.ticket_life, limits::TICKETS_MAX, limits::TICKETS_EACH_MAX),
            wrong: WrongTokens::default(),
            places: Arc::default(),
            local: is_open.then(|| Caller::local(Allowance::new(config.rate_limit))),
        })
    }

    /// There are no tokens: everyone is `local`.
    pub(crate) fn is_open(&self) -> bool {
        self.local.is_some()
    }

    /// # Errors
    /// What is shown is nobody's, or nobody's any more.
    pub(crate) fn caller_of(&self, shown: &Shown, peer: Peer) -> Result<Caller, NotLetIn> {
        if let Some(local) = &self.local {
            return Ok(local.clone());
        }
        let now = Instant::now();
        match shown {
            Shown::Nothing => Err(NotLetIn::NothingShown),
            Shown::Token(token) => self.register.caller_of(token).ok_or_else(|| self.wrong(peer, NotLetIn::WrongToken)),
            Shown::Ticket(ticket) => self.tickets.take(ticket, now).ok_or_else(|| self.wrong(peer, NotLetIn::NoTicket)),
            Shown::Session(session) => self.sessions.find(session, now).ok_or(NotLetIn::SessionEnded),
        }
    }

    /// Who guesses is slowed down; who shows a token that holds is let in whatever others of its
    /// address do, because a proxy's address is everyone's.
    fn wrong(&self, peer: Peer, error: NotLetIn) -> NotLetIn {
        match self.wrong.count(peer.0) {
            Ok(()) => {
                tracing::warn!(address = %peer.0, "a token or ticket that is not known was shown");
                error
            }
            Err(retry_after_s) => NotLetIn::TooOften { what: "wrong tokens from this address", retry_after_s },
        }
    }

    /// A place for one open stream or socket, given back when it is dropped.
    ///
    /// # Errors
    /// There are too many: in all, of the caller's, or from the address.
    pub(crate) fn place(&self, caller: &Caller, address: IpAddr) -> Result<Place, NotLetIn> {
        Places::take(&self.places, &caller.0.allowance, address)
    }

    /// Rereads the token file when it changes, and forgets what has run out, until it is stopped.
    pub(crate) async fn run(self: Arc<Access>, stop: CancellationToken) {
        let mut every = tokio::time::interval(limits::TOKENS_EVERY);
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            self.register.look().await;
            self.wrong.forget();
            let now = Instant::now();
            self.sessions.sweep(now);
            self.tickets.sweep(now);
        }
    }
}
