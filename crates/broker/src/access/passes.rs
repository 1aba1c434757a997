//! What is issued to a caller for a while: sessions, found again and again, and tickets, taken once.
//! They live in memory and end with the process, and with the token they were issued for.

use super::{Caller, Digest, NotLetIn, Secret};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct Passes {
    life: Duration,
    max: usize,
    /// Of one principal; beyond, its oldest ends.
    each_max: usize,
    issued: Mutex<HashMap<Digest, Pass>>,
}

struct Pass {
    caller: Caller,
    until: Instant,
}

impl Pass {
    fn holds(&self, now: Instant) -> bool {
        now < self.until && !self.caller.0.gone.is_cancelled()
    }
}

impl Passes {
    pub(super) fn new(life: Duration, max: usize, each_max: usize) -> Passes {
        Passes { life, max, each_max, issued: Mutex::default() }
    }

    pub(crate) fn life(&self) -> Duration {
        self.life
    }

    /// # Errors
    /// The caller asks too often, or there are too many of all.
    pub(crate) fn issue(&self, caller: &Caller, now: Instant) -> Result<Secret, NotLetIn> {
        let too_often =
            |retry_after_s| NotLetIn::TooOften { what: "sessions and tickets of this principal", retry_after_s };
        caller.0.allowance.pass().map_err(too_often)?;
        let secret = Secret::fresh().map_err(|_| NotLetIn::NoRandomness)?;
        let mut issued = self.issued();
        let theirs = || issued.iter().filter(|(_, pass)| pass.caller.0.principal == caller.0.principal);
        if theirs().count() >= self.each_max
            && let Some(oldest) = theirs().min_by_key(|(_, pass)| pass.until).map(|(digest, _)| *digest)
            && let Some(pass) = issued.remove(&oldest)
        {
            pass.caller.0.gone.cancel();
        }
        if issued.len() >= self.max {
            return Err(NotLetIn::TooManyPasses { max: self.max });
        }
        issued.insert(secret.digest(), Pass { caller: caller.on_its_own(), until: now + self.life });
        Ok(secret)
    }

    pub(crate) fn find(&self, secret: &Secret, now: Instant) -> Option<Caller> {
        let digest = secret.digest();
        self.issued().get(&digest).filter(|pass| pass.holds(now)).map(|pass| pass.caller.clone())
    }

    /// It holds this once.
    pub(crate) fn take(&self, secret: &Secret, now: Instant) -> Option<Caller> {
        let digest = secret.digest();
        self.issued().remove(&digest).filter(|pass| pass.holds(now)).map(|pass| pass.caller)
    }

    /// It holds no longer, and what was opened with it ends.
    pub(crate) fn end(&self, secret: &Secret) {
        let digest = secret.digest();
        if let Some(pass) = self.issued().remove(&digest) {
            pass.caller.0.gone.cancel();
        }
    }

    /// Ends those whose time is over.
    pub(super) fn sweep(&self, now: Instant) {
        self.issued().retain(|_, pass| {
            let holds = pass.holds(now);
            if !holds {
                pass.caller.0.gone.cancel();
            }
            holds
        });
    }

    fn issued(&self) -> MutexGuard<'_, HashMap<Digest, Pass>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rates::Allowance;
    use super::*;

    #[test]
    fn a_ticket_is_taken_once_and_in_time() {
        let (passes, now) = (Passes::new(Duration::from_secs(30), 10, 10), Instant::now());
        let caller = Caller::local(Allowance::default());
        let (one, late) = (passes.issue(&caller, now).unwrap(), passes.issue(&caller, now).unwrap());
        assert!(passes.take(&one, now + Duration::from_millis(29_999)).is_some());
        assert!(passes.take(&one, now).is_none(), "twice");
        assert!(passes.take(&late, now + Duration::from_secs(30)).is_none(), "late");
        assert!(passes.take(&Secret::new("none"), now).is_none());
    }

    #[test]
    fn what_ends_ends_what_was_opened_with_it_and_so_does_its_token() {
        let (passes, now) = (Passes::new(Duration::from_secs(30), 10, 2), Instant::now());
        let caller = Caller::local(Allowance::default());
        let issue = |at| passes.issue(&caller, at).unwrap();
        let [first, second] = [issue(now), issue(now + Duration::from_secs(1))];
        let of = |secret: &Secret| passes.find(secret, now).map(|caller| caller.0.gone.clone());
        let (of_first, of_second) = (of(&first).unwrap(), of(&second).unwrap());
        let third = issue(now + Duration::from_secs(2));
        assert!(of_first.is_cancelled() && of(&first).is_none(), "the oldest makes room");
        passes.end(&second);
        assert!(of_second.is_cancelled() && !caller.0.gone.is_cancelled());
        let of_third = of(&third).unwrap();
        passes.sweep(now + Duration::from_secs(31));
        assert!(!of_third.is_cancelled());
        caller.0.gone.cancel();
        assert!(of_third.is_cancelled() && of(&third).is_none());
    }
}
