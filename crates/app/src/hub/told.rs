//! What is told of the whole house and not computed: which metrics there are, and how long each value holds.
//!
//! A price holds until the end of its slot and no longer, whether or not somebody tells the next one.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::{Metric, Moment, Observation, Unknown};

/// The end of one slot is the beginning of the next: so long its value may take to come, before that is shown as a gap.
const GRACE: Duration = Duration::from_secs(2);

/// What is told.
#[derive(Default)]
pub(super) struct Told {
    metrics: Vec<Metric>,
    /// Values that are known, with the moment until which each holds.
    until: BTreeMap<Metric, Moment>,
}

impl Told {
    /// The metrics that are told.
    pub(super) fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.metrics.iter().copied()
    }

    /// Says which metrics are told. Returns those whose values do not count any more: they are told no longer, or in another
    /// unit.
    pub(super) fn metrics_are(&mut self, metrics: Vec<Metric>) -> Vec<Metric> {
        let stays = |metric: &Metric| {
            let same = metrics.iter().find(|other| *other == metric);
            same.is_some_and(|other| other.def().unit == metric.def().unit)
        };
        let gone: Vec<_> = self.metrics.iter().copied().filter(|metric| !stays(metric)).collect();
        self.until.retain(|metric, _| !gone.contains(metric));
        self.metrics = metrics;
        gone
    }

    /// Takes values in. Returns those of metrics that are told, as they were announced.
    pub(super) fn take(
        &mut self,
        values: Vec<(Metric, Observation)>,
        until: Moment,
    ) -> Vec<(Metric, Observation)> {
        let own = |metric: Metric| self.metrics.iter().copied().find(|own| *own == metric);
        let values: Vec<_> =
            values.into_iter().filter_map(|(metric, value)| Some((own(metric)?, value))).collect();
        for (metric, value) in &values {
            match value {
                Ok(_) => self.until.insert(*metric, until),
                Err(_) => self.until.remove(metric),
            };
        }
        values
    }

    /// How long until a value holds no longer.
    pub(super) fn due_in(&self, now: Moment) -> Option<Duration> {
        let left = |until: &Moment| (until.mono + GRACE).saturating_sub(now.mono);
        self.until.values().map(left).min()
    }

    /// Those that hold no longer.
    pub(super) fn ended(&mut self, now: Moment) -> Vec<(Metric, Observation)> {
        let mut ended = Vec::new();
        self.until.retain(|metric, until| {
            let holds = now.mono < until.mono + GRACE;
            if !holds {
                ended.push((*metric, Err(Unknown::Stale)));
            }
            holds
        });
        ended
    }
}
