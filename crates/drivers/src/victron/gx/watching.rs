//! When watched paths are told: each at its own interval, and at once when it became known or unknown.

use std::time::Duration;

use ohmstead_model::Moment;

use super::{Gx, read};
use crate::victron::canonical::Values;

impl Gx {
    /// How long until a watched path is to be told.
    pub(super) fn watch_due_in(&self, now: Moment) -> Duration {
        let left = |(watch, told): (&crate::victron::Watch, &Option<Moment>)| {
            told.map_or(Duration::ZERO, |at| watch.interval.saturating_sub(now.since(at)))
        };
        self.settings.watch.iter().zip(&self.watched).map(left).min().unwrap_or(Duration::MAX)
    }

    /// The watched paths whose time has come.
    pub(super) fn watched_values(&mut self, now: Moment) -> Values {
        let tree = self.tree();
        let tree = read(&tree);
        let mut values = Values::new();
        for (watch, told) in self.settings.watch.iter().zip(&mut self.watched) {
            let observation = watch.observe(&tree);
            let is_due = told.is_none_or(|at| now.since(at) >= watch.interval);
            let known = self.reported.get(&watch.metric);
            let turned = known.is_none_or(|known| known.is_ok() != observation.is_ok());
            if is_due || turned {
                *told = Some(now);
                values.push((watch.metric, observation));
            }
        }
        values
    }
}
