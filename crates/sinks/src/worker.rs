//! One sink at work: take a span, read it, send it, move the cursor; wait, and again.
//!
//! ```text
//!            +---------------- every `every` ----------------+
//!            v                                               |
//!   idle -> take -> read -> ship -> acknowledge -> behind? --+-- yes: at once, at the pace of `catch_up_per_s`
//!            ^         \      \
//!            +-- pause --+-----+  cannot: given back, pauses double
//! ```

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Clock, Moment};
use ohmstead_outside::in_one_line;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::cursor::{Cursor, Span, Wish};
use crate::cursors::Cursors;
use crate::pick::Pick;
use crate::settings::{Settings, Start};
use crate::shipment::{Later, Refusal, Shipped, ship};
use crate::source::{NoValues, Point, Source};
use crate::status::Status;
use crate::target::{self, Target};

/// Values of one span that are held in memory. More, and the span becomes shorter.
const POINTS_MAX: usize = 50_000;
/// The same where it cannot become shorter.
const POINTS_UTMOST: usize = 1_000_000;

/// A value is expected to be stored so long after it was read; one that takes longer is late, and sent as such.
const SETTLE: Duration = Duration::from_secs(1);

/// The first span after a start or a failure.
const REACH_FIRST: Duration = Duration::from_secs(60);
const REACH_LEAST: Duration = Duration::from_millis(1);

/// Refused values are told at once, and then this often.
const TELL_EVERY: Duration = Duration::from_secs(3600);

/// What a sink is connected to inside the program.
pub struct Links {
    /// The history.
    pub source: Arc<dyn Source>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Where it tells how it is doing.
    pub status: watch::Sender<Status>,
}

/// Sends until `stop` is cancelled. What is wrong over there is never an error: it is tried again for ever.
///
/// `name` is the key of its cursor. Returns at once, with the reason in the log and in the status, if the settings cannot
/// work, see [`check`](crate::check).
pub async fn run(name: String, settings: Settings, links: Links, stop: CancellationToken) {
    let opened = crate::check(&name, &settings).map_err(|error| in_one_line(&error));
    let opened = opened.and_then(|()| target::open(&settings));
    match opened {
        Ok(target) => Worker::new(name, &settings, links, target).run(stop).await,
        Err(trouble) => {
            tracing::error!(target: "sinks", sink = name, "this sink is off: {trouble}");
            links.status.send_modify(|status| status.trouble = Some(trouble));
        }
    }
}

pub(crate) struct Worker {
    name: String,
    links: Links,
    target: Box<dyn Target>,
    pick: Arc<Pick>,
    start: Start,
    every: Duration,
    snap: Duration,
    max_batch: usize,
    per_s: u32,
    /// How long a span it dares to take.
    reach: Duration,
    backoff: Backoff,
    /// Whether the target has ever taken a value: before that, a refusal of everything is held for a wrong setting.
    has_taken: bool,
    told: Option<(String, Moment)>,
}

impl Worker {
    pub(crate) fn new(name: String, settings: &Settings, links: Links, target: Box<dyn Target>) -> Self {
        let common = settings.common();
        let seed = links.clock.now().unix.0.cast_unsigned() ^ name.bytes().map(u64::from).sum::<u64>();
        Self {
            pick: Arc::new(Pick::of(common)),
            start: common.from,
            every: common.every.0,
            snap: common.snap.map_or(Duration::ZERO, |snap| snap.0),
            max_batch: common.max_batch,
            per_s: common.catch_up_per_s.max(1),
            reach: REACH_FIRST,
            backoff: Backoff::new(seed),
            has_taken: false,
            told: None,
            name,
            links,
            target,
        }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut pause = self.backoff.some_of(self.every);
        loop {
            let clock = Arc::clone(&self.links.clock);
            if stop.run_until_cancelled(clock.sleep(pause)).await.is_none() {
                break;
            }
            match stop.run_until_cancelled(self.turn()).await {
                Some(next) => pause = next,
                None => break,
            }
        }
        // Whatever was on its way counts as not arrived.
        if let Some(cursors) = self.links.source.cursors() {
            cursors.change(&self.name, Cursor::give_back);
        }
    }

    /// One span at most. Returns how long to wait before the next.
    pub(crate) async fn turn(&mut self) -> Duration {
        let Some(cursors) = self.links.source.cursors() else {
            return self.failed(&Later { why: "the history is not open".to_owned(), after: None });
        };
        if let Err(later) = self.ensure_started(&cursors).await {
            return self.failed(&later);
        }
        let started = self.links.clock.now();
        // Half is enough: rounding must not cost a whole turn.
        let wish =
            Wish { least: self.every / 2, longest: self.reach.min(self.target.longest()), snap: self.snap };
        let Some(span) = cursors.take(&self.name, started.unix.minus(SETTLE), &wish) else {
            self.tell_behind(&cursors, Duration::ZERO);
            return self.every;
        };
        let shipped = match self.read(&cursors, span).await {
            Ok(None) => return Duration::ZERO,
            Ok(Some(points)) => self.ship(&points).await,
            Err(later) => Err(later),
        };
        match shipped {
            Ok(shipped) => {
                cursors.change(&self.name, Cursor::acknowledge);
                self.arrived(&cursors, &shipped, started)
            }
            Err(later) => {
                cursors.change(&self.name, Cursor::give_back);
                self.tell_behind(&cursors, Duration::ZERO);
                self.failed(&later)
            }
        }
    }

    async fn ensure_started(&mut self, cursors: &Cursors) -> Result<(), Later> {
        if cursors.knows(&self.name) {
            return Ok(());
        }
        let now = self.links.clock.now().unix;
        let at = match self.start {
            Start::Now => now,
            Start::All => self.links.source.oldest().await.map_err(|error| unread(&error))?.unwrap_or(now),
        };
        cursors.start(&self.name, at);
        Ok(())
    }

    /// The values to send for `span`; `None` if they are too many, and the span was given back for a shorter one.
    async fn read(&mut self, cursors: &Cursors, span: Span) -> Result<Option<Vec<Point>>, Later> {
        let source = Arc::clone(&self.links.source);
        let shortest = self.snap.max(REACH_LEAST);
        let most = if self.reach > shortest { POINTS_MAX } else { POINTS_UTMOST };
        match source.values(Arc::clone(&self.pick), span, most).await {
            Ok(points) => {
                self.adapt_reach(points.len());
                Ok(Some(snapped(points, self.snap)))
            }
            Err(NoValues::TooMany) if self.reach > shortest => {
                cursors.change(&self.name, Cursor::give_back);
                self.reach = (self.reach.min(length(span)) / 2).max(shortest);
                Ok(None)
            }
            Err(error) => Err(unread(&error)),
        }
    }

    /// Twice as far where there is little, so that years are not gone through by the minute.
    fn adapt_reach(&mut self, points: usize) {
        if points < POINTS_MAX / 4 {
            self.reach = (self.reach * 2).min(self.target.longest());
        }
    }

    async fn ship(&mut self, points: &[Point]) -> Result<Shipped, Later> {
        let clock = Arc::clone(&self.links.clock);
        let shipped =
            ship(self.target.as_mut(), clock.as_ref(), points, &mut self.max_batch, self.has_taken).await;
        if shipped.is_err() {
            self.reach = REACH_FIRST.max(self.snap);
        }
        let shipped = shipped?;
        self.has_taken |= shipped.taken > 0;
        match &shipped.first {
            Some(refusal) if !self.has_taken && !refusal.of_age => {
                // If it is the values after all, there are good ones further on.
                self.reach = (self.reach * 2).min(self.target.longest());
                Err(Later { why: format!("it refuses everything: {}", refusal.why), after: None })
            }
            _ => Ok(shipped),
        }
    }

    fn arrived(&mut self, cursors: &Cursors, shipped: &Shipped, started: Moment) -> Duration {
        let now = self.links.clock.now();
        self.backoff.reset();
        if let Some(refusal) = &shipped.first {
            self.tell_refusal(refusal, shipped.refused, now);
        }
        let was_trouble = self.links.status.borrow().trouble.is_some();
        self.links.status.send_modify(|status| {
            status.sent += shipped.taken;
            status.refused += shipped.refused;
            status.last_success = Some(now);
            status.trouble = None;
        });
        let behind = self.tell_behind(cursors, SETTLE);
        if was_trouble {
            tracing::info!(target: "sinks", sink = self.name, behind_s = behind.as_secs(), "it works again");
        }
        let count = shipped.taken + shipped.refused;
        let pace =
            Duration::from_secs_f64(count as f64 / f64::from(self.per_s)).saturating_sub(now.since(started));
        if behind < self.every { self.every.saturating_sub(now.since(started)) } else { pace }
    }

    /// Tells how far behind it is, and returns that, less `grace`.
    fn tell_behind(&self, cursors: &Cursors, grace: Duration) -> Duration {
        let now = self.links.clock.now().unix;
        let oldest = cursors.oldest(&self.name).unwrap_or(now);
        let behind = Duration::from_millis(u64::try_from(now.0.saturating_sub(oldest.0)).unwrap_or_default());
        self.links.status.send_modify(|status| status.behind = Some(behind));
        behind.saturating_sub(grace)
    }

    /// One line in the log for each change of state, not for each try.
    fn failed(&mut self, later: &Later) -> Duration {
        let was = self.links.status.borrow().trouble.clone();
        if was.as_deref() != Some(&later.why) {
            self.links.status.send_modify(|status| status.trouble = Some(later.why.clone()));
        }
        if was.is_none() {
            tracing::warn!(target: "sinks", sink = self.name, "nothing can be sent, and it is tried again: {}", later.why);
        } else if was.as_deref() != Some(&later.why) {
            tracing::info!(target: "sinks", sink = self.name, "still nothing can be sent: {}", later.why);
        }
        self.backoff.pause(later.after)
    }

    fn tell_refusal(&mut self, refusal: &Refusal, count: u64, now: Moment) {
        let told_lately =
            self.told.as_ref().is_some_and(|(why, at)| *why == refusal.why && now.since(*at) < TELL_EVERY);
        if told_lately {
            return;
        }
        let first = refusal
            .point
            .as_ref()
            .map(|point| format!("{}.{} at {}", point.device, point.metric, point.at.0));
        tracing::error!(
            target: "sinks",
            sink = self.name,
            count,
            first = first.as_deref().unwrap_or("it does not say which"),
            "values were refused for good and are skipped: {}",
            refusal.why
        );
        self.told = Some((refusal.why.clone(), now));
    }
}

fn unread(error: &NoValues) -> Later {
    Later { why: error.to_string(), after: None }
}

fn length(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.to.0.saturating_sub(span.from.0)).unwrap_or_default())
}

/// In order of time, device and metric, with time stamps rounded down to whole multiples of `snap`; of several values in
/// one, the last stays. A span holds whole multiples, so that the same is sent however often.
fn snapped(mut points: Vec<Point>, snap: Duration) -> Vec<Point> {
    let wish = Wish { least: snap, longest: snap, snap };
    points.sort_by(|left, right| {
        (&left.device, left.metric, left.at).cmp(&(&right.device, right.metric, right.at))
    });
    for point in &mut points {
        point.at = wish.snapped(point.at);
    }
    // The last of equals stays: seen from the end it is the first.
    points.reverse();
    points
        .dedup_by(|next, kept| (next.at, &next.device, next.metric) == (kept.at, &kept.device, kept.metric));
    points.sort_by(|left, right| {
        (left.at, &left.device, left.metric).cmp(&(right.at, &right.device, right.metric))
    });
    points
}

#[cfg(test)]
mod tests;
