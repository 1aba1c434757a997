//! Who asks, and what they may.
#![allow(dead_code)] // until all doors ask

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fleet::{ClientId, CustomerId, JobSpec, Owner, PrincipalId};
use std::convert::Infallible;
use std::ops::BitOr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A set of roles (`wire.md` §12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Roles(u8);

impl Roles {
    pub(crate) const NONE: Roles = Roles(0);
    pub(crate) const CLIENT: Roles = Roles(1);
    pub(crate) const MONITOR: Roles = Roles(1 << 1);
    pub(crate) const WORKER: Roles = Roles(1 << 2);
    pub(crate) const ADMIN: Roles = Roles(1 << 3);
    pub(crate) const ALL: Roles = Roles(0xf);

    pub(crate) fn has_any(self, of: Roles) -> bool {
        self.0 & of.0 != 0
    }
}

impl BitOr for Roles {
    type Output = Roles;

    fn bitor(self, other: Roles) -> Roles {
        Roles(self.0 | other.0)
    }
}

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
    /// As a worker, acts only for machines whose ids begin so.
    pub(crate) machines: Option<String>,
    /// Cancelled when the token is gone: its streams end.
    pub(crate) gone: CancellationToken,
}

impl Caller {
    /// Everyone, while there are no tokens: all roles, and the name `local`.
    pub(crate) fn local() -> Caller {
        Caller(Arc::new(Token {
            principal: PrincipalId::default(),
            roles: Roles::ALL,
            customer: None,
            machines: None,
            gone: CancellationToken::new(),
        }))
    }

    /// Who may nothing.
    pub(crate) fn nobody() -> Caller {
        Caller(Arc::new(Token {
            principal: PrincipalId::default(),
            roles: Roles::NONE,
            customer: None,
            machines: None,
            gone: CancellationToken::new(),
        }))
    }

    /// Whether a job exists for the caller. Who submitted it and for whom never changes.
    pub(crate) fn may_see(&self, spec: &JobSpec) -> bool {
        self.sees_all() || self.owns(spec)
    }

    /// Whether it may be cancelled and so on.
    pub(crate) fn may_change(&self, spec: &JobSpec) -> bool {
        self.0.roles.has_any(Roles::ADMIN) || self.0.roles.has_any(Roles::CLIENT) && self.owns(spec)
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

    /// What it submits belongs to this.
    pub(crate) fn owner(&self, client: Option<ClientId>) -> Owner {
        Owner { principal: self.0.principal.clone(), client }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        // The entrance has put it there.
        Ok(parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::nobody))
    }
}
