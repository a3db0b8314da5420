//! The battery modes: which source feeds the output first.
//!
//! | mode | PI30, PI41 | PI18 |
//! |---|---|---|
//! | `auto`, `native:sbu` | `POP02` solar, battery, grid | `POP1` |
//! | `native:sub` | `POP01` solar, grid, battery | `POP0` |
//! | `hold`, `native:usb` | `POP00` grid first: the battery rests while the grid is there | none |
//!
//! The safe state is the priority that the unit has: it needs nobody to keep it, and there is no timer in the unit.

use ohmstead_model::BatteryMode;

use super::super::families::Family;
use super::super::settings::WriteClass;
use super::{Form, Known, not_allowed, not_controllable, of};
use crate::PlanError;

/// Priority, the unit's own word for it, and its name after `native:`.
const WORDS: &[(&str, &str, &str)] = &[
    ("solar_battery_utility", "SBU", "sbu"),
    ("solar_first", "SUB", "sub"),
    ("utility_first", "USB", "usb"),
];

/// The unit's own word for a priority: `SBU`.
pub(crate) fn priority_word(priority: &str) -> &'static str {
    WORDS.iter().find(|(key, ..)| *key == priority).map_or("?", |(_, word, _)| word)
}

/// The priority that the unit's own word stands for.
pub(super) fn priority_of_word(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(word.trim())).map(|(key, ..)| *key)
}

/// The command for a mode, and the word that a read back shows then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModeWrite {
    pub(crate) command: String,
    pub(crate) word: &'static str,
}

fn codes(family: Family) -> &'static [(&'static str, &'static str)] {
    let setter = of(family).iter().find(|setter| setter.name == "output_priority");
    match setter.map(|setter| setter.form) {
        Some(Form::Codes { codes, .. }) => codes,
        _ => &[],
    }
}

fn priority_of(mode: &BatteryMode) -> Option<&'static str> {
    match mode {
        BatteryMode::Auto => Some("solar_battery_utility"),
        BatteryMode::Hold => Some("utility_first"),
        BatteryMode::Native(name) => WORDS.iter().find(|(_, _, native)| native == name).map(|(key, ..)| *key),
        _ => None,
    }
}

/// The modes that may be asked of a unit.
pub(crate) fn modes(family: Family, write: &[WriteClass]) -> Vec<String> {
    if !write.contains(&WriteClass::Priorities) {
        return Vec::new();
    }
    let has = |key: &str| codes(family).iter().any(|(known, _)| *known == key);
    let all = [
        BatteryMode::Auto,
        BatteryMode::Hold,
        BatteryMode::Native("usb".to_owned()),
        BatteryMode::Native("sub".to_owned()),
        BatteryMode::Native("sbu".to_owned()),
    ];
    all.iter().filter(|mode| priority_of(mode).is_some_and(has)).map(BatteryMode::key).collect()
}

/// The command for `mode`.
pub(crate) fn plan_mode(
    mode: &BatteryMode,
    known: &Known,
    write: &[WriteClass],
) -> Result<ModeWrite, PlanError> {
    let refused = |reason: String| PlanError { reason };
    let codes = codes(known.family);
    if codes.is_empty() {
        return Err(refused(not_controllable(known.family)));
    }
    if !write.contains(&WriteClass::Priorities) {
        return Err(refused(not_allowed("the battery mode", WriteClass::Priorities)));
    }
    let wanted = priority_of(mode);
    let code = wanted.and_then(|wanted| codes.iter().find(|(key, _)| *key == wanted));
    let (Some(priority), Some((_, code))) = (wanted, code) else {
        let instead = modes(known.family, write).join(", ");
        return Err(refused(format!("{}: {}; it can do {instead}", mode.key(), why_not(mode, known.family))));
    };
    Ok(ModeWrite { command: format!("POP{code}"), word: priority_word(priority) })
}

fn why_not(mode: &BatteryMode, family: Family) -> &'static str {
    match mode {
        BatteryMode::Hold | BatteryMode::Native(_)
            if family == Family::Pi18 && priority_of(mode).is_some() =>
        {
            "a PI18 inverter has no priority that puts the grid first"
        }
        BatteryMode::Charge { .. } => {
            "the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge"
        }
        BatteryMode::Discharge { .. } => {
            "the unit discharges as much as its loads take, and no power can be set"
        }
        BatteryMode::Idle | BatteryMode::HoldCharge => "no command of the unit does this",
        _ => "the unit has no such mode",
    }
}
