//! How often limits are looked at when something new is known: at once, and in a storm of news no more often than is good
//! for a small processor.
//!
//! A GX device tells some thirty changes a second in bursts; a look costs less than a tenth of a millisecond.

use std::time::Duration;

use ohmstead_model::Moment;

/// On average no more often than this.
const BETWEEN: Duration = Duration::from_millis(20);
/// What was not used in quiet times may be used at once, up to this.
const SAVED: Duration = Duration::from_millis(400);

/// What has been looked at.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Up to when its looks last, each [`BETWEEN`] long.
    used: Duration,
}

impl Pace {
    /// How long until the next look.
    pub(super) fn wait(&self, now: Moment) -> Duration {
        self.used.saturating_sub(now.mono.saturating_add(SAVED))
    }

    /// It was looked at what is new.
    pub(super) fn looked(&mut self, now: Moment) {
        self.used = self.used.max(now.mono).saturating_add(BETWEEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it is looked at in the last second of a storm that began after a quiet hour, and how long the first
    /// twenty had to wait.
    #[test]
    fn the_first_are_looked_at_at_once_and_a_storm_is_kept_off() {
        let (mut pace, start) = (Pace::default(), 3_600_000_u64);
        let (mut looks, mut first_wait) = (Vec::new(), Duration::ZERO);
        let mut now = start;
        while now < start + 10_000 {
            let wait = pace.wait(Moment { mono: Duration::from_millis(now), ..Moment::default() });
            if looks.len() < 20 {
                first_wait = first_wait.max(wait);
            }
            now += u64::try_from(wait.as_millis()).unwrap();
            pace.looked(Moment { mono: Duration::from_millis(now), ..Moment::default() });
            looks.push(now);
            now += 1;
        }
        assert_eq!(first_wait, Duration::ZERO);
        let late = looks.iter().filter(|at| **at >= start + 9_000).count();
        assert!((49..=51).contains(&late), "{late}");
    }
}
