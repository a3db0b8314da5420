//! What one sink has still to send, as spans of time. Pure.
//!
//! ```text
//!  acknowledged ......[late]......[in flight)[ open end: everything from `until` on
//!                                            ^ until
//! ```
//!
//! A value that is stored before `until` makes its moment a late span. What is in flight counts as not acknowledged in
//! everything that is written down, so that a crash at any moment sends it again.

use std::time::Duration;

use ohmstead_model::UnixMillis;
use serde::{Deserialize, Serialize};

/// A span of time: the start belongs to it, the end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First instant.
    pub from: UnixMillis,
    /// First instant that no longer belongs to it.
    pub to: UnixMillis,
}

impl Span {
    /// The span of one value.
    pub fn moment(at: UnixMillis) -> Self {
        Self { from: at, to: UnixMillis(at.0.saturating_add(1)) }
    }

    fn is_empty(self) -> bool {
        self.from >= self.to
    }
}

/// Late spans that are nearer than this become one: sending a minute twice costs less than remembering its parts.
const MERGE: Duration = Duration::from_secs(60);

/// More late spans than this become fewer, larger ones.
const LATE_MAX: usize = 32;

/// Where a sink has got to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    until: UnixMillis,
    /// In order, apart from each other, all before `until`.
    late: Vec<Span>,
    in_flight: Option<Span>,
}

/// How it is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    until: i64,
    #[serde(default)]
    late: Vec<(i64, i64)>,
}

impl Cursor {
    /// Everything before `until` counts as sent.
    pub fn at(until: UnixMillis) -> Self {
        Self { until, late: Vec::new(), in_flight: None }
    }

    /// Reads what [`Self::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(text).ok()?;
        let mut cursor = Self::at(UnixMillis(written.until));
        for (from, to) in written.late {
            cursor.stored(Span { from: UnixMillis(from), to: UnixMillis(to) });
        }
        Some(cursor)
    }

    /// All that is not acknowledged, in words to keep.
    pub fn text(&self) -> String {
        let mut sure = self.clone();
        sure.give_back();
        let late = sure.late.iter().map(|span| (span.from.0, span.to.0)).collect();
        serde_json::to_string(&Written { until: sure.until.0, late }).expect("numbers can be written")
    }

    /// Something was stored within `span`.
    pub fn stored(&mut self, span: Span) {
        if !self.covers(span) {
            self.late.push(span);
            self.tidy();
        }
    }

    /// Whether all of `span` is still to be sent.
    pub fn covers(&self, span: Span) -> bool {
        let span = Span { to: span.to.min(self.until), ..span };
        span.is_empty() || self.late.iter().any(|late| late.from <= span.from && span.to <= late.to)
    }

    /// The next span to send, if it is worth a request: oldest first, what is late after what is new. `now` is the time
    /// up to which values are expected to be there. It is in flight from now on.
    pub fn take(&mut self, now: UnixMillis, wish: &Wish) -> Option<Span> {
        self.give_back();
        let longest = wish.longest.max(wish.snap).max(MILLI);
        let start = wish.snapped(self.until);
        let end = wish.snapped(now).min(wish.snapped(start.plus(longest)));
        let span = if end > start && end >= start.plus(wish.least.min(longest)) {
            self.until = self.until.max(end);
            Span { from: start, to: end }
        } else {
            let first = *self.late.first()?;
            let from = wish.snapped(first.from);
            let to = first.to.min(wish.snapped(from.plus(longest)));
            // The rest of its last multiple belongs to it: what is sent for that depends on all of it.
            let to = wish.snapped(to.plus(wish.snap.saturating_sub(MILLI)));
            self.remove_late(to);
            Span { from, to }
        };
        self.in_flight = Some(span);
        Some(span)
    }

    /// Leaves only the part before `end` in flight.
    pub fn shorten(&mut self, end: UnixMillis) {
        if let Some(span) = self.in_flight {
            self.in_flight = Some(Span { to: end.min(span.to), ..span });
            self.restore(Span { from: end, ..span });
        }
    }

    /// What was in flight has arrived.
    pub fn acknowledge(&mut self) {
        self.in_flight = None;
    }

    /// What was in flight has not arrived.
    pub fn give_back(&mut self) {
        if let Some(span) = self.in_flight.take() {
            self.restore(span);
        }
    }

    /// The oldest instant that is not acknowledged.
    pub fn oldest(&self) -> UnixMillis {
        let in_flight = self.in_flight.map(|span| span.from);
        let late = self.late.first().map(|span| span.from);
        [in_flight, late].into_iter().flatten().fold(self.until, UnixMillis::min)
    }

    fn restore(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        if span.to >= self.until {
            self.until = self.until.min(span.from);
            self.tidy();
        } else {
            self.stored(span);
        }
    }

    /// What is late before `end` is no longer.
    fn remove_late(&mut self, end: UnixMillis) {
        for span in &mut self.late {
            span.from = span.from.max(end);
        }
        self.late.retain(|span| !span.is_empty());
    }

    fn tidy(&mut self) {
        for span in &mut self.late {
            span.to = span.to.min(self.until);
        }
        self.late.retain(|span| !span.is_empty());
        self.late.sort_unstable();
        let mut merge = MERGE;
        loop {
            self.merge(merge);
            if self.late.len() <= LATE_MAX {
                return;
            }
            merge *= 2;
        }
    }

    fn merge(&mut self, near: Duration) {
        self.late.dedup_by(|next, before| {
            let joined = next.from <= before.to.plus(near);
            if joined {
                before.to = before.to.max(next.to);
            }
            joined
        });
    }
}

const MILLI: Duration = Duration::from_millis(1);

/// What a sink wants to have at once.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Less than this of new values is not worth a request.
    pub least: Duration,
    /// More than this is asked for bit by bit.
    pub longest: Duration,
    /// Spans begin and end at whole multiples of this.
    pub snap: Duration,
}

impl Wish {
    /// Rounded down to a whole multiple.
    pub fn snapped(&self, at: UnixMillis) -> UnixMillis {
        let step = i64::try_from(self.snap.as_millis()).unwrap_or(i64::MAX).max(1);
        UnixMillis(at.0.div_euclid(step).saturating_mul(step))
    }
}

#[cfg(test)]
mod tests;
