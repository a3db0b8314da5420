//! Which series there are: their names, whether they hold numbers or texts, and the resolution of their numbers.
//!
//! A series is named by device, metric and class. Its decimals only ever grow: where the catalogue later declares a
//! coarser resolution the finer unit stays, where it declares a finer one the stored integers are multiplied, so
//! nothing is lost either way.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ohmstead_model::catalogue::Kind;
use ohmstead_model::{DeviceId, Metric, Value};

use crate::log::Named;
use crate::point::{Slot, Stored, factor};

/// Whether a series holds numbers or texts (states are stored as their keys).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Number,
    Text,
}

impl Class {
    pub(crate) fn of(metric: Metric) -> Self {
        match metric.def().kind {
            Kind::Gauge | Kind::Counter => Self::Number,
            Kind::State(_) | Kind::Text => Self::Text,
        }
    }

    /// As it is written in the database.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
        }
    }

    pub(crate) fn by_key(key: &str) -> Option<Self> {
        [Self::Number, Self::Text].into_iter().find(|class| class.key() == key)
    }
}

/// One series.
#[derive(Debug, Clone)]
pub(crate) struct SeriesEntry {
    pub(crate) device: DeviceId,
    pub(crate) metric: Arc<str>,
    /// The catalogue's metric of that name; `None` if it no longer knows it.
    pub(crate) known: Option<Metric>,
    pub(crate) class: Class,
    /// Decimals of its numbers in memory; the database follows with the next commit.
    pub(crate) decimals: u8,
    /// Its id in the database, where it is from the next commit on.
    pub(crate) id: i64,
    /// The decimals that the database has; `None` if it does not know the series yet.
    pub(crate) saved: Option<u8>,
}

impl SeriesEntry {
    /// Whether its numbers only grow.
    pub(crate) fn is_counter(&self) -> bool {
        self.known.is_some_and(|metric| matches!(metric.def().kind, Kind::Counter))
    }

    /// As the log names it.
    pub(crate) fn named(&self) -> Named {
        Named { id: self.id, decimals: self.number_decimals() }
    }

    /// Decimals of its numbers, if it holds numbers.
    pub(crate) fn number_decimals(&self) -> Option<u8> {
        (self.class == Class::Number).then_some(self.decimals)
    }
}

/// All series.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    entries: Vec<SeriesEntry>,
    /// Those that the database does not know as they are.
    unsaved: BTreeSet<Slot>,
    by_name: HashMap<DeviceId, HashMap<Arc<str>, [Option<Slot>; 2]>>,
    next_id: i64,
}

impl Registry {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &SeriesEntry)> {
        self.entries.iter().enumerate().map(|(index, entry)| (Slot(index), entry))
    }

    pub(crate) fn get(&self, slot: Slot) -> &SeriesEntry {
        &self.entries[slot.0]
    }

    /// Gives a series at least `decimals`. Returns by how many there are more.
    pub(crate) fn refine(&mut self, slot: Slot, decimals: u8) -> u8 {
        let entry = &mut self.entries[slot.0];
        let more = decimals.saturating_sub(entry.decimals);
        if more > 0 {
            entry.decimals = decimals;
            self.unsaved.insert(slot);
        }
        more
    }

    /// Whether the database knows all series as they are.
    pub(crate) fn is_saved(&self) -> bool {
        self.unsaved.is_empty()
    }

    /// The series that the database does not know as they are.
    pub(crate) fn unsaved(&self) -> Vec<(Slot, SeriesEntry)> {
        self.unsaved.iter().map(|slot| (*slot, self.get(*slot).clone())).collect()
    }

    /// The database has this series with so many decimals.
    pub(crate) fn set_saved(&mut self, slot: Slot, decimals: u8) {
        let entry = &mut self.entries[slot.0];
        entry.saved = Some(decimals);
        if entry.decimals == decimals {
            self.unsaved.remove(&slot);
        }
    }

    pub(crate) fn find(&self, device: &str, metric: &str, class: Class) -> Option<Slot> {
        self.by_name.get(device)?.get(metric)?[class as usize]
    }

    /// Leaves an id to a series that nobody can ask for.
    pub(crate) fn reserve(&mut self, id: i64) {
        if (0..SERIES_MAX).contains(&id) {
            self.next_id = self.next_id.max(id + 1);
        }
    }

    pub(crate) fn add(&mut self, entry: SeriesEntry) -> Slot {
        let slot = Slot(self.entries.len());
        let names = self.by_name.entry(entry.device.clone()).or_default();
        names.entry(entry.metric.clone()).or_default()[entry.class as usize] = Some(slot);
        if entry.saved != Some(entry.decimals) {
            self.unsaved.insert(slot);
        }
        self.next_id = self.next_id.max(entry.id.saturating_add(1));
        self.entries.push(entry);
        slot
    }

    /// The series of a metric, made if it is new; `None` if there are too many.
    pub(crate) fn find_or_add(&mut self, device: &DeviceId, metric: Metric) -> Option<Slot> {
        let class = Class::of(metric);
        if let Some(slot) = self.find(device.as_str(), metric.id(), class) {
            // A driver's native metric becomes known with its first value.
            self.entries[slot.0].known.get_or_insert(metric);
            return Some(slot);
        }
        let entry = SeriesEntry {
            device: device.clone(),
            metric: Arc::from(metric.id()),
            known: Some(metric),
            class,
            decimals: metric.def().decimals,
            id: self.next_id,
            saved: None,
        };
        (self.next_id < SERIES_MAX).then(|| self.add(entry))
    }
}

/// Series in one store at most; a row's id has room for so many.
const SERIES_MAX: i64 = 1 << 20;

/// Texts longer than this are refused, bytes.
const TEXT_MAX: usize = 4_096;

/// Scaled numbers beyond this lose digits as `f64`.
const SCALED_MAX: f64 = 4e15;

/// Why one value is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// NaN or infinite.
    #[error("not a finite number")]
    NotFinite,
    /// Beyond 4e15 units of the metric's resolution.
    #[error("too large for the metric's resolution")]
    TooLarge,
    /// A text longer than 4096 bytes.
    #[error("a text of more than 4096 bytes")]
    TooLong,
    /// There are a million series.
    #[error("too many devices and metrics")]
    TooMany,
    /// A number for a state or text metric, or the other way round.
    #[error("not the kind of value that the catalogue declares")]
    WrongKind,
}

/// `value` of `metric` in units of 10^-`decimals`.
pub(crate) fn to_stored(value: &Value, metric: Metric, decimals: u8) -> Result<Stored, Refusal> {
    match (value, Class::of(metric)) {
        (Value::Number(number), Class::Number) => {
            let scaled = (metric.round(*number) * factor(decimals) as f64).round();
            if !number.is_finite() {
                return Err(Refusal::NotFinite);
            }
            if scaled.is_nan() || scaled.abs() > SCALED_MAX {
                return Err(Refusal::TooLarge);
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole and below SCALED_MAX")]
            Ok(Stored::Number(scaled as i64))
        }
        (Value::State(key), Class::Text) => Ok(Stored::Text(Arc::from(*key))),
        (Value::Text(text), Class::Text) if text.len() <= TEXT_MAX => Ok(Stored::Text(text.clone())),
        (Value::Text(_), Class::Text) => Err(Refusal::TooLong),
        _ => Err(Refusal::WrongKind),
    }
}

/// What was stored, in the words of the catalogue.
pub(crate) fn to_value(stored: &Stored, metric: Metric, decimals: u8) -> Value {
    match stored {
        Stored::Number(scaled) => Value::Number(*scaled as f64 / factor(decimals) as f64),
        Stored::Text(text) => {
            let Kind::State(states) = metric.def().kind else { return Value::Text(text.clone()) };
            let state = states.iter().find(|state| state.key == &**text);
            state.map_or_else(|| Value::Text(text.clone()), |state| Value::State(state.key))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Metric::BatteryPower, Value::Number(f64::NAN), Refusal::NotFinite)]
    #[case(Metric::BatteryPower, Value::Number(f64::INFINITY), Refusal::NotFinite)]
    #[case(Metric::BatteryPower, Value::Number(-1e300), Refusal::TooLarge)]
    #[case(Metric::BatteryPower, Value::Number(f64::MAX), Refusal::TooLarge)]
    #[case(Metric::BatteryPower, Value::text("a lot"), Refusal::WrongKind)]
    #[case(Metric::BatteryMode, Value::Number(1.0), Refusal::WrongKind)]
    #[case(Metric::BatteryMode, Value::text("x".repeat(4_097)), Refusal::TooLong)]
    fn what_cannot_be_kept_is_refused(
        #[case] metric: Metric,
        #[case] value: Value,
        #[case] refusal: Refusal,
    ) {
        assert_eq!(to_stored(&value, metric, metric.def().decimals), Err(refusal));
    }

    #[test]
    fn a_state_that_the_catalogue_no_longer_lists_is_a_text() {
        let stored = to_stored(&Value::text("retired"), Metric::BatteryMode, 0).expect("a text");
        assert_eq!(to_value(&stored, Metric::BatteryMode, 0), Value::text("retired"));
        let stored = to_stored(&Value::State("auto"), Metric::BatteryMode, 0).expect("a state");
        assert_eq!(to_value(&stored, Metric::BatteryMode, 0), Value::State("auto"));
    }

    proptest! {
        /// Also in a unit finer than the metric's, which is what a coarsened metric leaves behind.
        #[test]
        fn numbers_come_back_as_the_catalogue_rounds_them(number in -1e9f64..1e9, finer in 0u8..3) {
            for metric in [Metric::BatteryPower, Metric::BatterySoc, Metric::BatteryVoltage] {
                let decimals = metric.def().decimals + finer;
                let stored = to_stored(&Value::Number(number), metric, decimals).expect("fits");
                prop_assert_eq!(to_value(&stored, metric, decimals), Value::Number(metric.round(number)));
            }
        }
    }
}
