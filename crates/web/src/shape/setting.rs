//! The settings that a device offers besides its battery mode, and a wish for one.

use ohmstead_model::{Allowed, Assignment, Evidence, Setting};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::error::ApiError;

/// A setting that a device offers, and what it may be set to.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Setting)]
pub(crate) struct SettingJson {
    /// The metric that shows it.
    #[schema(example = "output_priority")]
    name: &'static str,
    /// Unit of its numbers; `null` for states.
    #[schema(example = "A", required = true)]
    unit: Option<&'static str>,
    /// The states that it takes, by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["utility_first", "solar_first"]), required = false)]
    states: Option<Vec<&'static str>>,
    /// The numbers that it takes, and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    numbers: Option<Vec<f64>>,
    /// The least number that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    min: Option<f64>,
    /// The greatest number that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    max: Option<f64>,
    /// The distance between two numbers that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    step: Option<f64>,
}

impl From<&Setting> for SettingJson {
    fn from(setting: &Setting) -> Self {
        let def = setting.metric.def();
        let none = Self {
            name: def.id,
            unit: def.unit.map(|unit| unit.symbol()),
            states: None,
            numbers: None,
            min: None,
            max: None,
            step: None,
        };
        match &setting.allowed {
            Allowed::States(states) => Self { states: Some(states.clone()), ..none },
            Allowed::Numbers(numbers) => Self { numbers: Some(numbers.clone()), ..none },
            Allowed::Range { min, max, step } => {
                Self { min: Some(*min), max: Some(*max), step: Some(*step), ..none }
            }
        }
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
    /// A state's key, or a number in the setting's unit; the device's `settings` list what it takes.
    #[schema(value_type = Object, example = "solar_first")]
    value: Json,
}

impl SettingBody {
    /// The wish for `setting`, or what is wrong with the value.
    pub(crate) fn read(self, setting: &Setting) -> Result<Assignment, ApiError> {
        let text = match self.value {
            Json::String(text) => text,
            Json::Number(number) => number.to_string(),
            _ => {
                let hint = format!("expected {}", setting.allowed_words());
                return Err(ApiError::bad("bad_value", "`value` is neither text nor a number", hint));
            }
        };
        setting
            .parse(&text)
            .map_err(|error| ApiError::bad("bad_value", error.to_string(), "see the device's `settings`"))?;
        Ok(Assignment { name: setting.metric.id().to_owned(), value: text.trim().to_owned() })
    }
}
