//! `callboard token`.

use crate::args::NewToken;
use crate::say::{note, say};
use broker::{KnownToken, Secret};
use std::process::ExitCode;

/// The secret is shown this once; what is written down lets in who has it and says nothing of it.
pub(crate) fn new(args: &NewToken) -> anyhow::Result<ExitCode> {
    let secret = Secret::fresh()?;
    let NewToken { name, role, customer, machines } = args;
    let token = KnownToken::new(name, role, customer.as_deref(), machines.as_deref(), &secret)?;
    say(&token.to_string())?;
    note(&format!("the secret, shown this once: {}", secret.expose()));
    Ok(ExitCode::SUCCESS)
}
