//! The tokens that hold now.

use super::known::{KnownToken, TokenError};
use super::rates::Allowance;
use super::token_file::TokenFile;
use super::{Caller, Digest, Secret, Token};
use crate::config::Config;
use fleet::PrincipalId;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub(super) struct Register {
    /// Replaced whole when the file changes; a request reads it for as long as one lookup takes.
    now: RwLock<Arc<Table>>,
    given: Vec<KnownToken>,
    rate_limit: Option<NonZeroU32>,
    file: Option<Mutex<TokenFile>>,
}

/// Tokens by the beginnings of their digests, so that one lookup finds the few to compare.
#[derive(Default)]
struct Table(Vec<(Digest, Caller)>);

impl Table {
    fn find(&self, digest: &Digest) -> Option<&Caller> {
        let from = self.0.partition_point(|(known, _)| beginning(known) < beginning(digest));
        let alike = self.0[from..].iter().take_while(|(known, _)| beginning(known) == beginning(digest));
        // Digests are compared to their end, whatever differs first.
        alike.filter(|(known, _)| bool::from(known.ct_eq(digest))).map(|(_, caller)| caller).next()
    }
}

fn beginning(digest: &Digest) -> &[u8] {
    &digest[..8]
}

impl Register {
    pub(super) fn open(config: &Config) -> Result<Register, TokenError> {
        let (file, tokens) = match &config.token_file {
            None => (None, Vec::new()),
            Some(path) => {
                let (file, tokens) = TokenFile::open(path)?;
                (Some(Mutex::new(file)), tokens)
            }
        };
        let given = config.tokens.clone();
        let register = Register { now: RwLock::default(), given, rate_limit: config.rate_limit, file };
        register.replace(tokens)?;
        Ok(register)
    }

    pub(super) fn caller_of(&self, token: &Secret) -> Option<Caller> {
        let digest = token.digest();
        self.now.read().unwrap_or_else(PoisonError::into_inner).find(&digest).cloned()
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rereads the file if it has changed. What cannot be read changes nothing.
    pub(super) async fn look(&self) {
        let Some(file) = &self.file else { return };
        let mut file = file.lock().await;
        let read = match file.changed().await {
            None => return,
            Some(read) => read.and_then(|tokens| self.replace(tokens)),
        };
        match read {
            Ok(count) => tracing::info!(tokens = count, "{} was read again", file.shown()),
            Err(error) => tracing::error!("{error}; the tokens of before hold until it is put right"),
        }
    }

    /// From now on the given tokens and these hold. What was opened with one that is no longer there,
    /// or may something else now, ends.
    fn replace(&self, of_file: Vec<KnownToken>) -> Result<usize, TokenError> {
        let before = self.table();
        let mut allowances: HashMap<PrincipalId, Arc<Allowance>> = HashMap::new();
        for (_, Caller(token)) in &before.0 {
            allowances.insert(token.principal.clone(), Arc::clone(&token.allowance));
        }
        let mut table = Table::default();
        for known in self.given.iter().cloned().chain(of_file) {
            let unchanged = before.find(&known.digest).filter(|caller| is_still(&caller.0, &known));
            let caller = unchanged.cloned().unwrap_or_else(|| {
                let allowance = allowances.entry(known.principal.clone());
                let allowance = allowance.or_insert_with(|| Arc::new(Allowance::new(self.rate_limit)));
                Caller(Arc::new(Token {
                    principal: known.principal,
                    roles: known.roles,
                    customer: known.customer,
                    machines: known.machines,
                    gone: CancellationToken::new(),
                    allowance: Arc::clone(allowance),
                }))
            });
            table.0.push((known.digest, caller));
        }
        table.0.sort_by_key(|(digest, _)| *digest);
        if let Some([one, other]) = table.0.array_windows().find(|[one, other]| one.0 == other.0) {
            let (one, other) = (&one.1.0.principal, &other.1.0.principal);
            return Err(TokenError(format!(
                "the tokens of {one} and {other} have the same secret; each needs its own"
            )));
        }
        let count = table.0.len();
        let stays = |caller: &Caller| table.0.iter().any(|(_, now)| Arc::ptr_eq(&now.0, &caller.0));
        let gone: Vec<Caller> =
            before.0.iter().filter(|(_, caller)| !stays(caller)).map(|(_, caller)| caller.clone()).collect();
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        // Only now: who is sent away and comes again at once must not find the old token.
        for Caller(token) in gone {
            tracing::info!(principal = %token.principal, "a token is gone or has changed: what was opened with it ends");
            token.gone.cancel();
        }
        Ok(count)
    }
}

fn is_still(token: &Token, known: &KnownToken) -> bool {
    token.principal == known.principal
        && token.roles == known.roles
        && token.customer == known.customer
        && token.machines == known.machines
}

#[cfg(test)]
mod tests {
    use super::super::Roles;
    use super::*;

    fn secret(name: &str) -> Secret {
        Secret::new(format!("{name:-<16}"))
    }

    fn token(name: &str, role: &str) -> KnownToken {
        KnownToken::new(name, &[role.to_owned()], None, None, &secret(name)).unwrap()
    }

    fn register() -> Register {
        let register = Register::open(&Config { tokens: vec![token("given", "admin")], ..Config::default() }).unwrap();
        register.replace(vec![token("a", "client"), token("b", "client")]).unwrap();
        register
    }

    #[test]
    fn a_token_that_stays_as_it_is_is_not_disturbed_and_others_end() {
        let register = register();
        let of = |name| register.caller_of(&secret(name)).unwrap();
        let (given, a, b) = (of("given"), of("a"), of("b"));
        register.replace(vec![token("a", "monitor"), token("c", "client")]).unwrap();
        assert!(a.0.gone.is_cancelled(), "it may something else now");
        assert!(b.0.gone.is_cancelled() && register.caller_of(&secret("b")).is_none(), "it is not there any more");
        assert!(!given.0.gone.is_cancelled() && Arc::ptr_eq(&given.0, &of("given").0));
        assert_eq!(of("a").0.roles, Roles::MONITOR);
        assert!(Arc::ptr_eq(&a.0.allowance, &of("a").0.allowance), "what was counted of the principal still counts");
    }

    #[test]
    fn two_tokens_of_one_secret_are_refused_and_those_of_before_hold() {
        let register = register();
        let twin = KnownToken::new("twin", &["admin".to_owned()], None, None, &secret("a")).unwrap();
        let why = register.replace(vec![token("a", "client"), twin]).unwrap_err().to_string();
        assert!(why.contains("a and twin") || why.contains("twin and a"), "{why}");
        assert!(!register.caller_of(&secret("b")).unwrap().0.gone.is_cancelled());
        assert!(register.caller_of(&secret("nobody")).is_none());
    }
}
