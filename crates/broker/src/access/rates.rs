//! How often somebody may do something.

use crate::limits;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{DefaultDirectRateLimiter, NotUntil, Quota, RateLimiter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::AtomicUsize;

/// What one principal may do in a second.
#[derive(Debug)]
pub(crate) struct Allowance {
    submissions: Option<(NonZeroU32, DefaultDirectRateLimiter)>,
    passes: DefaultDirectRateLimiter,
    /// Its open streams and sockets.
    pub(super) places: AtomicUsize,
}

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance::new(None)
    }
}

/// Why so many submissions are not taken now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TooFast {
    Wait {
        per_second: u32,
        retry_after_s: u32,
    },
    /// So many never are at once.
    Never {
        per_second: u32,
    },
}

impl Allowance {
    pub(crate) fn new(submissions_per_second: Option<NonZeroU32>) -> Allowance {
        let submissions = submissions_per_second.map(|rate| (rate, RateLimiter::direct(Quota::per_second(rate))));
        Allowance { submissions, passes: RateLimiter::direct(limits::PASSES_QUOTA), places: AtomicUsize::new(0) }
    }

    /// Counts so many submissions.
    ///
    /// # Errors
    /// They are more than are left.
    pub(crate) fn submit(&self, jobs: usize) -> Result<(), TooFast> {
        let Some((rate, limiter)) = &self.submissions else { return Ok(()) };
        let Some(jobs) = u32::try_from(jobs).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        let per_second = rate.get();
        match limiter.check_n(jobs) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(TooFast::Wait { per_second, retry_after_s: seconds(&until) }),
            Err(_) => Err(TooFast::Never { per_second }),
        }
    }

    /// Counts a ticket or a session that is asked for; in how many seconds to come back.
    pub(super) fn pass(&self) -> Result<(), u32> {
        self.passes.check().map_err(|until| seconds(&until))
    }
}

fn seconds(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> u32 {
    let wait = until.wait_time_from(DefaultClock::default().now());
    u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX)
}

/// Wrong tokens, by where they come from.
pub(super) struct WrongTokens(RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>);

impl Default for WrongTokens {
    fn default() -> WrongTokens {
        WrongTokens(RateLimiter::hashmap(limits::WRONG_TOKENS_QUOTA))
    }
}

impl WrongTokens {
    /// In how many seconds to come back, if there were too many.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), u32> {
        // Too many addresses at once share what one may do.
        let is_full = self.0.len() >= limits::WRONG_ADDRESSES_MAX;
        let from = if is_full { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { neighbourhood(address) };
        self.0.check_key(&from).map_err(|until| seconds(&until))
    }

    pub(super) fn forget(&self) {
        self.0.retain_recent();
    }
}

/// What counts as one address: of IPv6 the first half, which is what one household has.
pub(super) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_as_its_jobs_and_one_that_never_fits_is_told_so() {
        let allowance = Allowance::new(NonZeroU32::new(10));
        assert_eq!(allowance.submit(11), Err(TooFast::Never { per_second: 10 }));
        assert_eq!(allowance.submit(10), Ok(()), "what was refused did not count");
        assert_eq!(allowance.submit(10), Err(TooFast::Wait { per_second: 10, retry_after_s: 1 }));
        assert_eq!(Allowance::default().submit(1_000_000), Ok(()));
    }

    #[test]
    fn who_guesses_is_slowed_down_where_it_is_and_others_are_not() {
        let wrong = WrongTokens::default();
        let of = |text: &str| -> IpAddr { text.parse().unwrap() };
        let burst = limits::WRONG_TOKENS_QUOTA.burst_size().get();
        let taken = (0..burst + 5).filter(|n| wrong.count(of(&format!("2001:db8::{n:x}"))).is_ok()).count();
        assert!((burst as usize..burst as usize + 5).contains(&taken), "{taken}");
        assert!(wrong.count(of("2001:db8:0:1::1")).is_ok());
        assert!(wrong.count(of("10.0.0.1")).is_ok());
        assert_eq!(neighbourhood(of("::ffff:10.0.0.1")), of("10.0.0.1"));
    }
}
