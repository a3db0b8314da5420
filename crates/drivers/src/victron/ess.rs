//! What may be written to a GX device, and the exact writes for a wish. Pure.
//!
//! Two kinds of levers. *Overrides* of `com.victronenergy.hub4` (Venus OS 3.50) are volatile: they wear nothing out and are
//! gone after a restart of the device. Only a forced charge ends by itself, within about five minutes; a set point and a
//! limit stay until they are taken back, so whoever writes them has to. *Settings* stay for ever, and each change rewrites a
//! file in the device's flash: they come second, and within the owner's budget.
//!
//! ```text
//! wish --> preconditions (a way that writes, ESS assistant, ESS in control, BMS limits) --no--> reason
//!             | yes
//!             +--> override exists? --yes--> /Overrides/...        nothing wears out
//!                                  --no---> /Settings/CGwacs/...   wears flash
//! ```
//!
//! Never `/Mode` (the house goes dark), never a set point of "very much" in either direction.

mod rules;
mod wording;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Allowed, Assignment, BatteryMode, Metric, Setting, Wish};
use ohmstead_units::{BatteryPower, Watts};

use super::native;
use super::site::Site;
use super::transport::{Kind, Spot};
use super::tree::Part;
use super::value::{Scalar, from_json, whole};
use crate::{Plan, PlanError, Wear};
use rules::House;
pub(crate) use rules::{evidence, precondition};
pub(crate) use wording::{Overrides, battery_mode, mode_word, shown};

pub(crate) const SETPOINT: &str = "/Overrides/Setpoint";
pub(crate) const MAX_DISCHARGE: &str = "/Overrides/MaxDischargePower";
pub(crate) const FORCE_CHARGE: &str = "/Overrides/ForceCharge";
pub(crate) const MAX_DISCHARGE_SETTING: &str = "/Settings/CGwacs/MaxDischargePower";
pub(crate) const ESS_STATE: &str = "/Settings/CGwacs/BatteryLife/State";
const SETPOINT_SETTING: &str = "/Settings/CGwacs/AcPowerSetPoint";

/// How long the device forces a charge that nobody renews (reported for the Home Assistant integration, core issue 178109).
const FORCE_CHARGE_LASTS: Duration = Duration::from_secs(300);
/// A set point follows from what the house takes and the sun gives: it is computed anew so often.
const FOLLOW: Duration = Duration::from_secs(10);
/// The inverter takes this long to show in the battery's power.
const EFFECT: Duration = Duration::from_secs(60);
/// ESS recalculates every second.
const SETTLE: Duration = Duration::from_secs(2);
/// What Victron's own schedules write for "do not discharge": 0 is taken for "not set" by some versions.
const HOLD_W: f64 = 1.0;
/// No power in a house is greater.
const POWER_MAX_W: f64 = 300_000.0;

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Write {
    pub(crate) spot: Spot,
    /// `None` writes "no value", which ends an override.
    pub(crate) value: Option<Scalar>,
}

impl fmt::Display for Write {
    /// As the ledger shows it: `com.victronenergy.hub4 /Overrides/Setpoint = -800`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value}", self.spot),
            None => write!(f, "{} = []", self.spot),
        }
    }
}

impl Write {
    /// Reads what [`fmt::Display`] prints, if it is something that may be written at all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (spot, value) = text.split_once(" = ")?;
        let (service, path) = spot.split_once(' ')?;
        let value: serde_json::Value = serde_json::from_str(value).ok()?;
        let spot = Spot { service: Arc::from(service), path: Arc::from(path) };
        is_tabled(&spot).then(|| Self { spot, value: from_json(&value) })
    }
}

/// A setting that can be asked for by name.
struct Lever {
    metric: Metric,
    /// Path of the override, where there is one.
    volatile: Option<&'static str>,
    /// Path of the setting.
    setting: &'static str,
    min: f64,
    max: f64,
    none: NoneAs,
}

/// What is written for [`none`](ohmstead_model::NONE).
#[derive(Debug, Clone, Copy, PartialEq)]
enum NoneAs {
    /// It is always set to something.
    Never,
    /// "No value", which an override takes and a setting does not.
    Empty,
    /// This number.
    Number(f64),
}

const LEVERS: &[Lever] = &[
    Lever {
        metric: native::GRID_SETPOINT,
        volatile: Some(SETPOINT),
        setting: SETPOINT_SETTING,
        min: -POWER_MAX_W,
        max: POWER_MAX_W,
        none: NoneAs::Empty,
    },
    Lever {
        metric: native::MAX_DISCHARGE_POWER,
        volatile: Some(MAX_DISCHARGE),
        setting: MAX_DISCHARGE_SETTING,
        min: -1.0,
        max: POWER_MAX_W,
        none: NoneAs::Number(-1.0),
    },
    Lever {
        metric: native::MAX_FEED_IN_POWER,
        volatile: None,
        setting: "/Settings/CGwacs/MaxFeedInPower",
        min: -1.0,
        max: POWER_MAX_W,
        none: NoneAs::Never,
    },
    Lever {
        metric: native::MINIMUM_SOC,
        volatile: None,
        setting: "/Settings/CGwacs/BatteryLife/MinimumSocLimit",
        min: 0.0,
        max: 100.0,
        none: NoneAs::Never,
    },
    Lever {
        metric: native::MAX_CHARGE_CURRENT,
        volatile: None,
        setting: "/Settings/SystemSetup/MaxChargeCurrent",
        min: -1.0,
        max: 10_000.0,
        none: NoneAs::Never,
    },
];

/// The device's own modes: name, what is written, and the states that show it.
const NATIVE_MODES: &[(&str, i64, std::ops::RangeInclusive<i64>)] =
    &[("optimized_with_batterylife", 1, 1..=8), ("keep_charged", 9, 9..=9), ("optimized", 10, 10..=12)];

/// Whether anything is ever written there.
fn is_tabled(spot: &Spot) -> bool {
    let class = super::tree::class_of(&spot.service);
    let path = &*spot.path;
    match class {
        Some("hub4") => [SETPOINT, MAX_DISCHARGE, FORCE_CHARGE].contains(&path),
        Some("settings") => path == ESS_STATE || LEVERS.iter().any(|lever| lever.setting == path),
        _ => false,
    }
}

/// What limits the writes of settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) interval: Duration,
    pub(crate) per_day: u32,
}

/// The setting that a path stands for, by its override or by where it is kept, and the place where it is written at
/// present: with the override there, the setting is left alone.
pub(crate) fn setting_at(class: &str, path: &str, site: &Site<'_>) -> Option<(Metric, Spot)> {
    let is_it = |lever: &&Lever| match class {
        "hub4" => lever.volatile == Some(path),
        "settings" => lever.setting == path,
        _ => false,
    };
    let lever = LEVERS.iter().find(is_it)?;
    let (part, path) = lever.place(site)?;
    Some((lever.metric, spot(part, path)))
}

/// The modes that can be asked for at present.
pub(crate) fn modes(site: &Site<'_>, kind: Kind) -> Vec<String> {
    if precondition(site, kind).is_err() {
        return Vec::new();
    }
    let volatile = if rules::volatile(site, SETPOINT).is_some() {
        &["auto", "hold", "charge", "discharge"][..]
    } else {
        &["auto", "hold"][..]
    };
    let own = NATIVE_MODES.iter().map(|(name, ..)| format!("native:{name}"));
    let has_states = site.settings.is_some_and(|part| part.has(ESS_STATE));
    volatile.iter().map(|mode| (*mode).to_owned()).chain(own.filter(|_| has_states)).collect()
}

/// The settings that can be asked for at present.
pub(crate) fn settings(site: &Site<'_>, kind: Kind) -> Vec<Setting> {
    if precondition(site, kind).is_err() {
        return Vec::new();
    }
    LEVERS.iter().filter_map(|lever| Some(lever.offer(lever.place(site)?.1))).collect()
}

/// The writes for a wish.
pub(crate) fn plan(wish: &Wish, site: &Site<'_>, kind: Kind, budget: Budget) -> Result<Plan, PlanError> {
    precondition(site, kind).map_err(refused)?;
    if !matches!(wish, Wish::Mode(BatteryMode::Auto)) {
        rules::is_free(site).map_err(refused)?;
    }
    match wish {
        Wish::Setting(assignment) => plan_setting(&assignment.name, &assignment.value, site, budget),
        Wish::Mode(mode) => plan_mode(mode, site, budget),
    }
}

/// The wish that makes the device what it was when it read `native`. What it was by overrides is not brought back: they are
/// somebody's of the moment. Without overrides the limit is the owner's setting.
pub(crate) fn way_back(wish: &Wish, native: &str, site: &Site<'_>) -> Wish {
    match wish {
        Wish::Mode(BatteryMode::Native(_)) if NATIVE_MODES.iter().any(|(name, ..)| *name == native) => {
            BatteryMode::Native(native.to_owned()).into()
        }
        Wish::Mode(_) => match wording::limit_of(native) {
            Some(watts) if rules::volatile(site, MAX_DISCHARGE).is_none() => Wish::Setting(Assignment {
                name: native::MAX_DISCHARGE_POWER.id().to_owned(),
                value: watts.to_owned(),
            }),
            _ => BatteryMode::Auto.into(),
        },
        Wish::Setting(assignment) => {
            let number = native.split_whitespace().next().unwrap_or_default();
            Wish::Setting(Assignment { name: assignment.name.clone(), value: number.to_owned() })
        }
    }
}

/// What is read back for a wish: the places, in the order in which [`read_word`] takes their values.
pub(crate) fn read_spots(wish: &Wish, site: &Site<'_>) -> Vec<Spot> {
    let setting = |path: &str| site.settings.filter(|part| part.has(path)).map(|part| spot(part, path));
    match wish {
        Wish::Mode(BatteryMode::Native(_)) => setting(ESS_STATE).into_iter().collect(),
        Wish::Mode(_) => match site.hub4.filter(|_| rules::volatile(site, MAX_DISCHARGE).is_some()) {
            Some(hub4) => [SETPOINT, MAX_DISCHARGE, FORCE_CHARGE]
                .iter()
                .filter(|path| hub4.has(path))
                .map(|path| spot(hub4, path))
                .collect(),
            None => setting(MAX_DISCHARGE_SETTING).into_iter().collect(),
        },
        Wish::Setting(assignment) => {
            let lever = LEVERS.iter().find(|lever| lever.metric.id() == assignment.name);
            lever
                .and_then(|lever| lever.place(site))
                .map(|(part, path)| spot(part, path))
                .into_iter()
                .collect()
        }
    }
}

/// What was read, in the words of [`Plan::expect_word`].
pub(crate) fn read_word(wish: &Wish, read: &[(Spot, Option<Scalar>)]) -> String {
    let number = |path: &str| {
        read.iter().find(|(spot, _)| &*spot.path == path).and_then(|(_, value)| value.as_ref()?.number())
    };
    match wish {
        Wish::Mode(BatteryMode::Native(_)) => own_mode_word(number(ESS_STATE).and_then(whole)),
        Wish::Mode(_) if read.iter().any(|(spot, _)| &*spot.path == MAX_DISCHARGE_SETTING) => {
            wording::setting_word(number(MAX_DISCHARGE_SETTING))
        }
        Wish::Mode(_) => Overrides {
            setpoint: number(SETPOINT),
            max_discharge: number(MAX_DISCHARGE),
            force_charge: number(FORCE_CHARGE),
        }
        .word(),
        Wish::Setting(assignment) => {
            let unit =
                LEVERS.iter().find(|lever| lever.metric.id() == assignment.name).map(|lever| lever.metric);
            shown(unit, read.first().and_then(|(_, value)| value.as_ref()?.number()))
        }
    }
}

fn own_mode_word(state: Option<i64>) -> String {
    let known = state.and_then(|state| NATIVE_MODES.iter().find(|(_, _, states)| states.contains(&state)));
    known.map_or_else(
        || format!("ESS state {}", state.map_or("unknown".to_owned(), |state| state.to_string())),
        |(name, ..)| (*name).to_owned(),
    )
}

fn plan_mode(mode: &BatteryMode, site: &Site<'_>, budget: Budget) -> Result<Plan, PlanError> {
    match mode {
        BatteryMode::Auto => limit_only(site, None, budget),
        BatteryMode::Hold => limit_only(site, Some(HOLD_W), budget),
        BatteryMode::Charge { until: Some(_), .. } => Err(refused(
            "the GX device cannot stop a charge at a state of charge by itself; leave `until` out and give a time instead",
        )),
        BatteryMode::Charge { power, until: None } => charge(*power, site),
        BatteryMode::Discharge { power } => discharge(*power, site),
        BatteryMode::Native(name) => own_mode(name, site, budget),
        BatteryMode::HoldCharge | BatteryMode::Idle => Err(refused(format!(
            "{}: no override of a GX device forbids charging; to forbid it until you change it back, set max_charge_current=0, and hold against discharging",
            mode.key()
        ))),
    }
}

/// Nothing but a limit for discharging, or none.
fn limit_only(site: &Site<'_>, limit: Option<f64>, budget: Budget) -> Result<Plan, PlanError> {
    if rules::volatile(site, MAX_DISCHARGE).is_some() {
        return Ok(overrides(site, Overrides { setpoint: None, max_discharge: limit, force_charge: None }));
    }
    let settings = site.settings.filter(|part| part.has(MAX_DISCHARGE_SETTING));
    let settings = settings.ok_or_else(|| {
        refused("the GX device has no limit for discharging: neither the override nor the setting")
    })?;
    // As a setting 0 is what forbids it.
    let watts = if limit.is_some() { 0.0 } else { -1.0 };
    let write = number_write(settings, MAX_DISCHARGE_SETTING, watts);
    Ok(Plan {
        wear: Some(wear("max_discharge_power", budget)),
        ..told(&[write], wording::setting_word(Some(watts)))
    })
}

fn charge(power: Option<Watts>, site: &Site<'_>) -> Result<Plan, PlanError> {
    rules::volatile(site, SETPOINT).ok_or_else(too_old)?;
    rules::works(site).map_err(refused)?;
    rules::bms_allows(site, "/Info/MaxChargeCurrent", "charging").map_err(refused)?;
    let Some(power) = power else {
        let forced = Overrides { setpoint: None, max_discharge: None, force_charge: Some(1.0) };
        return Ok(Plan { lasts: Some(FORCE_CHARGE_LASTS), ..overrides(site, forced) });
    };
    let watts = magnitude(power)?;
    let house = House::of(site).map_err(refused)?;
    // At the grid: what the house takes now, less what the panels give, and the charge on top with what is lost on its way.
    let setpoint = house.load - house.ac_solar + house.ac_for(watts);
    let plan = overrides(
        site,
        Overrides { setpoint: Some(setpoint.round()), max_discharge: Some(HOLD_W), force_charge: None },
    );
    // Nothing is taken out meanwhile: panels on the battery's side that give more charge with more.
    let sun = house.dc_solar - house.own_use;
    let expected = rules::bms_power(site, Metric::BatteryChargePowerMax).unwrap_or(watts).min(watts.max(sun));
    let expect_power = Some(BatteryPower::charging(Watts(expected)));
    Ok(Plan { word_is_all: false, expect_power, follow_every: Some(FOLLOW), ..plan })
}

fn discharge(power: Option<Watts>, site: &Site<'_>) -> Result<Plan, PlanError> {
    rules::volatile(site, SETPOINT).ok_or_else(too_old)?;
    rules::works(site).map_err(refused)?;
    rules::bms_allows(site, "/Info/MaxDischargeCurrent", "discharging").map_err(refused)?;
    rules::above_minimum(site).map_err(refused)?;
    let power = power.ok_or_else(|| {
        refused("say how much, such as 800 W: what exceeds the house's needs is fed into the grid")
    })?;
    let watts = magnitude(power)?.round();
    let house = House::of(site).map_err(refused)?;
    // The limit is what discharges so much and no more: it counts what is made AC, panels on the battery's side included.
    // The set point makes ESS ask for it even where the house needs less.
    let limit = -house.ac_for(-watts);
    let setpoint = -(limit + house.ac_solar);
    let plan = overrides(
        site,
        Overrides {
            setpoint: Some(setpoint.round()),
            max_discharge: Some(limit.round()),
            force_charge: None,
        },
    );
    let mut expected = rules::bms_power(site, Metric::BatteryDischargePowerMax).unwrap_or(watts).min(watts);
    if let Some(cap) = rules::feed_in_max(site) {
        expected = expected.min(house.battery_at(house.load - house.ac_solar + cap));
    }
    if expected <= 0.0 {
        return Err(refused(format!(
            "the house takes no power of the battery at present, and max_feed_in_power lets no more than {} W into the grid",
            rules::feed_in_max(site).unwrap_or(0.0)
        )));
    }
    Ok(Plan {
        word_is_all: false,
        expect_power: Some(BatteryPower::discharging(Watts(expected.round()))),
        follow_every: Some(FOLLOW),
        ..plan
    })
}

fn own_mode(name: &str, site: &Site<'_>, budget: Budget) -> Result<Plan, PlanError> {
    let names =
        || NATIVE_MODES.iter().map(|(name, ..)| format!("native:{name}")).collect::<Vec<_>>().join(", ");
    let known = NATIVE_MODES.iter().find(|(known, ..)| *known == name);
    let (name, state, _) =
        known.ok_or_else(|| refused(format!("native:{name}: a GX device has {}", names())))?;
    let settings = site
        .settings
        .filter(|part| part.has(ESS_STATE))
        .ok_or_else(|| refused("the GX device does not tell its ESS state"))?;
    let write = number_write(settings, ESS_STATE, *state as f64);
    Ok(Plan { wear: Some(wear("ess_state", budget)), ..told(&[write], (*name).to_owned()) })
}

fn plan_setting(name: &str, value: &str, site: &Site<'_>, budget: Budget) -> Result<Plan, PlanError> {
    let names = || LEVERS.iter().map(|lever| lever.metric.id()).collect::<Vec<_>>().join(", ");
    let lever = LEVERS.iter().find(|lever| lever.metric.id() == name);
    let lever =
        lever.ok_or_else(|| refused(format!("{name} cannot be set on a GX device; it has {}", names())))?;
    let (part, path) = lever
        .place(site)
        .ok_or_else(|| refused(format!("this GX device has no {name}: {} is not there", lever.setting)))?;
    let value = lever.offer(path).parse(value).map_err(|error| refused(error.to_string()))?;
    let number = value.number().or(lever.none_number());
    let write = number.map_or_else(
        || Write { spot: spot(part, path), value: None },
        |number| number_write(part, path, number),
    );
    let plan = told(&[write], shown(Some(lever.metric), number));
    Ok(Plan { wear: (!lever.is_volatile(path)).then(|| wear(name, budget)), ..plan })
}

impl Lever {
    /// Where it is on this device: the override if there is one.
    fn place<'a>(&self, site: &Site<'a>) -> Option<(&'a Part, &'static str)> {
        let volatile = self.volatile.and_then(|path| Some((rules::volatile(site, path)?, path)));
        volatile
            .or_else(|| site.settings.filter(|part| part.has(self.setting)).map(|part| (part, self.setting)))
    }

    fn is_volatile(&self, path: &str) -> bool {
        self.volatile == Some(path)
    }

    /// The number that is written for "none", where it is one.
    fn none_number(&self) -> Option<f64> {
        match self.none {
            NoneAs::Number(number) => Some(number),
            NoneAs::Never | NoneAs::Empty => None,
        }
    }

    /// What it takes where it is written to `path`.
    fn offer(&self, path: &str) -> Setting {
        let (min, max, step) = (self.min, self.max, 1.0);
        let has_none = match self.none {
            NoneAs::Never => false,
            NoneAs::Empty => self.is_volatile(path),
            NoneAs::Number(_) => true,
        };
        let allowed = if has_none {
            Allowed::RangeOrNone { min, max, step }
        } else {
            Allowed::Range { min, max, step }
        };
        Setting { metric: self.metric, allowed }
    }
}

/// The writes that make the overrides so, those that the device has. A limit is set before what it limits and lifted
/// after it: a refusal half-way must not leave a set point without its limit.
fn overrides(site: &Site<'_>, wanted: Overrides) -> Plan {
    let writes = site.hub4.map(|hub4| {
        let setpoint = || match wanted.setpoint {
            Some(watts) => number_write(hub4, SETPOINT, watts),
            None => Write { spot: spot(hub4, SETPOINT), value: None },
        };
        let setpoint = hub4.has(SETPOINT).then(setpoint);
        let limit = hub4
            .has(MAX_DISCHARGE)
            .then(|| number_write(hub4, MAX_DISCHARGE, wanted.max_discharge.unwrap_or(-1.0)));
        let force = hub4
            .has(FORCE_CHARGE)
            .then(|| number_write(hub4, FORCE_CHARGE, wanted.force_charge.unwrap_or(0.0)));
        if wanted.max_discharge.is_some() { [limit, force, setpoint] } else { [force, setpoint, limit] }
    });
    told(&writes.into_iter().flatten().flatten().collect::<Vec<_>>(), wanted.word())
}

fn told(writes: &[Write], expect_word: String) -> Plan {
    Plan {
        writes: writes.iter().map(ToString::to_string).collect(),
        expect_word,
        word_is_all: true,
        expect_power: None,
        settle: SETTLE,
        effect_within: EFFECT,
        lasts: None,
        follow_every: None,
        wear: None,
    }
}

/// A number of the type that the path has at present.
fn number_write(part: &Part, path: &str, number: f64) -> Write {
    let is_float = matches!(part.value(path), Some(Scalar::Float(_)));
    let value = whole(number).filter(|_| !is_float).map_or(Scalar::Float(number), Scalar::Int);
    Write { spot: spot(part, path), value: Some(value) }
}

fn spot(part: &Part, path: &str) -> Spot {
    Spot { service: Arc::clone(&part.service), path: Arc::from(path) }
}

fn wear(part: &str, budget: Budget) -> Wear {
    Wear { part: part.to_owned(), interval: budget.interval, per_day: budget.per_day, may_wait: false }
}

fn magnitude(power: Watts) -> Result<f64, PlanError> {
    if power.0.is_finite() && power.0 > 0.0 && power.0 <= POWER_MAX_W {
        return Ok(power.0);
    }
    Err(refused(format!("{power} is no power to charge or discharge with; use hold for no discharge")))
}

fn too_old() -> PlanError {
    refused(
        "this needs the overrides of Venus OS 3.50 or later: settings could do it too, but each write would wear the flash; see the settings grid_setpoint and max_discharge_power",
    )
}

fn refused(reason: impl Into<String>) -> PlanError {
    PlanError { reason: reason.into() }
}

#[cfg(test)]
mod tests;
