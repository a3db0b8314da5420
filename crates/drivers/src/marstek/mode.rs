//! The command side: which `ES.SetMode` writes express a battery mode on which family.
//!
//! | mode | HMG-50, Venus E 3.0, A, D | Venus E mini |
//! |---|---|---|
//! | `auto` | Auto | Auto |
//! | `charge P`, `discharge P` | Passive with `power` -P / +P and `cd_time`, the unit's own dead-man timer | refused |
//! | `idle` | Manual, all ten slots switched off | refused |
//! | `native:manual` | Manual with a switched-off slot 9 | refused |
//! | `native:ai` | AI | refused |
//! | `native:ups` | UPS, firmware 150 and later, not HMG-50 | refused |
//! | `hold`, `hold_charge` | refused: no mode of the unit does it | refused |
//!
//! Safe state: `auto`. When `cd_time` runs out, power goes to nothing; whether the unit then returns to Auto differs by
//! firmware. The other modes have no timer: whoever writes them has to end them. The mode's own
//! sub-object is mandatory, otherwise the unit answers `set_result: false`. `power` is negative while charging. The mini
//! acknowledges Manual without `manual_set` and does nothing, and rejects Passive.

use std::time::Duration;

use ohmstead_model::BatteryMode;
use ohmstead_units::{BatteryPower, Timespan, Watts};
use serde_json::{Value, json};

use super::profile::{Family, Profile};
use crate::{Plan, PlanError};

/// Slots of the unit's own schedule.
const SLOTS: u8 = 10;
/// The dead-man time of Passive when nobody says otherwise.
const DEAD_MAN: Duration = Duration::from_secs(300);
/// What the firmware accepts for `cd_time`.
const DEAD_MAN_MAX: Duration = Duration::from_secs(86_400);
/// After a write the unit needs a moment before its answers mean anything.
const SETTLE: Duration = Duration::from_secs(3);
/// Passive takes effect within a minute, if at all.
const EFFECT: Duration = Duration::from_secs(60);

/// The modes that a unit of this profile can be asked for.
pub(crate) fn supported(profile: Profile) -> Vec<String> {
    let mut modes = vec!["auto"];
    if profile.family != Family::Mini {
        modes.extend(["idle", "charge", "discharge", "native:manual", "native:ai"]);
    }
    if profile.has_ups() {
        modes.push("native:ups");
    }
    modes.into_iter().map(str::to_owned).collect()
}

/// The writes for `mode`. `power_max` is the owner's limit.
pub(crate) fn plan(
    mode: &BatteryMode,
    dead_man: Option<Timespan>,
    profile: Profile,
    power_max: Option<Watts>,
) -> Result<Plan, PlanError> {
    if !supported(profile).contains(&mode.key()) {
        return Err(refused(mode, profile));
    }
    match mode {
        BatteryMode::Auto => Ok(native("Auto", &json!({"mode": "Auto", "auto_cfg": {"enable": 1}}))),
        BatteryMode::Idle => Ok(idle()),
        BatteryMode::Charge { until: Some(_), .. } => Err(PlanError {
            reason: "the unit cannot stop at a state of charge by itself; leave `until` out and give a time instead"
                .to_owned(),
        }),
        BatteryMode::Charge { power, until: None } => {
            passive(*power, dead_man, profile, power_max, BatteryPower::charging)
        }
        BatteryMode::Discharge { power } => passive(*power, dead_man, profile, power_max, BatteryPower::discharging),
        BatteryMode::Native(name) => native_plan(name, mode, profile),
        BatteryMode::Hold | BatteryMode::HoldCharge => Err(refused(mode, profile)),
    }
}

fn native_plan(name: &str, mode: &BatteryMode, profile: Profile) -> Result<Plan, PlanError> {
    match name {
        "ai" => Ok(native("AI", &json!({"mode": "AI", "ai_cfg": {"enable": 1}}))),
        "ups" => Ok(native("UPS", &json!({"mode": "UPS", "ups_cfg": {"enable": 1}}))),
        "manual" => Ok(native("Manual", &empty_slot(SLOTS - 1))),
        _ => Err(refused(mode, profile)),
    }
}

fn native(expect: &str, config: &Value) -> Plan {
    Plan {
        writes: vec![config.to_string()],
        expect_word: expect.to_owned(),
        word_is_all: true,
        expect_power: None,
        settle: SETTLE,
        effect_within: EFFECT,
        lasts: None,
        follow_every: None,
        wear: None,
    }
}

/// Slots cannot be read and keep running, forgotten ones too: idle means that every one of them is switched off.
fn idle() -> Plan {
    Plan {
        writes: (0..SLOTS).map(|slot| empty_slot(slot).to_string()).collect(),
        word_is_all: false,
        expect_power: Some(BatteryPower::discharging(Watts(0.0))),
        ..native("Manual", &Value::Null)
    }
}

fn empty_slot(slot: u8) -> Value {
    json!({"mode": "Manual", "manual_cfg": {"time_num": slot, "start_time": "00:00", "end_time": "00:00",
        "week_set": 0, "power": 0, "enable": 0}})
}

fn passive(
    power: Option<Watts>,
    dead_man: Option<Timespan>,
    profile: Profile,
    power_max: Option<Watts>,
    direction: fn(Watts) -> BatteryPower,
) -> Result<Plan, PlanError> {
    let limit = power_max.unwrap_or(Watts(profile.family.power_max_w()));
    let wanted = match (power, power_max) {
        (Some(power), _) => power,
        (None, Some(limit)) => limit,
        (None, None) => {
            return Err(PlanError {
                reason: "say how much, such as 800 W, or set power_max for the device: its own limit cannot be read"
                    .to_owned(),
            });
        }
    };
    if !(wanted.0.is_finite() && wanted.0 > 0.0) {
        return Err(PlanError {
            reason: format!("{wanted} is no power to charge or discharge with; use idle for none"),
        });
    }
    let commanded = direction(Watts(wanted.0.min(limit.0).round()));
    let seconds = dead_man.map_or(DEAD_MAN, |span| span.0).min(DEAD_MAN_MAX).as_secs().max(1);
    // The wire's sign is the project's: discharge positive.
    let config =
        json!({"mode": "Passive", "passive_cfg": {"power": whole(commanded.supplied()), "cd_time": seconds}});
    let lasts = Some(Duration::from_secs(seconds));
    Ok(Plan { word_is_all: false, expect_power: Some(commanded), lasts, ..native("Passive", &config) })
}

#[expect(clippy::cast_possible_truncation, reason = "rounded and clamped to a few kilowatts")]
fn whole(power: Watts) -> i64 {
    power.0 as i64
}

fn refused(mode: &BatteryMode, profile: Profile) -> PlanError {
    let instead = supported(profile).join(", ");
    let why = match (mode, profile.family) {
        (BatteryMode::Hold | BatteryMode::HoldCharge, _) => "no mode of a Marstek unit does this",
        (_, Family::Mini) => "the Venus E mini acknowledges such writes and ignores them",
        (BatteryMode::Native(name), _) if name == "ups" => {
            "UPS needs firmware 150 or later on a Venus E 3.0, A or D"
        }
        _ => "the unit has no such mode",
    };
    PlanError { reason: format!("{}: {why}; it can do {instead}", mode.key()) }
}

#[cfg(test)]
mod tests {
    use super::super::profile::Firmware;
    use super::*;
    use expect_test::expect;
    use std::fmt::Write as _;

    fn profile(model: &str, ver: f64) -> Profile {
        Profile { family: Family::of(model), firmware: Firmware::from_ver(ver) }
    }

    /// The committed table: every mode on every family, with the exact writes.
    #[test]
    #[expect(clippy::too_many_lines, reason = "the table")]
    fn modes_by_family() {
        let units = [
            ("VenusE", 156.0),
            ("VenusE 3.0", 150.0),
            ("VenusE 3.0", 148.0),
            ("Venus A", 150.0),
            ("VNSEM-0", 300.0),
        ];
        let modes = [
            "auto",
            "hold",
            "charge 800 W",
            "charge 9 kW",
            "charge",
            "charge 5 W until 90 %",
            "discharge 500 W",
            "native:ai",
            "native:ups",
            "native:manual",
            "native:passive",
        ];
        let mut table = String::new();
        for (model, ver) in units {
            writeln!(table, "{model} {ver}").expect("a string takes it");
            for mode in modes {
                let planned = plan(&mode.parse().expect(mode), None, profile(model, ver), None);
                let shown = planned.map_or_else(|error| error.to_string(), |plan| plan.writes.join(" "));
                writeln!(table, "  {mode}: {shown}").expect("a string takes it");
            }
        }
        expect![[r#"
            VenusE 156
              auto: {"mode":"Auto","auto_cfg":{"enable":1}}
              hold: hold: no mode of a Marstek unit does this; it can do auto, idle, charge, discharge, native:manual, native:ai
              charge 800 W: {"mode":"Passive","passive_cfg":{"power":-800,"cd_time":300}}
              charge 9 kW: {"mode":"Passive","passive_cfg":{"power":-2500,"cd_time":300}}
              charge: say how much, such as 800 W, or set power_max for the device: its own limit cannot be read
              charge 5 W until 90 %: the unit cannot stop at a state of charge by itself; leave `until` out and give a time instead
              discharge 500 W: {"mode":"Passive","passive_cfg":{"power":500,"cd_time":300}}
              native:ai: {"mode":"AI","ai_cfg":{"enable":1}}
              native:ups: native:ups: UPS needs firmware 150 or later on a Venus E 3.0, A or D; it can do auto, idle, charge, discharge, native:manual, native:ai
              native:manual: {"mode":"Manual","manual_cfg":{"time_num":9,"start_time":"00:00","end_time":"00:00","week_set":0,"power":0,"enable":0}}
              native:passive: native:passive: the unit has no such mode; it can do auto, idle, charge, discharge, native:manual, native:ai
            VenusE 3.0 150
              auto: {"mode":"Auto","auto_cfg":{"enable":1}}
              hold: hold: no mode of a Marstek unit does this; it can do auto, idle, charge, discharge, native:manual, native:ai, native:ups
              charge 800 W: {"mode":"Passive","passive_cfg":{"power":-800,"cd_time":300}}
              charge 9 kW: {"mode":"Passive","passive_cfg":{"power":-2500,"cd_time":300}}
              charge: say how much, such as 800 W, or set power_max for the device: its own limit cannot be read
              charge 5 W until 90 %: the unit cannot stop at a state of charge by itself; leave `until` out and give a time instead
              discharge 500 W: {"mode":"Passive","passive_cfg":{"power":500,"cd_time":300}}
              native:ai: {"mode":"AI","ai_cfg":{"enable":1}}
              native:ups: {"mode":"UPS","ups_cfg":{"enable":1}}
              native:manual: {"mode":"Manual","manual_cfg":{"time_num":9,"start_time":"00:00","end_time":"00:00","week_set":0,"power":0,"enable":0}}
              native:passive: native:passive: the unit has no such mode; it can do auto, idle, charge, discharge, native:manual, native:ai, native:ups
            VenusE 3.0 148
              auto: {"mode":"Auto","auto_cfg":{"enable":1}}
              hold: hold: no mode of a Marstek unit does this; it can do auto, idle, charge, discharge, native:manual, native:ai
              charge 800 W: {"mode":"Passive","passive_cfg":{"power":-800,"cd_time":300}}
              charge 9 kW: {"mode":"Passive","passive_cfg":{"power":-2500,"cd_time":300}}
              charge: say how much, such as 800 W, or set power_max for the device: its own limit cannot be read
              charge 5 W until 90 %: the unit cannot stop at a state of charge by itself; leave `until` out and give a time instead
              discharge 500 W: {"mode":"Passive","passive_cfg":{"power":500,"cd_time":300}}
              native:ai: {"mode":"AI","ai_cfg":{"enable":1}}
              native:ups: native:ups: UPS needs firmware 150 or later on a Venus E 3.0, A or D; it can do auto, idle, charge, discharge, native:manual, native:ai
              native:manual: {"mode":"Manual","manual_cfg":{"time_num":9,"start_time":"00:00","end_time":"00:00","week_set":0,"power":0,"enable":0}}
              native:passive: native:passive: the unit has no such mode; it can do auto, idle, charge, discharge, native:manual, native:ai
            Venus A 150
              auto: {"mode":"Auto","auto_cfg":{"enable":1}}
              hold: hold: no mode of a Marstek unit does this; it can do auto, idle, charge, discharge, native:manual, native:ai, native:ups
              charge 800 W: {"mode":"Passive","passive_cfg":{"power":-800,"cd_time":300}}
              charge 9 kW: {"mode":"Passive","passive_cfg":{"power":-1500,"cd_time":300}}
              charge: say how much, such as 800 W, or set power_max for the device: its own limit cannot be read
              charge 5 W until 90 %: the unit cannot stop at a state of charge by itself; leave `until` out and give a time instead
              discharge 500 W: {"mode":"Passive","passive_cfg":{"power":500,"cd_time":300}}
              native:ai: {"mode":"AI","ai_cfg":{"enable":1}}
              native:ups: {"mode":"UPS","ups_cfg":{"enable":1}}
              native:manual: {"mode":"Manual","manual_cfg":{"time_num":9,"start_time":"00:00","end_time":"00:00","week_set":0,"power":0,"enable":0}}
              native:passive: native:passive: the unit has no such mode; it can do auto, idle, charge, discharge, native:manual, native:ai, native:ups
            VNSEM-0 300
              auto: {"mode":"Auto","auto_cfg":{"enable":1}}
              hold: hold: no mode of a Marstek unit does this; it can do auto
              charge 800 W: charge: the Venus E mini acknowledges such writes and ignores them; it can do auto
              charge 9 kW: charge: the Venus E mini acknowledges such writes and ignores them; it can do auto
              charge: charge: the Venus E mini acknowledges such writes and ignores them; it can do auto
              charge 5 W until 90 %: charge: the Venus E mini acknowledges such writes and ignores them; it can do auto
              discharge 500 W: discharge: the Venus E mini acknowledges such writes and ignores them; it can do auto
              native:ai: native:ai: the Venus E mini acknowledges such writes and ignores them; it can do auto
              native:ups: native:ups: the Venus E mini acknowledges such writes and ignores them; it can do auto
              native:manual: native:manual: the Venus E mini acknowledges such writes and ignores them; it can do auto
              native:passive: native:passive: the Venus E mini acknowledges such writes and ignores them; it can do auto
        "#]].assert_eq(&table);
    }

    #[test]
    fn idle_switches_every_slot_off() {
        let plan = plan(&BatteryMode::Idle, None, profile("VenusE 3.0", 150.0), None).expect("possible");
        assert_eq!(plan.writes.len(), 10);
        for (slot, write) in plan.writes.iter().enumerate() {
            assert!(
                write.contains(&format!(r#""time_num":{slot},"#)) && write.contains(r#""enable":0"#),
                "{write}"
            );
        }
        assert_eq!(plan.expect_power, Some(BatteryPower::discharging(Watts(0.0))));
    }

    #[test]
    fn only_a_power_ends_by_itself() {
        let unit = profile("VenusE 3.0", 150.0);
        let lasts = |mode: &str, seconds| {
            let mode = mode.parse().expect("a mode");
            let plan = plan(&mode, Some(Timespan::from_secs(seconds)), unit, None).expect("possible");
            plan.lasts.map(|span| span.as_secs())
        };
        for mode in ["idle", "auto", "native:ai"] {
            assert_eq!(lasts(mode, 60), None, "{mode}");
        }
        assert_eq!(lasts("charge 800 W", 60), Some(60));
        assert_eq!(lasts("discharge 800 W", 90_000), Some(86_400), "what the firmware takes");
    }

    #[test]
    fn the_owners_limit_clamps_and_the_dead_man_is_written() {
        let mode = "charge 2000 W".parse().expect("a mode");
        let plan =
            plan(&mode, Some(Timespan::from_secs(60)), profile("VenusE 3.0", 150.0), Some(Watts(800.0)));
        let plan = plan.expect("possible");
        assert_eq!(plan.writes, [r#"{"mode":"Passive","passive_cfg":{"power":-800,"cd_time":60}}"#]);
        assert_eq!(plan.expect_power, Some(BatteryPower::charging(Watts(800.0))));
    }
}
