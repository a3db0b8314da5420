//! Which series there are: their names, whether they hold numbers or texts, and the resolution of their numbers.
//!
//! A series is named by device, metric and class. Its decimals only ever grow: where the catalogue later declares a
//! coarser resolution the finer unit stays, where it declares a finer one the stored integers are multiplied, so
//! nothing is lost either way.

use std::collections::HashMap;
use std::sync::Arc;

use ohmstead_model::catalogue::Kind;
use ohmstead_model::{DeviceId, Metric, Value};

use crate::columns::{Slot, Stored, factor};

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

/// How a series stands in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) decimals: u8,
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
    /// How it stands in the database, once it does.
    pub(crate) row: Option<Row>,
}

/// All series.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    entries: Vec<SeriesEntry>,
    by_name: HashMap<DeviceId, HashMap<Arc<str>, [Option<Slot>; 2]>>,
}

impl Registry {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &SeriesEntry)> {
        self.entries.iter().enumerate().map(|(index, entry)| (Slot(index), entry))
    }

    pub(crate) fn get(&self, slot: Slot) -> &SeriesEntry {
        &self.entries[slot.0]
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> &mut SeriesEntry {
        &mut self.entries[slot.0]
    }

    pub(crate) fn find(&self, device: &str, metric: &str, class: Class) -> Option<Slot> {
        self.by_name.get(device)?.get(metric)?[class as usize]
    }

    pub(crate) fn add(&mut self, entry: SeriesEntry) -> Slot {
        let slot = Slot(self.entries.len());
        let names = self.by_name.entry(entry.device.clone()).or_default();
        names.entry(entry.metric.clone()).or_default()[entry.class as usize] = Some(slot);
        self.entries.push(entry);
        slot
    }

    /// The series of a metric, made if it is new.
    pub(crate) fn find_or_add(&mut self, device: &DeviceId, metric: Metric) -> Slot {
        let class = Class::of(metric);
        match self.find(device.as_str(), metric.id(), class) {
            Some(slot) => {
                // A driver's native metric becomes known with its first value.
                self.get_mut(slot).known.get_or_insert(metric);
                slot
            }
            None => self.add(SeriesEntry {
                device: device.clone(),
                metric: Arc::from(metric.id()),
                known: Some(metric),
                class,
                decimals: metric.def().decimals,
                row: None,
            }),
        }
    }
}

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
