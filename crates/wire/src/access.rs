//! Signing in and out, and tickets (`wire.md` §12).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/session`. Has no `Debug`: the token is a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInBody {
    pub token: String,
}

/// The answer to `POST /api/session`; the session itself is in the cookie.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignedIn {
    pub success: bool,
    pub principal: String,
    pub roles: Vec<String>,
    /// The one whose jobs are shown, if it is bound to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    pub expires_at: String,
}

/// The answer to `DELETE /api/session`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignedOut {
    pub success: bool,
}

/// The answer to `POST /api/tickets`. Has no `Debug`: the ticket is a secret.
#[derive(Clone, Serialize, ToSchema)]
pub struct TicketIssued {
    pub success: bool,
    /// For `?ticket=`, once.
    pub ticket: String,
    pub expires_at: String,
}
