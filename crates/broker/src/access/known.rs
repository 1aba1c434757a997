//! Tokens as an operator writes them down: on a command line with their secret, in a file with its
//! SHA-256.

use super::secret::{from_hex, hex};
use super::{Digest, Roles, Secret};
use crate::limits;
use fleet::{CustomerId, Id, MachineId, PrincipalId};
use std::fmt;

/// What is wrong with a token that was written down. Says nothing of its secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TokenError(pub(super) String);

fn wrong<T>(why: impl Into<String>) -> Result<T, TokenError> {
    Err(TokenError(why.into()))
}

/// One token: who shows it, and what they may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownToken {
    pub(super) principal: PrincipalId,
    pub(super) roles: Roles,
    pub(super) customer: Option<CustomerId>,
    pub(super) machines: Option<Machines>,
    pub(super) digest: Digest,
}

/// One machine, or with a star at the end all whose ids begin so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Machines(String);

impl Machines {
    fn parse(text: &str) -> Result<Machines, TokenError> {
        match Id::parse(text.strip_suffix('*').unwrap_or(text)) {
            Ok(_) => Ok(Machines(text.to_owned())),
            Err(error) => wrong(format!("machines {error}; it is a machine's id, or how ids begin and a star: gpu-a*")),
        }
    }

    pub(crate) fn include(&self, machine: &MachineId) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => machine.as_str().starts_with(beginning),
            None => self.0 == machine.as_str(),
        }
    }
}

impl fmt::Display for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const ROLES: &str = "roles are client, monitor, worker and admin, joined by +";

impl KnownToken {
    /// Reads `ROLES:SECRET` or `NAME=ROLES:SECRET`, where a role may be bound: `client@acme`,
    /// `worker@gpu-a*`. Without a name, the roles as they are written are the principal's name.
    ///
    /// # Errors
    /// Says what is wrong; nothing of what was given is in it, it may be a secret.
    pub fn given(text: &Secret) -> Result<KnownToken, TokenError> {
        let Some((rights, secret)) = text.expose().split_once(':') else {
            return wrong("has no colon; it looks like client+monitor:SECRET or name=client:SECRET (no commas)");
        };
        if secret.len() < limits::SECRET_BYTES_MIN {
            let min = limits::SECRET_BYTES_MIN;
            return wrong(format!(
                "has a secret of {} bytes; at least {min} are needed, `callboard token new` makes a good one",
                secret.len()
            ));
        }
        let (name, roles) = rights.split_once('=').map_or((None, rights), |(name, roles)| (Some(name), roles));
        let name = name.unwrap_or(roles.trim_end_matches('*'));
        let mut token = KnownToken::nameless(Secret::new(secret).digest());
        for role in roles.split('+') {
            let (role, bound) = role.split_once('@').map_or((role, None), |(role, bound)| (role, Some(bound)));
            let Some(role) = Roles::of_word(role) else {
                return wrong(format!("has something else than roles before its colon; {ROLES}"));
            };
            token.roles = token.roles | role;
            match bound {
                Some(machines) if role == Roles::WORKER => token.bind_machines(machines)?,
                Some(customer) => token.bind_customer(customer)?,
                None => {}
            }
        }
        token.principal = principal(name)?;
        token.checked()
    }

    /// Reads `NAME ROLES [customer=ID] [machines=ID|PREFIX*] sha256:HEX`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn line(text: &str) -> Result<KnownToken, TokenError> {
        let mut words = text.split_whitespace();
        let (Some(name), Some(roles)) = (words.next(), words.next()) else {
            return wrong("is not NAME ROLES [customer=ID] [machines=PREFIX*] sha256:HEX");
        };
        let mut token = KnownToken::nameless([0; 32]);
        token.principal = principal(name)?;
        for role in roles.split(['+', ',']) {
            match Roles::of_word(role) {
                Some(role) => token.roles = token.roles | role,
                None => return wrong(format!("its second word is no list of roles; {ROLES}")),
            }
        }
        let mut has_digest = false;
        for word in words {
            if let Some(customer) = word.strip_prefix("customer=") {
                token.bind_customer(customer)?;
            } else if let Some(machines) = word.strip_prefix("machines=") {
                token.bind_machines(machines)?;
            } else if let Some(digest) = word.strip_prefix("sha256:") {
                let Some(digest) = from_hex(digest) else {
                    return wrong("what follows sha256: is not 64 hexadecimal digits");
                };
                if std::mem::replace(&mut has_digest, true) {
                    return wrong("has two sha256:; write one line for each secret, the same name may have several");
                }
                token.digest = digest;
            } else {
                return wrong("has a word that is none of customer=, machines= and sha256: (never the secret itself)");
            }
        }
        match has_digest {
            true => token.checked(),
            false => wrong("has no sha256:, the SHA-256 of its secret; `callboard token new` prints the whole line"),
        }
    }

    /// A token for a secret, as `callboard token new` makes one.
    ///
    /// # Errors
    /// The name, a role, or what it is bound to is wrong.
    pub fn new(
        name: &str,
        roles: &[String],
        customer: Option<&str>,
        machines: Option<&str>,
        secret: &Secret,
    ) -> Result<KnownToken, TokenError> {
        let mut token = KnownToken::nameless(secret.digest());
        token.principal = principal(name)?;
        for role in roles {
            match Roles::of_word(role) {
                Some(role) => token.roles = token.roles | role,
                None => return wrong(format!("{role:?} is no role; there are client, monitor, worker and admin")),
            }
        }
        if let Some(customer) = customer {
            token.bind_customer(customer)?;
        }
        if let Some(machines) = machines {
            token.bind_machines(machines)?;
        }
        token.checked()
    }

    fn nameless(digest: Digest) -> KnownToken {
        KnownToken { principal: PrincipalId::default(), roles: Roles::NONE, customer: None, machines: None, digest }
    }

    fn bind_customer(&mut self, customer: &str) -> Result<(), TokenError> {
        let bound = CustomerId::parse(customer).map_err(|error| TokenError(format!("its customer {error}")))?;
        match &self.customer {
            Some(other) if *other != bound => wrong("is bound to two customers"),
            _ => {
                self.customer = Some(bound);
                Ok(())
            }
        }
    }

    fn bind_machines(&mut self, machines: &str) -> Result<(), TokenError> {
        let machines = Machines::parse(machines)?;
        match self.machines.replace(machines) {
            Some(_) => wrong("is bound to machines twice"),
            None => Ok(()),
        }
    }

    fn checked(self) -> Result<KnownToken, TokenError> {
        if self.roles == Roles::NONE {
            return wrong(format!("has no role; {ROLES}"));
        }
        if self.customer.is_some() && self.roles.has_any(Roles::ADMIN) {
            return wrong("is an administrator's and bound to a customer; an administrator sees everything");
        }
        if self.customer.is_some() && !self.roles.has_any(Roles::CLIENT | Roles::MONITOR) {
            return wrong("is bound to a customer and neither a client's nor a monitor's");
        }
        if self.machines.is_some() && !self.roles.has_any(Roles::WORKER) {
            return wrong("is bound to machines and not a worker's");
        }
        Ok(self)
    }
}

fn principal(name: &str) -> Result<PrincipalId, TokenError> {
    PrincipalId::parse(name).map_err(|error| TokenError(format!("its name {error}")))
}

/// The line of a token file.
impl fmt::Display for KnownToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.principal, self.roles)?;
        if let Some(customer) = &self.customer {
            write!(f, " customer={customer}")?;
        }
        if let Some(machines) = &self.machines {
            write!(f, " machines={machines}")?;
        }
        write!(f, " sha256:{}", hex(&self.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn given(rights: &str) -> Result<KnownToken, TokenError> {
        KnownToken::given(&Secret::new(format!("{rights}:{SECRET}")))
    }

    #[test]
    fn a_token_of_the_command_line_is_named_by_its_roles_or_by_name() {
        for (rights, shown) in [
            ("client+monitor", "client+monitor client+monitor"),
            ("client@acme", "client@acme client customer=acme"),
            ("worker@gpu-a*", "worker@gpu-a worker machines=gpu-a*"),
            ("worker@gpu-a1", "worker@gpu-a1 worker machines=gpu-a1"),
            ("api=client@acme+monitor", "api client+monitor customer=acme"),
            ("admin", "admin admin"),
        ] {
            let token = given(rights).unwrap();
            assert_eq!(token.to_string(), format!("{shown} sha256:{}", hex(&super::super::secret::digest(SECRET))));
            assert_eq!(KnownToken::line(&token.to_string()), Ok(token), "the file's line is the same token");
        }
        let colons = KnownToken::given(&Secret::new("client:a:b:0123456789abcdef")).unwrap();
        assert_eq!(colons.digest, super::super::secret::digest("a:b:0123456789abcdef"));
    }

    #[test]
    fn what_is_wrong_with_a_token_is_said_without_its_secret() {
        let short = KnownToken::given(&Secret::new("client:0123456789abcde")).unwrap_err().to_string();
        assert!(short.contains("15 bytes; at least 16"), "{short}");
        for (rights, says) in [
            ("", "roles are client"),
            ("operator", "roles are client"),
            ("client@acme+monitor@other", "two customers"),
            ("admin@acme", "sees everything"),
            ("client@", "its customer must not be empty"),
            ("worker@*", "machines must not be empty"),
            ("-a=client", "its name may not contain '-'"),
        ] {
            let said = given(rights).unwrap_err().to_string();
            assert!(said.contains(says) && !said.contains(SECRET), "{rights}: {said}");
        }
        let no_colon = KnownToken::given(&Secret::new(SECRET)).unwrap_err().to_string();
        assert!(!no_colon.contains(SECRET), "{no_colon}");
    }

    #[test]
    fn a_machine_is_included_by_its_id_or_by_how_it_begins() {
        let machine = |id| MachineId::parse(id).unwrap();
        let (prefix, one) = (Machines::parse("gpu-a*").unwrap(), Machines::parse("gpu-a").unwrap());
        assert!(prefix.include(&machine("gpu-a")) && prefix.include(&machine("gpu-a7")));
        assert!(!prefix.include(&machine("gpu-b")) && !prefix.include(&machine("x-gpu-a")));
        assert!(one.include(&machine("gpu-a")) && !one.include(&machine("gpu-a7")));
    }
}
