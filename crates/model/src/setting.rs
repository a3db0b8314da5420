//! What can be set on a device besides its battery mode. A setting is a metric that can be written: its value is read back
//! under the same name.

use std::fmt;

use crate::catalogue::Kind;
use crate::{Metric, Value};

/// A setting that a device offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The metric that shows it.
    pub metric: Metric,
    /// What it may be set to on this very device.
    pub allowed: Allowed,
}

/// The values that a device takes for a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Allowed {
    /// These states, by key.
    States(Vec<&'static str>),
    /// These numbers and no other, in the metric's unit.
    Numbers(Vec<f64>),
    /// Numbers from `min` to `max` in steps, in the metric's unit.
    Range {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// Between two neighbours.
        step: f64,
    },
    /// The same, or [`NONE`]: the device is asked for nothing of the kind.
    RangeOrNone {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// Between two neighbours.
        step: f64,
    },
}

/// The value that takes back what was set, where a setting has one.
pub const NONE: &str = "none";

/// A value that a setting does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// The setting's id.
    pub setting: &'static str,
    /// What was asked.
    pub value: String,
    /// What would do.
    pub expected: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be {:?}: expected {}", self.setting, self.value, self.expected)
    }
}

impl std::error::Error for SettingError {}

impl Setting {
    /// The value that `text` stands for: a state's key, or a number with or without the metric's unit.
    pub fn parse(&self, text: &str) -> Result<Value, SettingError> {
        let refused = || SettingError {
            setting: self.metric.id(),
            value: text.chars().take(64).collect(),
            expected: self.allowed_words(),
        };
        if let Allowed::States(keys) = &self.allowed {
            let wanted = text.trim();
            let key = keys.iter().find(|key| key.eq_ignore_ascii_case(wanted));
            return key.map(|key| Value::State(key)).ok_or_else(refused);
        }
        if matches!(self.allowed, Allowed::RangeOrNone { .. }) && text.trim().eq_ignore_ascii_case(NONE) {
            return Ok(Value::State(NONE));
        }
        let bare = self.metric.def().unit.map_or(text, |unit| {
            let trimmed = text.trim();
            trimmed.strip_suffix(unit.symbol()).unwrap_or(trimmed)
        });
        let number: f64 = bare.trim().parse().map_err(|_| refused())?;
        self.takes(number).then_some(Value::Number(number)).ok_or_else(refused)
    }

    fn takes(&self, number: f64) -> bool {
        // Far below the resolution of any setting, far above the error of a decimal fraction.
        const NEAR: f64 = 1e-6;
        match &self.allowed {
            Allowed::States(_) => false,
            Allowed::Numbers(numbers) => numbers.iter().any(|known| (known - number).abs() < NEAR),
            Allowed::Range { min, max, step } | Allowed::RangeOrNone { min, max, step } => {
                let steps = (number - min) / step;
                (min - NEAR..=max + NEAR).contains(&number) && (steps - steps.round()).abs() < NEAR.sqrt()
            }
        }
    }

    /// The allowed values for people: `one of 10, 20, 30 A`.
    pub fn allowed_words(&self) -> String {
        let unit = self.metric.def().unit.map_or(String::new(), |unit| format!(" {}", unit.symbol()));
        match &self.allowed {
            Allowed::States(keys) => format!("one of {}", keys.join(", ")),
            Allowed::Numbers(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                format!("one of {}{unit}", numbers.join(", "))
            }
            Allowed::Range { min, max, step } => format!("{min} to {max}{unit} in steps of {step}{unit}"),
            Allowed::RangeOrNone { min, max, step } => {
                format!("{min} to {max}{unit} in steps of {step}{unit}, or {NONE}")
            }
        }
    }

    /// The label of the state `key`, in `language`; the key itself where the metric has no such state.
    pub fn state_label(&self, key: &'static str, language: &str) -> &'static str {
        let Kind::State(states) = self.metric.def().kind else { return key };
        states.iter().find(|state| state.key == key).map_or(key, |state| state.label.get(language))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.metric, self.allowed_words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(metric: Metric, allowed: Allowed) -> Setting {
        Setting { metric, allowed }
    }

    #[test]
    fn only_what_the_device_takes_is_a_value() {
        let currents = setting(Metric::ChargeCurrentMax, Allowed::Numbers(vec![10.0, 20.0, 30.0]));
        assert_eq!(currents.parse("20"), Ok(Value::Number(20.0)));
        assert_eq!(currents.parse(" 30 A "), Ok(Value::Number(30.0)));
        for text in ["25", "20 W", "-10", "", "NaN", "inf", "1e1000"] {
            assert!(currents.parse(text).is_err(), "{text:?} was accepted");
        }
        let voltage = Allowed::Range { min: 48.0, max: 58.4, step: 0.1 };
        let voltage = setting(Metric::BatteryFloatVoltage, voltage);
        for text in ["48", "54.0 V", "56.7", "58.4"] {
            assert!(voltage.parse(text).is_ok(), "{text:?} was refused");
        }
        for text in ["47.9", "58.5", "54.05"] {
            assert!(voltage.parse(text).is_err(), "{text:?} was accepted");
        }
        let setpoint = Allowed::RangeOrNone { min: -1000.0, max: 1000.0, step: 1.0 };
        let setpoint = setting(Metric::GridPower, setpoint);
        assert_eq!(setpoint.parse("-300 W"), Ok(Value::Number(-300.0)));
        assert_eq!(setpoint.parse(" None "), Ok(Value::State(NONE)));
        let refused = setpoint.parse("nothing").expect_err("no number").to_string();
        assert!(refused.ends_with("expected -1000 to 1000 W in steps of 1 W, or none"), "{refused}");
        assert!(voltage.parse("none").is_err(), "it cannot be taken back");
        let priority = Allowed::States(vec!["utility_first", "solar_first"]);
        let priority = setting(Metric::OutputPriority, priority);
        assert_eq!(priority.parse("Solar_First"), Ok(Value::State("solar_first")));
        let refused = priority.parse("sbu").expect_err("not offered").to_string();
        assert_eq!(refused, "output_priority cannot be \"sbu\": expected one of utility_first, solar_first");
    }
}
