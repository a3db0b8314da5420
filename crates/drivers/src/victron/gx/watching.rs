//! When watched paths are told: each at its own interval, and at once when it became known or unknown.

use std::time::Duration;

use ohmstead_model::Moment;

use super::freshness::Freshness;
use super::reporting::Due;
use super::{Gx, later, read};

impl Gx {
    /// How long until a watched path is to be told.
    pub(super) fn watch_due_in(&self, now: Moment) -> Duration {
        let left = |(watch, told): (&crate::victron::Watch, &Option<Moment>)| {
            told.map_or(Duration::ZERO, |at| watch.interval.saturating_sub(now.since(at)))
        };
        self.settings.watch.iter().zip(&self.watched).map(left).min().unwrap_or(Duration::MAX)
    }

    /// The watched paths whose time has come.
    pub(super) fn watched_values(&mut self, now: Moment, fresh: &Freshness) -> Vec<Due> {
        let tree = self.tree();
        let tree = read(&tree);
        let mut values = Vec::new();
        for (watch, told) in self.settings.watch.iter().zip(&mut self.watched) {
            let observation = watch.observe(&tree);
            let is_due = told.is_none_or(|at| now.since(at) >= watch.interval);
            let known = self.reported.get(&watch.metric);
            let turned = known.is_none_or(|known| known.observation.is_ok() != observation.is_ok());
            if is_due || turned {
                *told = Some(now);
                let at = fresh.of_part(watch.read_at(&tree));
                let at = known.map_or(at, |known| later(known.at, at));
                // A reading that was told already is not told again.
                let is_known =
                    known.is_some_and(|known| known.observation == observation && known.at.mono >= at.mono);
                values.extend((!is_known).then_some(Due { metric: watch.metric, observation, at }));
            }
        }
        values
    }
}
