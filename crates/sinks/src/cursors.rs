//! The cursors of all sinks, shared by the store, which tells what it takes in and keeps them, and the sinks, which
//! move them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_model::UnixMillis;

use crate::cursor::{Cursor, Span, Wish};

/// The keys of the store's state under which cursors are kept begin with this.
const PREFIX: &str = "sinks/";

/// A cursor that only moved forward is kept this often: losing that costs a few values sent twice, keeping it a page of
/// flash.
const KEEP_EVERY: Duration = Duration::from_secs(600);

/// All cursors, by the name of the sink. Those of sinks that are no longer configured stay, and learn what comes late.
#[derive(Debug, Default)]
pub struct Cursors {
    all: Mutex<BTreeMap<String, Kept>>,
}

#[derive(Debug)]
struct Kept {
    cursor: Cursor,
    /// What the store has of it, if it has anything.
    saved: Option<Cursor>,
    text: String,
    /// When that was written, on the monotonic clock.
    at: Duration,
    /// Something came late for what the store has: that must be durable before the late value is.
    lowered: bool,
}

/// A cursor to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaved {
    name: String,
    /// The key in the store's state.
    pub key: String,
    /// The text to keep.
    pub text: String,
}

impl Cursors {
    /// The keys to hand to [`Self::load`] begin with this.
    pub const fn prefix() -> &'static str {
        PREFIX
    }

    /// Takes over what the store has under `key`. A text that is none of ours counts as nothing.
    pub fn load(&self, key: &str, text: &str) {
        let Some(name) = key.strip_prefix(PREFIX) else { return };
        match Cursor::parse(text) {
            None => {
                tracing::warn!(target: "sinks", sink = name, "where this sink had got to cannot be read; it starts anew");
            }
            Some(cursor) => {
                let saved = Some(cursor.clone());
                let kept = Kept { cursor, saved, text: text.to_owned(), at: Duration::ZERO, lowered: false };
                self.all().insert(name.to_owned(), kept);
            }
        }
    }

    /// A value was, or is about to be, stored within `span`.
    pub fn stored(&self, span: Span) {
        for kept in self.all().values_mut() {
            kept.cursor.stored(span);
            // The cursor itself may be further back than what the store has: it goes back where something was not sent.
            kept.lowered |= !kept.saved.as_ref().is_some_and(|saved| saved.covers(span));
        }
    }

    /// What the store should keep now: whatever something came late for, what is older than a few minutes, and with
    /// `everything` whatever changed.
    pub fn unsaved(&self, now: Duration, everything: bool) -> Vec<Unsaved> {
        let all = self.all();
        let due = |kept: &Kept| everything || kept.lowered || now.saturating_sub(kept.at) >= KEEP_EVERY;
        let changed = all.iter().filter(|(_, kept)| due(kept)).filter_map(|(name, kept)| {
            let text = kept.cursor.text();
            (text != kept.text).then(|| Unsaved { name: name.clone(), key: format!("{PREFIX}{name}"), text })
        });
        changed.collect()
    }

    /// The store has this now.
    pub fn saved(&self, unsaved: Unsaved, now: Duration) {
        if let Some(kept) = self.all().get_mut(&unsaved.name) {
            // What came late in between is still to be kept.
            kept.lowered = kept.lowered && kept.cursor.text() != unsaved.text;
            kept.saved = Cursor::parse(&unsaved.text);
            kept.text = unsaved.text;
            kept.at = now;
        }
    }

    /// Whether this sink has a cursor.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.all().contains_key(name)
    }

    /// Gives a sink its first cursor. It is kept soon, so that a sink that cannot send loses nothing by a restart.
    pub(crate) fn start(&self, name: &str, at: UnixMillis) {
        let cursor = Cursor::at(at);
        let kept = Kept { cursor, saved: None, text: String::new(), at: Duration::ZERO, lowered: true };
        self.all().entry(name.to_owned()).or_insert(kept);
    }

    /// See [`Cursor::take`].
    pub(crate) fn take(&self, name: &str, now: UnixMillis, wish: &Wish) -> Option<Span> {
        self.all().get_mut(name)?.cursor.take(now, wish)
    }

    /// Changes the cursor of one sink.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Cursor)) {
        if let Some(kept) = self.all().get_mut(name) {
            change(&mut kept.cursor);
        }
    }

    /// See [`Cursor::oldest`].
    pub(crate) fn oldest(&self, name: &str) -> Option<UnixMillis> {
        self.all().get(name).map(|kept| kept.cursor.oldest())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const WISH: Wish = Wish { least: MINUTE, longest: MINUTE, snap: Duration::from_millis(1) };

    fn keep(cursors: &Cursors, now: Duration, everything: bool) -> Vec<String> {
        let unsaved = cursors.unsaved(now, everything);
        let texts = unsaved.iter().map(|unsaved| unsaved.text.clone()).collect();
        for unsaved in unsaved {
            cursors.saved(unsaved, now);
        }
        texts
    }

    #[test]
    fn moving_forward_is_kept_seldom_and_lateness_at_once() {
        let cursors = Cursors::default();
        cursors.start("a", UnixMillis(0));
        assert_eq!(keep(&cursors, MINUTE, false), [r#"{"until":0,"late":[]}"#], "the start");
        cursors.take("a", UnixMillis(60_000), &WISH).expect("a minute");
        cursors.change("a", Cursor::acknowledge);
        assert_eq!(keep(&cursors, MINUTE * 2, false), [""; 0], "not worth a page");
        assert_eq!(keep(&cursors, MINUTE * 11, false), [r#"{"until":60000,"late":[]}"#]);
        cursors.stored(Span::moment(UnixMillis(5)));
        assert_eq!(keep(&cursors, MINUTE * 11, false), [r#"{"until":60000,"late":[[5,6]]}"#]);
        assert_eq!(keep(&cursors, MINUTE * 11, false), [""; 0]);
        cursors.take("a", UnixMillis(60_000), &WISH).expect("what is late");
        cursors.change("a", Cursor::acknowledge);
        assert_eq!(keep(&cursors, MINUTE * 12, true), [r#"{"until":60000,"late":[]}"#], "at the end");
    }

    /// What is given back may reach into what was acknowledged and is written down as that.
    #[test]
    fn what_comes_late_for_what_is_written_down_is_kept_at_once() {
        let cursors = Cursors::default();
        cursors.load("sinks/a", r#"{"until":765,"late":[[764,765]]}"#);
        let seconds = Wish { least: Duration::from_millis(1), longest: MINUTE, snap: Duration::from_secs(1) };
        let taken = cursors.take("a", UnixMillis(1000), &seconds).expect("a second");
        assert_eq!(taken, Span { from: UnixMillis(0), to: UnixMillis(1000) });
        cursors.change("a", Cursor::give_back);
        cursors.stored(Span::moment(UnixMillis(763)));
        assert_eq!(keep(&cursors, MINUTE, false), [r#"{"until":0,"late":[]}"#]);
        cursors.stored(Span::moment(UnixMillis(762)));
        assert_eq!(keep(&cursors, MINUTE, false), [""; 0]);
    }

    #[test]
    fn a_sink_that_is_not_configured_learns_what_comes_late() {
        let cursors = Cursors::default();
        cursors.load("sinks/gone", r#"{"until":1000}"#);
        cursors.load("mqtt/announced", "x");
        cursors.load("sinks/damaged", "{");
        assert!(cursors.knows("gone") && !cursors.knows("damaged"));
        cursors.stored(Span::moment(UnixMillis(7)));
        assert_eq!(keep(&cursors, MINUTE, false), [r#"{"until":1000,"late":[[7,8]]}"#]);
    }
}
