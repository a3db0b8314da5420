//! The one clock of the program. Every age, wait and timeout comes from it.
//!
//! Monotonic time is tokio's, multiplied by the speed, so that a test under tokio's paused time runs a day in less than a
//! second. The wall clock serves labels only. At the speed of 1 it is the operating system's and follows its jumps (a
//! gateway without a battery starts in 1970 and is corrected later); ages, which are monotonic, do not notice. At any
//! other speed it runs from where it started.

use std::time::{Duration, UNIX_EPOCH};

use ohmstead_model::{Clock, Moment, Sleep, UnixMillis};
use tokio::time::Instant;

/// The slowest and the fastest speed that make sense: a day in 2.5 hours ... a year in 9 hours.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=1000.0;

/// Where the wall clock comes from.
enum Wall {
    /// Asked for each time.
    Followed(Box<dyn Fn() -> UnixMillis + Send + Sync>),
    /// Runs with the monotonic clock from here.
    From(UnixMillis),
}

/// The clock: real, scaled or virtual.
pub(crate) struct WallClock {
    origin: Instant,
    speed: f64,
    wall: Wall,
}

impl WallClock {
    /// The real one.
    pub(crate) fn real() -> Self {
        Self::following(os_unix)
    }

    /// A clock whose wall clock is asked for each time, such as the operating system's.
    pub(crate) fn following(wall: impl Fn() -> UnixMillis + Send + Sync + 'static) -> Self {
        Self { origin: Instant::now(), speed: 1.0, wall: Wall::Followed(Box::new(wall)) }
    }

    /// A clock that runs `speed` times as fast, from `start` on; the speed is kept within what makes sense.
    #[cfg_attr(not(test), expect(dead_code, reason = "the accelerated house asks for it"))]
    pub(crate) fn scaled(start: UnixMillis, speed: f64) -> Self {
        let speed = if speed.is_finite() { speed.clamp(*SPEEDS.start(), *SPEEDS.end()) } else { 1.0 };
        Self { origin: Instant::now(), speed, wall: Wall::From(start) }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Moment {
        let mono = self.origin.elapsed().mul_f64(self.speed);
        let unix = match &self.wall {
            Wall::Followed(wall) => wall(),
            Wall::From(start) => start.plus(mono),
        };
        Moment { mono, unix }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let real = Duration::try_from_secs_f64(span.as_secs_f64() / self.speed).unwrap_or(Duration::MAX);
        Box::pin(tokio::time::sleep(real))
    }
}

/// The operating system's wall clock. Before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
pub(crate) fn os_unix() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_day_passes_at_once_and_at_speed() {
        let clock = WallClock::scaled(UnixMillis(1_000), 60.0);
        let before = Instant::now();
        clock.sleep(Duration::from_secs(86_400)).await;
        assert_eq!(before.elapsed(), Duration::from_secs(1440));
        let now = clock.now();
        assert_eq!(now.mono, Duration::from_secs(86_400));
        assert_eq!(now.unix, UnixMillis(86_401_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_wall_clock_moves_labels_and_not_ages() {
        let wall = Arc::new(AtomicI64::new(5_000));
        let source = Arc::clone(&wall);
        let clock = WallClock::following(move || UnixMillis(source.load(Ordering::Relaxed)));
        let first = clock.now();
        clock.sleep(Duration::from_secs(10)).await;
        wall.store(1_800_000_000_000, Ordering::Relaxed);
        let second = clock.now();
        assert_eq!(second.since(first), Duration::from_secs(10));
        assert_eq!(second.unix, UnixMillis(1_800_000_000_000));
        wall.store(-7, Ordering::Relaxed);
        assert_eq!(clock.now().since(first), Duration::from_secs(10));
        assert_eq!(clock.now().unix, UnixMillis(-7));
    }

    #[tokio::test(start_paused = true)]
    async fn no_speed_and_no_span_break_it() {
        for speed in [f64::NAN, f64::INFINITY, -3.0, 0.0, 1e300] {
            let clock = WallClock::scaled(UnixMillis(0), speed);
            clock.sleep(Duration::from_millis(1)).await;
            drop(clock.sleep(Duration::MAX));
            assert!(clock.now().mono > Duration::ZERO, "{speed}");
        }
    }

    #[test]
    fn the_operating_system_knows_the_century() {
        assert!(os_unix().0 > 1_700_000_000_000, "{}", os_unix().0);
    }
}
