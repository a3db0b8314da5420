//! How long to wait after a failure: twice as long each time, with jitter, so that a thousand houses do not come back to
//! one server in the same second.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// The pauses between tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { next: FIRST, random: fastrand::Rng::with_seed(seed) }
    }

    /// After a success the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The pause after one more failure, never shorter than what the server asked for.
    pub(crate) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let pause = self.next.mul_f64(0.5 + self.random.f64() / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        // A server that asks for a week is not believed.
        pause.max(asked.unwrap_or_default().min(LONGEST * 12))
    }

    /// Some part of `span`, for the first send after a start.
    pub(crate) fn some_of(&mut self, span: Duration) -> Duration {
        span.mul_f64(self.random.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_start_over() {
        let mut backoff = Backoff::new(7);
        let pauses: Vec<_> = (0..12).map(|_| backoff.pause(None)).collect();
        for (number, pause) in pauses.iter().enumerate() {
            let full = LONGEST.min(FIRST * 2u32.pow(u32::try_from(number).expect("small")));
            assert!((full / 2..=full).contains(pause), "{number}: {pause:?}");
        }
        assert!(backoff.pause(Some(LONGEST * 2)) >= LONGEST * 2);
        assert!(backoff.pause(Some(LONGEST * 1000)) <= LONGEST * 12);
        backoff.reset();
        assert!(backoff.pause(None) <= FIRST);
    }
}
