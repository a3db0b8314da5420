//! Time as an argument. The binary owns the one clock (real, scaled or virtual); everybody else is handed a [`Moment`].

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The instant `span` later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The instant `span` earlier; saturates.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// One point in time on both clocks: the monotonic one for ages and deadlines, the wall clock for labels.
///
/// The wall clock may jump (a gateway without a battery starts in 1970 and is corrected later); ages never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Moment {
    /// Monotonic time since the clock was made.
    pub mono: Duration,
    /// The wall clock at the same instant.
    pub unix: UnixMillis,
}

impl Moment {
    /// Time that passed since `earlier`, on the monotonic clock; zero if `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        self.mono.saturating_sub(earlier.mono)
    }

    /// The moment `span` later on both clocks.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self { mono: self.mono.saturating_add(span), unix: self.unix.plus(span) }
    }
}

/// A future that ends when a span of the clock's time has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The one source of time. Every timeout and every wait comes from it, so that a test can run a day in a second.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Moment;

    /// Waits for `span` of this clock's time.
    fn sleep(&self, span: Duration) -> Sleep;
}
