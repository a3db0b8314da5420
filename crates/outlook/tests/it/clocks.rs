//! Clocks that tests move.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Clock, Moment, Sleep, UnixMillis};
use tokio::sync::watch;

/// A clock that stands until it is moved: for real sockets, whose time is nobody's.
pub(crate) struct Hand {
    start: UnixMillis,
    passed: watch::Sender<Duration>,
}

impl Hand {
    pub(crate) fn at(start: UnixMillis) -> Arc<Self> {
        Arc::new(Self { start, passed: watch::Sender::new(Duration::ZERO) })
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.passed.send_modify(|passed| *passed += span);
    }
}

impl Clock for Hand {
    fn now(&self) -> Moment {
        let mono = *self.passed.borrow();
        Moment { mono, unix: self.start.plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let mut passed = self.passed.subscribe();
        let end = *self.passed.borrow() + span;
        Box::pin(async move {
            // The clock lives as long as the test.
            let _ = passed.wait_for(|passed| *passed >= end).await;
        })
    }
}

/// A clock on tokio's paused time: for days without sockets.
pub(crate) struct Paused {
    start: UnixMillis,
    origin: tokio::time::Instant,
}

impl Paused {
    pub(crate) fn at(start: UnixMillis) -> Arc<Self> {
        Arc::new(Self { start, origin: tokio::time::Instant::now() })
    }
}

impl Clock for Paused {
    fn now(&self) -> Moment {
        let mono = self.origin.elapsed();
        Moment { mono, unix: self.start.plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

pub(crate) fn instant(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<jiff::Timestamp>().expect("a stamp").as_millisecond())
}
