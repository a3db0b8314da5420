//! The settings that a device offers besides its battery mode, a wish for one, and what the driver knows of the device.

use ohmstead_model::catalogue::Unit;
use ohmstead_model::{Allowed, Assignment, Evidence, Setting};
use serde_json::Value as Json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

use crate::error::ApiError;
use crate::suggest;

/// The longest value that is looked at, in characters. The longest sensible one has about twenty, and what is accepted
/// stands in the ledger for ever.
const VALUE_CHARS_MAX: usize = 64;

/// A setting that a device offers, and what it may be set to.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Setting)]
pub(crate) struct SettingJson {
    /// The metric that shows it; its present value is among the device's `values`.
    #[schema(example = "output_priority")]
    name: &'static str,
    /// What it may be set to on this very device.
    allowed: AllowedJson,
    /// Unit of its numbers; `null` for states.
    #[schema(example = "A", required = true)]
    unit: Option<&'static str>,
}

/// What a setting may be set to: certain states, certain numbers, or numbers from `min` to `max` in steps.
#[derive(Debug, serde::Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Allowed, example = json!({"states": ["utility_first", "solar_first"]}))]
enum AllowedJson {
    /// These states and no other.
    States {
        /// Their keys; the metric has their names.
        states: Vec<&'static str>,
    },
    /// These numbers and no other.
    Numbers {
        /// In the setting's unit.
        numbers: Vec<f64>,
    },
    /// Numbers in steps.
    Range {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
        /// Between two neighbours.
        step: f64,
        /// `true` where `none` takes back what was set; absent otherwise.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        none: bool,
    },
}

impl From<&Allowed> for AllowedJson {
    fn from(allowed: &Allowed) -> Self {
        match allowed {
            Allowed::States(states) => Self::States { states: states.clone() },
            Allowed::Numbers(numbers) => Self::Numbers { numbers: numbers.clone() },
            Allowed::Range { min, max, step } | Allowed::RangeOrNone { min, max, step } => {
                let none = matches!(allowed, Allowed::RangeOrNone { .. });
                Self::Range { min: *min, max: *max, step: *step, none }
            }
        }
    }
}

impl From<&Setting> for SettingJson {
    fn from(setting: &Setting) -> Self {
        let def = setting.metric.def();
        Self { name: def.id, allowed: (&setting.allowed).into(), unit: def.unit.map(Unit::symbol) }
    }
}

/// One thing that the driver knows about a device, and what from.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(crate) struct EvidenceJson {
    /// What was asked or looked at.
    #[schema(example = "QPI")]
    what: String,
    /// What was seen, in the device's own words.
    #[schema(example = "(PI30")]
    seen: String,
    /// What follows from it; empty where nothing does.
    means: String,
}

impl From<&Evidence> for EvidenceJson {
    fn from(evidence: &Evidence) -> Self {
        Self { what: evidence.what.clone(), seen: evidence.seen.clone(), means: evidence.means.clone() }
    }
}

/// The value that a setting should have.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettingRequest, example = json!({"value": "solar_first"}))]
pub(crate) struct SettingBody {
    /// A state's key, or a number in the setting's unit.
    #[schema(schema_with = value_schema)]
    value: Json,
}

impl SettingBody {
    /// The wish for `setting`, or what is wrong with the value.
    pub(crate) fn read(self, setting: &Setting) -> Result<Assignment, ApiError> {
        let text = match self.value {
            Json::String(text) => text.trim().to_owned(),
            Json::Number(number) => number.to_string(),
            other => {
                let message = format!("value must be text or a number, not {}", kind(&other));
                return Err(ApiError::bad("bad_value", message, expected(setting)));
            }
        };
        if text.chars().count() > VALUE_CHARS_MAX {
            let message = format!("value has more than {VALUE_CHARS_MAX} characters");
            return Err(ApiError::bad("bad_value", message, expected(setting)));
        }
        match setting.parse(&text) {
            Ok(_) => Ok(Assignment { name: setting.metric.id().to_owned(), value: text }),
            Err(error) => Err(ApiError::bad("bad_value", error.to_string(), hint(setting, &text))),
        }
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn expected(setting: &Setting) -> String {
    format!("expected {}", setting.allowed_words())
}

fn hint(setting: &Setting, wrong: &str) -> String {
    match &setting.allowed {
        Allowed::States(states) => suggest::hint(wrong, states.iter().copied()),
        Allowed::Numbers(_) | Allowed::Range { .. } | Allowed::RangeOrNone { .. } => {
            "see the device's `settings`".to_owned()
        }
    }
}

fn value_schema() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(VALUE_CHARS_MAX));
    OneOfBuilder::new()
        .item(text)
        .item(ObjectBuilder::new().schema_type(Type::Number))
        .description(Some(
            "A state's key, or a number in the setting's unit; the device's `settings` list what it takes.",
        ))
        .examples([serde_json::json!("solar_first"), serde_json::json!(30)])
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ohmstead_model::Metric;
    use rstest::rstest;

    fn read(allowed: Allowed, metric: Metric, json: &str) -> Result<String, String> {
        let body: SettingBody = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let read = body.read(&Setting { metric, allowed }).map_err(|error| format!("{error:?}"))?;
        assert_eq!(read.name, metric.id());
        Ok(read.value)
    }

    fn priority(json: &str) -> Result<String, String> {
        read(Allowed::States(vec!["utility_first", "solar_first"]), Metric::OutputPriority, json)
    }

    fn current(json: &str) -> Result<String, String> {
        read(Allowed::Numbers(vec![2.0, 10.0, 30.0]), Metric::ChargeCurrentMax, json)
    }

    fn voltage(json: &str) -> Result<String, String> {
        let range = Allowed::Range { min: 48.0, max: 58.4, step: 0.1 };
        read(range, Metric::BatteryFloatVoltage, json)
    }

    #[test]
    fn values_are_passed_on_as_they_were_asked() {
        assert_eq!(priority(r#"{"value":"solar_first"}"#).as_deref(), Ok("solar_first"));
        assert_eq!(priority(r#"{"value":" Solar_First "}"#).as_deref(), Ok("Solar_First"));
        assert_eq!(current(r#"{"value":30}"#).as_deref(), Ok("30"));
        assert_eq!(current(r#"{"value":"30 A"}"#).as_deref(), Ok("30 A"));
        assert_eq!(voltage(r#"{"value":54.4}"#).as_deref(), Ok("54.4"));
    }

    #[rstest]
    #[case("{}", "missing field")]
    #[case(r#"{"value":null}"#, "not null")]
    #[case(r#"{"value":true}"#, "not true or false")]
    #[case(r#"{"value":["solar_first"]}"#, "not a list")]
    #[case(r#"{"value":{"state":"solar_first"}}"#, "not an object")]
    #[case(r#"{"value":1}"#, "expected one of")]
    #[case(r#"{"value":"solarfirst"}"#, r#"did you mean \"solar_first\"?"#)]
    #[case(r#"{"value":"POP01"}"#, "there are: utility_first, solar_first")]
    #[case(r#"{"value":"solar_first\r"}{}"#, "trailing characters")]
    #[case(r#"{"value":"solar_first","for_s":60}"#, "unknown field")]
    fn what_is_no_state_of_it_is_refused(#[case] json: &str, #[case] why: &str) {
        let refusal = priority(json).expect_err(json);
        assert!(refusal.contains(why), "{json}: {refusal}");
    }

    #[rstest]
    #[case(r#"{"value":25}"#, "one of 2, 10, 30 A")]
    #[case(r#"{"value":-30}"#, "one of")]
    #[case(r#"{"value":1e300}"#, "one of")]
    #[case(r#"{"value":"NaN"}"#, "one of")]
    #[case(r#"{"value":"inf"}"#, "one of")]
    #[case(r#"{"value":1e999}"#, "out of range")]
    #[case(r#"{"value":NaN}"#, "expected value")]
    #[case(r#"{"value":"30 W"}"#, "one of")]
    fn what_is_no_number_of_it_is_refused(#[case] json: &str, #[case] why: &str) {
        let refusal = current(json).expect_err(json);
        assert!(refusal.contains(why), "{json}: {refusal}");
    }

    #[test]
    fn a_number_written_at_length_does_not_get_into_the_ledger() {
        let refusal = current(&format!(r#"{{"value":"{}30"}}"#, "0".repeat(60_000))).expect_err("too long");
        assert!(refusal.contains("more than 64 characters") && refusal.len() < 400, "{refusal}");
    }
}
