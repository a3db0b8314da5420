//! The entities with which settings are changed. Pure.
//!
//! | the setting takes | entity |
//! |---|---|
//! | states | select, with the keys of the states |
//! | certain numbers | select, with the numbers as text, for a number entity cannot have gaps |
//! | a range | number, to be typed |
//!
//! Home Assistant logs an error at every state that the entity could not be set to, so that such a state, which somebody
//! may have chosen at the device itself, shows as unknown here and as it is in the sensor of the same metric.

use ohmstead_model::{Allowed, DeviceInfo, Metric, Setting, Value};
use serde_json::{Value as Json, json};

use super::{Component, unique_id};
use crate::render;
use crate::scheme::Scheme;

/// Home Assistant takes no smaller step.
const STEP_MIN: f64 = 1e-3;

/// The entity of a setting; none for one that takes nothing, and while commands are not listened to.
pub(super) fn component(scheme: &Scheme, info: &DeviceInfo, setting: &Setting) -> Option<Component> {
    if !scheme.commands {
        return None;
    }
    let (def, id) = (setting.metric.def(), setting.metric.id());
    let component = format!("{id}_set");
    let (platform, particular) = entity(setting)?;
    let mut config = json!({
        "name": def.label.get(&scheme.language),
        "unique_id": unique_id(scheme, info, &component),
        "default_entity_id": format!("{platform}.{}", scheme.entity_id(&info.id, id)),
        "entity_category": "config",
        "command_topic": scheme.device_topic(&info.id, &format!("{id}/set")),
    });
    let (Json::Object(config), Json::Object(particular)) = (&mut config, particular) else { return None };
    config.extend(particular);
    Some(Component { id: component, platform, config: std::mem::take(config) })
}

/// The platform, and what is particular to it.
fn entity(setting: &Setting) -> Option<(&'static str, Json)> {
    let metric = setting.metric;
    match &setting.allowed {
        Allowed::States(keys) => select(metric.id(), keys.iter().map(|key| (*key).to_owned()).collect()),
        Allowed::Numbers(numbers) => {
            select(metric.id(), numbers.iter().map(|number| text(metric, *number)).collect())
        }
        Allowed::Range { min, max, step } | Allowed::RangeOrNone { min, max, step } => {
            number(metric, *min, *max, *step)
        }
    }
}

/// A number as the state has it, so that Home Assistant finds the state among the options.
fn text(metric: Metric, number: f64) -> String {
    render::published(metric, &Value::Number(number)).to_string()
}

fn select(id: &str, mut options: Vec<String>) -> Option<(&'static str, Json)> {
    options.dedup();
    if options.is_empty() {
        return None;
    }
    // As JSON, the list is also one of the template language.
    let template =
        format!("{{{{ value_json.{id} if value_json.{id} | string in {} else none }}}}", json!(options));
    Some(("select", json!({ "options": options, "value_template": template })))
}

fn number(metric: Metric, min: f64, max: f64, step: f64) -> Option<(&'static str, Json)> {
    let id = metric.id();
    if !(min <= max && step >= STEP_MIN) {
        return None;
    }
    let template = format!(
        "{{{{ value_json.{id} if value_json.{id} is number and {min} <= value_json.{id} <= {max} else none }}}}"
    );
    let mut config =
        json!({ "min": min, "max": max, "step": step, "mode": "box", "value_template": template });
    if let Some(unit) = metric.def().unit {
        config["unit_of_measurement"] = json!(unit.symbol());
    }
    Some(("number", config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Allowed::States(vec![]))]
    #[case(Allowed::Numbers(vec![]))]
    #[case(Allowed::Range { min: 2.0, max: 1.0, step: 0.1 })]
    #[case(Allowed::Range { min: 1.0, max: 2.0, step: 0.0 })]
    #[case(Allowed::Range { min: 1.0, max: f64::NAN, step: 1.0 })]
    fn what_takes_nothing_has_no_entity(#[case] allowed: Allowed) {
        assert_eq!(entity(&Setting { metric: Metric::BatteryFloatVoltage, allowed }), None);
    }

    /// The word that Home Assistant sends back is one that the device takes.
    #[test]
    fn every_option_is_a_value_of_the_setting() {
        let setting =
            Setting { metric: Metric::ChargeCurrentMax, allowed: Allowed::Numbers(vec![2.0, 10.0, 120.0]) };
        let Allowed::Numbers(numbers) = &setting.allowed else { panic!("just made") };
        for number in numbers {
            let option = text(setting.metric, *number);
            assert_eq!(setting.parse(&option), Ok(Value::Number(*number)), "{option}");
        }
    }
}
