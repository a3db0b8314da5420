//! The writing methods: what each asks for, and what the firmware makes of it.
//!
//! ```text
//! ES.SetMode config   {"mode":"Auto","auto_cfg":{"enable":1}}        the mode's own sub-object is mandatory:
//!                     {"mode":"Manual","manual_cfg":{...one slot}}   without it set_result is false
//!                     {"mode":"Passive","passive_cfg":{"power":-800,"cd_time":300}}
//! ```
//!
//! Power is positive for discharge, on the wire as in the house.

use super::{
    Profile,
    profile::Family,
    request::{number, whole},
};
use crate::house::{Mode, Slot, SlotAction};
use serde_json::{Map, Value};

/// What a write asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// Auto, AI or UPS.
    Switch(Mode),
    /// Manual: one slot is written, `None` clears it.
    Slot { index: usize, slot: Option<Slot> },
    /// Passive until the countdown is over.
    Passive { power_w: f64, seconds: i64 },
    /// Depth of discharge, %.
    Depth(f64),
    /// Another power version, W.
    PowerLimit(f64),
    /// Back to the state of delivery; totals kept or cleared.
    FactoryReset { totals: Totals },
    /// LED, BLE advertising, Wi-Fi: nothing in the house follows.
    Gadget,
    /// Acknowledged and ignored, as the mini does without `manual_set`.
    Ignore,
}

/// What a factory reset does to the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Totals {
    Cleared,
    Kept,
}

/// Why there is no order in a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoOrder {
    /// -32602.
    InvalidParams,
    /// `set_result: false`.
    Refused,
}

/// The methods that write.
pub(crate) fn is_write(method: &str) -> bool {
    matches!(
        method,
        "ES.SetMode" | "DOD.SET" | "Led.Ctrl" | "Ble.Adv" | "Set.Ver" | "Reset.Factory" | "Wifi.SetConfig"
    )
}

/// Reads the order of a writing method.
pub(crate) fn read(method: &str, params: &Map<String, Value>, profile: Profile) -> Result<Order, NoOrder> {
    let one_of = |name, allowed: &[i64]| {
        whole(params, name).filter(|value| allowed.contains(value)).ok_or(NoOrder::Refused)
    };
    match method {
        "ES.SetMode" => {
            let config = params.get("config").and_then(Value::as_object).ok_or(NoOrder::InvalidParams)?;
            set_mode(config, profile).ok_or(NoOrder::Refused)
        }
        "DOD.SET" => {
            let value =
                whole(params, "value").filter(|value| (30..=88).contains(value)).ok_or(NoOrder::Refused)?;
            Ok(Order::Depth(value as f64))
        }
        "Set.Ver" => Ok(Order::PowerLimit(one_of("version", &[800, 1_200, 1_500, 2_200, 2_500])? as f64)),
        "Reset.Factory" => {
            let totals = if one_of("type", &[1, 2])? == 1 { Totals::Cleared } else { Totals::Kept };
            Ok(Order::FactoryReset { totals })
        }
        "Led.Ctrl" => one_of("state", &[0, 1]).map(|_| Order::Gadget),
        "Ble.Adv" => one_of("enable", &[0, 1]).map(|_| Order::Gadget),
        _ => Ok(Order::Gadget),
    }
}

fn set_mode(config: &Map<String, Value>, profile: Profile) -> Option<Order> {
    let part = |name: &str| config.get(name).and_then(Value::as_object);
    let enabled =
        |name: &str, mode: Mode| (whole(part(name)?, "enable")? == 1).then_some(Order::Switch(mode));
    match config.get("mode")?.as_str()? {
        "Auto" => enabled("auto_cfg", Mode::Auto),
        "AI" => enabled("ai_cfg", Mode::Ai),
        // The document spells it both ways.
        "UPS" | "Ups" if profile.has_ups() => enabled("ups_cfg", Mode::Ups),
        "Manual" => manual(part("manual_cfg")?, profile),
        "Passive" if profile.family() != Family::Mini => passive(part("passive_cfg")?),
        _ => None,
    }
}

fn passive(config: &Map<String, Value>) -> Option<Order> {
    let seconds = whole(config, "cd_time").filter(|seconds| (1..=86_400).contains(seconds))?;
    Some(Order::Passive { power_w: number(config, "power")?, seconds })
}

fn manual(config: &Map<String, Value>, profile: Profile) -> Option<Order> {
    let index = usize::try_from(whole(config, "time_num")?).ok().filter(|index| *index < profile.slots())?;
    let start_min = minute_of_day(config.get("start_time")?.as_str()?)?;
    let end_min = minute_of_day(config.get("end_time")?.as_str()?)?;
    // Bit 7 is no day.
    let week_set = u8::try_from(whole(config, "week_set")?).ok().filter(|week| *week < 128)?;
    let power_w = number(config, "power")?;
    let enabled = match whole(config, "enable")? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let action = if profile.family() == Family::Mini {
        match config.get("manual_set").map(|_| whole(config, "manual_set")) {
            None => return Some(Order::Ignore),
            Some(Some(0)) => return Some(Order::Slot { index, slot: None }),
            Some(Some(1)) => SlotAction::Power(-power_w.abs()),
            Some(Some(2)) => SlotAction::Power(power_w.abs()),
            Some(Some(3)) => SlotAction::FollowMeter,
            Some(_) => return None,
        }
    } else {
        SlotAction::Power(power_w)
    };
    let slot = enabled.then_some(Slot { start_min, end_min, week_set, action });
    Some(Order::Slot { index, slot })
}

/// `hh:mm`; 24:00 is the end of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits =
        |part: &str| (part.len() <= 2 && !part.starts_with('+')).then(|| part.parse::<u16>().ok())?;
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 1_440).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn order(profile: Profile, config: &Value) -> Result<Order, NoOrder> {
        let Value::Object(params) = json!({"id": 0, "config": config}) else { unreachable!() };
        read("ES.SetMode", &params, profile)
    }

    fn slot(manual_cfg: &Value) -> Result<Order, NoOrder> {
        order(Profile::E3V150, &json!({"mode": "Manual", "manual_cfg": manual_cfg}))
    }

    #[rstest]
    #[case::auto(json!({"mode": "Auto", "auto_cfg": {"enable": 1}}), true)]
    #[case::true_counts_as_one(json!({"mode": "AI", "ai_cfg": {"enable": true}}), true)]
    #[case::ups_both_spellings(json!({"mode": "Ups", "ups_cfg": {"enable": 1}}), true)]
    #[case::no_sub_object(json!({"mode": "Auto"}), false)]
    #[case::sub_object_of_another(json!({"mode": "Auto", "ai_cfg": {"enable": 1}}), false)]
    #[case::not_enabled(json!({"mode": "Auto", "auto_cfg": {"enable": 0}}), false)]
    #[case::wrong_case(json!({"mode": "auto", "auto_cfg": {"enable": 1}}), false)]
    #[case::passive(json!({"mode": "Passive", "passive_cfg": {"power": -800, "cd_time": 300}}), true)]
    #[case::passive_without_time(json!({"mode": "Passive", "passive_cfg": {"power": -800}}), false)]
    #[case::passive_too_long(json!({"mode": "Passive", "passive_cfg": {"power": 1, "cd_time": 86_401}}), false)]
    #[case::text_is_no_power(json!({"mode": "Passive", "passive_cfg": {"power": "800", "cd_time": 300}}), false)]
    fn a_mode_needs_its_own_sub_object(#[case] config: Value, #[case] accepted: bool) {
        assert_eq!(order(Profile::E3V150, &config).is_ok(), accepted);
    }

    #[rstest]
    #[case::full(json!({"time_num": 9, "start_time": "22:00", "end_time": "06:00", "week_set": 127, "power": -1000, "enable": 1}), true)]
    #[case::slot_ten(json!({"time_num": 10, "start_time": "22:00", "end_time": "06:00", "week_set": 127, "power": 0, "enable": 1}), false)]
    #[case::eighth_day(json!({"time_num": 0, "start_time": "22:00", "end_time": "06:00", "week_set": 128, "power": 0, "enable": 1}), false)]
    #[case::no_time(json!({"time_num": 0, "start_time": "2200", "end_time": "06:00", "week_set": 1, "power": 0, "enable": 1}), false)]
    #[case::minute_sixty(json!({"time_num": 0, "start_time": "22:60", "end_time": "06:00", "week_set": 1, "power": 0, "enable": 1}), false)]
    #[case::missing_power(json!({"time_num": 0, "start_time": "22:00", "end_time": "06:00", "week_set": 1, "enable": 1}), false)]
    #[case::array_form(json!([{"time_num": 0}]), false)]
    fn a_slot_is_checked(#[case] config: Value, #[case] accepted: bool) {
        assert_eq!(slot(&config).is_ok(), accepted);
    }

    #[test]
    fn a_disabled_slot_clears() {
        let placeholder = json!({"time_num": 9, "start_time": "00:00", "end_time": "00:00", "week_set": 0, "power": 0, "enable": 0});
        assert_eq!(slot(&placeholder), Ok(Order::Slot { index: 9, slot: None }));
    }

    #[rstest]
    #[case::forgotten(None, Some(Order::Ignore))]
    #[case::charge(Some(1), Some(Order::Slot { index: 0, slot: Some(mini_slot(SlotAction::Power(-1_000.0))) }))]
    #[case::discharge(Some(2), Some(Order::Slot { index: 0, slot: Some(mini_slot(SlotAction::Power(1_000.0))) }))]
    #[case::auto(Some(3), Some(Order::Slot { index: 0, slot: Some(mini_slot(SlotAction::FollowMeter)) }))]
    #[case::disable(Some(0), Some(Order::Slot { index: 0, slot: None }))]
    #[case::unknown(Some(4), None)]
    fn the_mini_wants_manual_set(#[case] manual_set: Option<i64>, #[case] expected: Option<Order>) {
        let mut config = json!({"time_num": 0, "start_time": "12:00", "end_time": "13:00", "week_set": 127, "power": -1000, "enable": 1});
        if let Some(value) = manual_set {
            config["manual_set"] = json!(value);
        }
        assert_eq!(order(Profile::Mini300, &json!({"mode": "Manual", "manual_cfg": config})).ok(), expected);
    }

    fn mini_slot(action: SlotAction) -> Slot {
        Slot { start_min: 720, end_min: 780, week_set: 127, action }
    }

    #[test]
    fn the_mini_has_six_slots_and_no_passive() {
        let sixth = json!({"time_num": 6, "start_time": "12:00", "end_time": "13:00", "week_set": 1, "power": 1, "enable": 1, "manual_set": 1});
        assert!(order(Profile::Mini300, &json!({"mode": "Manual", "manual_cfg": sixth})).is_err());
        assert!(
            order(Profile::Mini300, &json!({"mode": "Passive", "passive_cfg": {"power": 1, "cd_time": 60}}))
                .is_err()
        );
        assert!(order(Profile::Hmg50V156, &json!({"mode": "UPS", "ups_cfg": {"enable": 1}})).is_err());
    }
}
