//! The catalogue: every metric is defined once, here, and everything else is derived from it: Home Assistant
//! discovery, REST, the store's resolution, charts, Prometheus, the documentation.
//!
//! The core metrics stand in `core.rs`. Drivers may contribute native ones with the same [`MetricDef`].

mod core;
mod kind;
mod priced;

use std::fmt;
use std::hash::{Hash, Hasher};

pub use core::{CORE, YES_NO};
pub use kind::{HaClass, Kind, Labels, PollClass, Sign, StateDef, Unit};
pub use priced::{PriceUnit, priced};

/// The definition of one metric.
#[derive(Debug)]
pub struct MetricDef {
    /// Canonical name, `snake_case`, such as `battery_soc`.
    pub id: &'static str,
    /// Unit of its numbers; `None` for states, text and bare numbers.
    pub unit: Option<Unit>,
    /// Decimals that are stored and shown.
    pub decimals: u8,
    /// What the sign means.
    pub sign: Sign,
    /// Gauge, counter, state or text.
    pub kind: Kind,
    /// How often it is worth reading; decides its time to live.
    pub poll: PollClass,
    /// How Home Assistant classifies it.
    pub ha: HaClass,
    /// Name for people.
    pub label: Labels,
}

/// A metric of the catalogue. Two are equal if their ids are.
#[derive(Clone, Copy)]
pub struct Metric(&'static MetricDef);

impl Metric {
    /// The metric that `def` defines. Drivers use it for their native tables.
    pub const fn new(def: &'static MetricDef) -> Self {
        Self(def)
    }

    /// Its definition.
    pub const fn def(self) -> &'static MetricDef {
        self.0
    }

    /// Its canonical name.
    pub const fn id(self) -> &'static str {
        self.0.id
    }

    /// The core metric with this id.
    pub fn by_id(id: &str) -> Option<Self> {
        CORE.iter().copied().find(|metric| metric.id() == id)
    }

    /// `number` at the metric's resolution.
    pub fn round(self, number: f64) -> f64 {
        let scale = 10f64.powi(i32::from(self.0.decimals));
        // Adding zero turns -0.0 into 0.0: a power of "-0 W" makes people ask.
        (number * scale).round() / scale + 0.0
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || self.0.id == other.0.id
    }
}

impl Eq for Metric {}

impl PartialOrd for Metric {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Metric {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.id.cmp(other.0.id)
    }
}

impl Hash for Metric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_snake_case() {
        let mut seen = BTreeSet::new();
        for metric in CORE {
            let id = metric.id();
            assert!(seen.insert(id), "{id} is defined twice");
            let snake = id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(snake && !id.starts_with('_') && !id.is_empty(), "{id:?} is not snake_case");
        }
    }

    #[test]
    fn every_metric_is_labelled_in_every_language() {
        for metric in CORE {
            for (language, label) in metric.def().label.all() {
                assert!(!label.trim().is_empty(), "{metric} has no {language} label");
            }
        }
    }

    #[test]
    fn labels_do_not_collide() {
        for language in ["en", "fr", "nl", "et", "de"] {
            let mut seen = BTreeSet::new();
            for metric in CORE {
                let label = metric.def().label.get(language);
                assert!(
                    seen.insert(label),
                    "{language} label {label:?} stands for two metrics, one is {metric}"
                );
            }
        }
    }

    /// Home Assistant refuses an entity whose unit is not one of its device class.
    #[test]
    fn units_and_state_classes_fit_the_home_assistant_device_class() {
        for metric in CORE {
            let def = metric.def();
            let symbol = def.unit.map(Unit::symbol);
            let allowed: &[&str] = match def.ha.device_class {
                Some("battery") => &["%"],
                Some("power") => &["W"],
                Some("energy" | "energy_storage") => &["Wh", "kWh"],
                Some("voltage") => &["V"],
                Some("current") => &["A"],
                Some("temperature") => &["°C"],
                Some("volume_storage") => &["m³"],
                Some("frequency") => &["Hz"],
                Some("duration") => &["ms", "s"],
                Some("signal_strength") => &["dBm"],
                Some("apparent_power") => &["VA"],
                Some("reactive_power") => &["var"],
                Some("enum") | None => continue,
                Some(other) => panic!("{metric}: device class {other} is not in this test's table"),
            };
            assert!(symbol.is_some_and(|symbol| allowed.contains(&symbol)), "{metric}: {symbol:?}");
        }
    }

    /// The energy dashboard takes an entity as a price by its unit, `EUR/kWh`; a price has no device class (`monetary` is for
    /// amounts, and takes no `measurement`).
    #[test]
    fn a_price_is_a_measurement_without_a_device_class() {
        for metric in priced() {
            let HaClass { device_class, state_class, diagnostic } = metric.def().ha;
            assert_eq!(
                (device_class, state_class, diagnostic),
                (None, Some("measurement"), false),
                "{metric}"
            );
        }
    }

    #[test]
    fn kinds_are_consistent() {
        for metric in CORE {
            let def = metric.def();
            match def.kind {
                Kind::Gauge => assert_ne!(def.ha.state_class, Some("total_increasing"), "{metric}"),
                Kind::Counter => assert_eq!(def.ha.state_class, Some("total_increasing"), "{metric}"),
                Kind::State(states) => {
                    assert!(
                        states.len() > 1 && def.unit.is_none() && def.ha.state_class.is_none(),
                        "{metric}"
                    );
                    assert_eq!(def.ha.device_class, Some("enum"), "{metric}");
                }
                Kind::Text => assert!(def.unit.is_none() && def.ha.device_class.is_none(), "{metric}"),
            }
        }
    }

    #[test]
    fn rounding_keeps_the_declared_decimals() {
        assert_eq!(Metric::BatterySoc.round(81.26).to_string(), "81.3");
        assert_eq!(Metric::BatteryPower.round(-0.4).to_string(), "0");
    }
}
