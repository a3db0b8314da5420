//! Wrong tokens are rationed per address: a token bucket for each, so that guessing is slow and the owner is not locked
//! out by a guesser elsewhere.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Wrong tokens in a row that an address may send.
const BURST: u32 = 5;
/// One more after this time.
const REFILL: Duration = Duration::from_secs(12);
/// What is owed when the bucket is empty but for one.
const OWED_MAX: Duration = Duration::from_secs((BURST as u64 - 1) * REFILL.as_secs());
/// Addresses remembered. Beyond it, addresses share one bucket, which only makes guessing slower.
const ADDRESSES_MAX: usize = 256;

/// When the bucket of each address is full again: each failure moves it one refill on.
#[derive(Default)]
pub(crate) struct Failures {
    full_at: HashMap<Option<IpAddr>, Duration>,
}

impl Failures {
    /// Seconds to wait if `address` has used up its failures, at the monotonic time `now`.
    pub(crate) fn wait(&self, address: Option<IpAddr>, now: Duration) -> Option<u64> {
        let full_at = *self.full_at.get(&self.key(address))?;
        let wait = full_at.saturating_sub(now).saturating_sub(OWED_MAX);
        (!wait.is_zero()).then(|| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// Counts a failure of `address`. Returns whether this was its last free one.
    pub(crate) fn count(&mut self, address: Option<IpAddr>, now: Duration) -> bool {
        if self.full_at.len() >= ADDRESSES_MAX {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let full_at = self.full_at.entry(self.key(address)).or_default();
        *full_at = (*full_at).max(now).saturating_add(REFILL);
        *full_at > now.saturating_add(OWED_MAX)
    }

    /// Its own bucket while there is room, else the shared one.
    fn key(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        let own = address.map(network);
        if self.full_at.contains_key(&own) || self.full_at.len() < ADDRESSES_MAX { own } else { None }
    }
}

/// An IPv6 host has a whole /64 to itself, so that is what counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const GUESSER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    const OWNER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));

    #[test]
    fn an_address_runs_dry_and_refills_while_others_are_free() {
        let mut failures = Failures::default();
        let start = Duration::from_secs(100);
        let counted: Vec<bool> = (0..5).map(|_| failures.count(GUESSER, start)).collect();
        assert_eq!(counted, [false, false, false, false, true]);
        assert_eq!(failures.wait(GUESSER, start), Some(12));
        assert_eq!(failures.wait(OWNER, start), None);
        assert_eq!(failures.wait(GUESSER, start + Duration::from_secs(11)), Some(1));
        assert_eq!(failures.wait(GUESSER, start + Duration::from_secs(12)), None);
    }

    #[test]
    fn memory_is_bounded_whatever_the_number_of_addresses() {
        let mut failures = Failures::default();
        for n in 0..10_000_u32 {
            failures.count(Some(IpAddr::from(n.to_be_bytes())), Duration::from_secs(1));
        }
        assert!(failures.full_at.len() <= ADDRESSES_MAX + 1);
        assert!(
            failures.wait(Some(IpAddr::from([9, 9, 9, 9])), Duration::from_secs(1)).is_some(),
            "shared bucket"
        );
    }

    #[test]
    fn one_ipv6_network_is_one_guesser() {
        let mut failures = Failures::default();
        for n in 0..5_u16 {
            failures.count(Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n])), Duration::ZERO);
        }
        assert!(failures.wait(Some("2001:db8::ffff".parse().unwrap()), Duration::ZERO).is_some());
    }
}
