//! What can be set on an inverter, and the exact command for each value.
//!
//! A setting is a row of the family's table: its metric, how careful one must be with it, how a value becomes a command,
//! and which values this very unit takes. There is no other way to a command that changes anything: what could damage
//! loads or the battery's wiring (output voltage and frequency, parallel and phase mode, feed-in, factory defaults, raw
//! commands) has no row.

mod modes;
mod rules;
mod table;

use std::collections::BTreeMap;

use ohmstead_model::{Allowed, Metric, Setting, Value};

use super::families::Family;
use super::native::NATIVE;
use super::settings::WriteClass;
use crate::PlanError;

use modes::priority_word;
pub(crate) use modes::{modes, plan_mode};
use table::of;

/// How a value becomes a command.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// A code for each state: `POP02`.
    Codes { command: &'static str, codes: &'static [(&'static str, &'static str)] },
    /// A code for each state of one unit of a set: `PCP02` alone, `PPCP102` for unit 1 of a set.
    UnitCodes { alone: &'static str, of_set: &'static str, codes: &'static [(&'static str, &'static str)] },
    /// A code for each state of one unit, always with the unit's number: `PCP0,1`.
    NumberedCodes { command: &'static str, codes: &'static [(&'static str, &'static str)] },
    /// Volts as `nn.n`: `PBCV46.0`.
    Volts { command: &'static str, range: Voltages },
    /// Two voltages at once, in tenths of volts, of which the other one stays as it is: `BUCD480,540`.
    VoltsPair { command: &'static str, range: Voltages, place: Place },
    /// Tenths of volts: `PSDV440`.
    DeciVolts { command: &'static str, range: Voltages },
    /// Amperes of one unit, from the unit's own list: `MUCHGC030`; from 100 A on perhaps under another name.
    Amperes { list: List, below_100: &'static str, from_100: &'static str },
    /// Amperes of one unit with a comma: `MUCHGC0,030`.
    AmperesComma { list: List, command: &'static str },
    /// Amperes as `nnn`, 0 for no limit: `PBATMAXDISC150`.
    Discharge { command: &'static str },
    /// On and off by letter: `PEa`, `PDa`.
    Flag { letter: char },
}

/// Where a voltage stands in a command with two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the comma; the other metric stands behind it.
    First(Metric),
    /// Behind the comma; the other metric stands before it.
    Second(Metric),
}

/// Which list of the unit's own has the currents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// From all sources together: `QMCHGCR`.
    Total,
    /// From the grid: `QMUCHGCR`.
    Grid,
}

/// Which voltages there are, for a battery of 12 V; all of them scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voltages {
    /// Back to the grid.
    Recharge,
    /// Back to the battery; 0 for "when it is full".
    Redischarge,
    /// Bulk and float charging.
    Charging,
    /// Cut-off.
    Cutoff,
}

/// One setting of a family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setter {
    /// The metric that shows it, by its id.
    pub(crate) name: &'static str,
    /// Which of the owner's permissions it needs.
    pub(crate) class: WriteClass,
    /// How a value becomes a command.
    pub(crate) form: Form,
}

/// What a unit has told that decides about its settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// Its family.
    pub(crate) family: Family,
    /// The battery's rated voltage: 12, 24 or 48.
    pub(crate) rated_v: Option<f64>,
    /// Its number in a parallel set, 0 alone; `None` where that is not known.
    pub(crate) unit: Option<u8>,
    /// The unit works in a parallel set.
    pub(crate) in_set: bool,
    /// The currents that it takes for charging altogether, A.
    pub(crate) charge_currents: Vec<f64>,
    /// The currents that it takes for charging from the grid, A.
    pub(crate) grid_charge_currents: Vec<f64>,
    /// Its settings as read last.
    pub(crate) values: BTreeMap<Metric, Value>,
}

impl Known {
    pub(crate) fn new(family: Family) -> Self {
        Self {
            family,
            rated_v: None,
            unit: Some(0),
            in_set: false,
            charge_currents: Vec::new(),
            grid_charge_currents: Vec::new(),
            values: BTreeMap::new(),
        }
    }

    fn number(&self, metric: Metric) -> Option<f64> {
        self.values.get(&metric).and_then(Value::number)
    }

    /// 1 for a battery of 12 V, 4 for one of 48 V.
    fn scale(&self) -> Option<f64> {
        self.rated_v.filter(|volts| [12.0, 24.0, 48.0].contains(volts)).map(|volts| volts / 12.0)
    }
}

impl Setter {
    /// The metric that shows it.
    pub(crate) fn metric(&self) -> Metric {
        let native = || NATIVE.iter().copied().find(|metric| metric.id() == self.name);
        Metric::by_id(self.name).or_else(native).expect("a test resolves every name of the tables")
    }

    /// The values that this unit takes; `None` as long as the unit has not told what they depend on.
    fn allowed(&self, known: &Known) -> Option<Allowed> {
        match self.form {
            Form::Codes { codes, .. } | Form::UnitCodes { codes, .. } | Form::NumberedCodes { codes, .. } => {
                Some(Allowed::States(codes.iter().map(|(key, _)| *key).collect()))
            }
            Form::Volts { range, .. } | Form::VoltsPair { range, .. } | Form::DeciVolts { range, .. } => {
                known.scale().map(|scale| range.allowed(scale))
            }
            Form::Amperes { list, .. } | Form::AmperesComma { list, .. } => {
                let list = list.of(known);
                (!list.is_empty()).then(|| Allowed::Numbers(list.to_vec()))
            }
            Form::Discharge { .. } => known.values.contains_key(&self.metric()).then(|| {
                let amperes = (3..=15).map(|tens| f64::from(tens) * 10.0);
                Allowed::Numbers(std::iter::once(0.0).chain(amperes).collect())
            }),
            // Only what the unit itself lists.
            Form::Flag { .. } => {
                known.values.contains_key(&self.metric()).then(|| Allowed::States(vec!["no", "yes"]))
            }
        }
    }

    /// The command that sets `value`, which is one of the allowed ones.
    fn command(&self, value: &Value, known: &Known) -> Result<String, String> {
        let code = |codes: &[(&'static str, &'static str)]| {
            let wanted = value.as_str().unwrap_or_default();
            codes
                .iter()
                .find(|(key, _)| *key == wanted)
                .map(|(_, code)| *code)
                .ok_or_else(|| format!("{} has no state {wanted}", self.name))
        };
        let number = || value.number().ok_or_else(|| format!("{} takes a number", self.name));
        Ok(match self.form {
            Form::Codes { command, codes } => format!("{command}{}", code(codes)?),
            Form::UnitCodes { alone, codes, .. } if !known.in_set => format!("{alone}{}", code(codes)?),
            Form::UnitCodes { of_set, codes, .. } => format!("{of_set}{}{}", unit(known)?, code(codes)?),
            Form::NumberedCodes { command, codes } => format!("{command}{},{}", unit(known)?, code(codes)?),
            Form::Volts { command, .. } => format!("{command}{:04.1}", number()?),
            Form::DeciVolts { command, .. } => format!("{command}{:03.0}", number()? * 10.0),
            Form::VoltsPair { command, place, .. } => pair(command, number()?, place, known)?,
            Form::Amperes { from_100, .. } if number()? >= 100.0 => {
                format!("{from_100}{}{:03.0}", unit(known)?, number()?)
            }
            Form::Amperes { below_100, .. } => format!("{below_100}{}{:02.0}", unit(known)?, number()?),
            Form::AmperesComma { command, .. } => format!("{command}{},{:03.0}", unit(known)?, number()?),
            Form::Discharge { command } => format!("{command}{:03.0}", number()?),
            Form::Flag { letter } => {
                let verb = if value.as_str() == Some("yes") { "PE" } else { "PD" };
                format!("{verb}{letter}")
            }
        })
    }

    /// The other metric of a command with two values.
    fn other(&self) -> Option<Metric> {
        match self.form {
            Form::VoltsPair { place: Place::First(other) | Place::Second(other), .. } => Some(other),
            _ => None,
        }
    }

    /// The memory that it writes, by the settings that are in it: both values of a pair are written, whichever changes.
    fn part(&self) -> String {
        let own = self.metric().id();
        match self.form {
            Form::VoltsPair { place: Place::First(other), .. } => format!("{own} with {other}"),
            Form::VoltsPair { place: Place::Second(other), .. } => format!("{other} with {own}"),
            _ => own.to_owned(),
        }
    }

    /// Whether `command` is one that this row makes.
    fn makes(&self, command: &str) -> bool {
        let argument = |name: &str| command.strip_prefix(name);
        let digits = |text: &str, pattern: &str| {
            text.len() == pattern.len()
                && text
                    .chars()
                    .zip(pattern.chars())
                    .all(|(c, p)| if p == 'n' { c.is_ascii_digit() } else { c == p })
        };
        let coded = |text: &str, codes: &[(&str, &str)]| codes.iter().any(|(_, code)| *code == text);
        match self.form {
            Form::Codes { command: name, codes } => argument(name).is_some_and(|text| coded(text, codes)),
            Form::UnitCodes { alone, of_set, codes } => {
                argument(of_set).is_some_and(|text| {
                    text.starts_with(|c: char| c.is_ascii_digit())
                        && text.get(1..).is_some_and(|code| coded(code, codes))
                }) || argument(alone).is_some_and(|text| coded(text, codes))
            }
            Form::NumberedCodes { command: name, codes } => argument(name).is_some_and(|text| {
                text.get(..2).is_some_and(|unit| digits(unit, "n,"))
                    && text.get(2..).is_some_and(|code| coded(code, codes))
            }),
            Form::Volts { command: name, .. } => argument(name).is_some_and(|text| digits(text, "nn.n")),
            Form::DeciVolts { command: name, .. } => argument(name).is_some_and(|text| digits(text, "nnn")),
            Form::VoltsPair { command: name, .. } => {
                argument(name).is_some_and(|text| digits(text, "nnn,nnn"))
            }
            Form::Amperes { below_100, from_100, .. } => {
                argument(below_100).is_some_and(|text| digits(text, "nnn"))
                    || argument(from_100).is_some_and(|text| digits(text, "nnnn"))
            }
            Form::AmperesComma { command: name, .. } => {
                argument(name).is_some_and(|text| digits(text, "n,nnn"))
            }
            Form::Discharge { command: name } => argument(name).is_some_and(|text| digits(text, "nnn")),
            Form::Flag { letter } => command == format!("PE{letter}") || command == format!("PD{letter}"),
        }
    }
}

fn unit(known: &Known) -> Result<u8, String> {
    known.unit.ok_or_else(|| {
        "the inverter works in a parallel set and has not told which of its units it is: set it at the panel".to_owned()
    })
}

fn pair(command: &str, volts: f64, place: Place, known: &Known) -> Result<String, String> {
    let (Place::First(other) | Place::Second(other)) = place;
    let kept = known.number(other).ok_or_else(|| {
        format!("the unit sets this together with {other}, whose present value it has not told yet")
    })?;
    let (first, second) = if matches!(place, Place::First(_)) { (volts, kept) } else { (kept, volts) };
    Ok(format!("{command}{:03.0},{:03.0}", first * 10.0, second * 10.0))
}

impl List {
    fn of(self, known: &Known) -> &[f64] {
        match self {
            Self::Total => &known.charge_currents,
            Self::Grid => &known.grid_charge_currents,
        }
    }
}

impl Voltages {
    /// The vendor's tables for 12 V, in tenths of volts; those of 24 V and 48 V have rounder steps.
    fn allowed(self, scale: f64) -> Allowed {
        let numbers =
            |list: &[i32]| Allowed::Numbers(list.iter().map(|deci| f64::from(*deci) / 10.0).collect());
        let steps = |first: i32, last: i32| -> Vec<i32> {
            let step = if scale > 3.0 { 10 } else { 5 };
            (first..=last).step_by(step).collect()
        };
        let twelve = scale < 1.5;
        match self {
            Self::Recharge if twelve => numbers(&[110, 113, 115, 118, 120, 123, 125, 128]),
            Self::Recharge if scale > 3.0 => numbers(&steps(440, 510)),
            Self::Recharge => numbers(&steps(220, 255)),
            Self::Redischarge if twelve => {
                numbers(&[0, 120, 123, 125, 128, 130, 133, 135, 138, 140, 143, 145])
            }
            Self::Redischarge if scale > 3.0 => numbers(&[&[0][..], &steps(480, 580)].concat()),
            Self::Redischarge => numbers(&[&[0][..], &steps(240, 290)].concat()),
            Self::Charging => Allowed::Range { min: 12.0 * scale, max: 14.6 * scale, step: 0.1 },
            Self::Cutoff => Allowed::Range { min: 10.5 * scale, max: 12.0 * scale, step: 0.1 },
        }
    }
}

/// What the owner allows to be set on a unit of which this much is known.
pub(crate) fn offered(known: &Known, write: &[WriteClass]) -> Vec<Setting> {
    let setters = of(known.family).iter().filter(|setter| write.contains(&setter.class));
    let setting =
        |setter: &Setter| setter.allowed(known).map(|allowed| Setting { metric: setter.metric(), allowed });
    setters.filter_map(setting).collect()
}

/// What sets a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingWrite {
    /// The memory that it wears out.
    pub(crate) part: String,
    /// The command.
    pub(crate) command: String,
    /// What a read back shows then.
    pub(crate) word: String,
}

/// The command that sets `name` to `value`.
pub(crate) fn plan_setting(
    name: &str,
    value: &str,
    known: &Known,
    write: &[WriteClass],
) -> Result<SettingWrite, PlanError> {
    let refused = |reason: String| PlanError { reason };
    let Some(setter) = of(known.family).iter().find(|setter| setter.name == name) else {
        let all: Vec<_> = of(known.family).iter().map(|setter| setter.name).collect();
        let reason =
            format!("{name} is nothing that can be set on this inverter; there are {}", all.join(", "));
        return Err(refused(if all.is_empty() { not_controllable(known.family) } else { reason }));
    };
    if !write.contains(&setter.class) {
        return Err(refused(not_allowed(name, setter.class)));
    }
    let metric = setter.metric();
    let allowed = setter.allowed(known).ok_or_else(|| refused(not_told(setter)))?;
    let setting = Setting { metric, allowed };
    let text = if metric == Metric::OutputPriority { modes::priority_of_word(value) } else { None };
    let value = setting.parse(text.unwrap_or(value)).map_err(|error| refused(error.to_string()))?;
    rules::check(setter, &value, known).map_err(refused)?;
    let command = setter.command(&value, known).map_err(refused)?;
    let word = with_other(setter, word(metric, &value), known)
        .ok_or_else(|| refused(format!("{name}: its other half is not known")))?;
    Ok(SettingWrite { part: setter.part(), command, word })
}

/// A setting as a read back shows it; `None` where the unit has not told it. What is set together with another one is
/// shown with it, for a write may change both.
pub(crate) fn shown(metric: Metric, known: &Known) -> Option<String> {
    let own = word(metric, known.values.get(&metric)?);
    let setter = of(known.family).iter().find(|setter| setter.name == metric.id());
    setter.map_or(Some(own.clone()), |setter| with_other(setter, own, known))
}

fn with_other(setter: &Setter, own: String, known: &Known) -> Option<String> {
    let Some(other) = setter.other() else { return Some(own) };
    Some(format!("{own}, {other} {}", word(other, known.values.get(&other)?)))
}

/// Why a command that was planned a while ago must not be sent any more: its other half has changed since.
pub(crate) fn outdated(command: &str, known: &Known) -> Option<String> {
    let setter = of(known.family).iter().find(|setter| setter.makes(command))?;
    let (Form::VoltsPair { command: name, place: Place::First(second), .. }, first) =
        (setter.form, setter.metric())
    else {
        return None;
    };
    let values = command.strip_prefix(name)?.split_once(',')?;
    let is_now = |metric: Metric, text: &str| {
        known.number(metric).is_some_and(|volts| format!("{:03.0}", volts * 10.0) == text)
    };
    // One of them is what the command is for.
    let kept = is_now(first, values.0) || is_now(second, values.1);
    (!kept).then(|| format!("{first} and {second} have both changed since this was planned"))
}

/// Whether a command sets a priority, which the owner may change as often as the memory bears.
pub(crate) fn is_priority(family: Family, command: &str) -> bool {
    of(family).iter().any(|setter| setter.class == WriteClass::Priorities && setter.makes(command))
}

/// The setting that a command of the family changes.
pub(crate) fn metric_of(family: Family, command: &str) -> Option<Metric> {
    of(family).iter().find(|setter| setter.makes(command)).map(Setter::metric)
}

/// A setting's value as a read back shows it: `30 A`, `SBU`, `solar_first`.
fn word(metric: Metric, value: &Value) -> String {
    match value {
        Value::Number(number) => {
            let def = metric.def();
            let unit = def.unit.map_or(String::new(), |unit| format!(" {}", unit.symbol()));
            format!("{:.*}{unit}", usize::from(def.decimals), metric.round(*number))
        }
        Value::State(key) if metric == Metric::OutputPriority => priority_word(key).to_owned(),
        Value::State(key) => (*key).to_owned(),
        Value::Text(text) => text.to_string(),
    }
}

/// Whether `command` is one of the family's table: nothing else that changes anything may leave.
pub(crate) fn is_tabled(family: Family, command: &str, write: &[WriteClass]) -> bool {
    of(family).iter().any(|setter| write.contains(&setter.class) && setter.makes(command))
}

/// Whether a metric of an answer shows a setting of the family, or decides about one.
pub(crate) fn is_setting(family: Family, metric: Metric) -> bool {
    metric == Metric::BatteryType || of(family).iter().any(|setter| setter.name == metric.id())
}

/// Why a unit may have refused `command`, for people.
pub(crate) fn why_refused(family: Family, command: &str) -> &'static str {
    let setter = of(family).iter().find(|setter| setter.makes(command));
    match setter.map(|setter| setter.form) {
        Some(Form::Codes { command: "PBT", .. }) => "this model does not know the battery type",
        Some(Form::Codes { .. } | Form::UnitCodes { .. } | Form::NumberedCodes { .. }) => {
            "this model does not know this choice, or not in its present state"
        }
        Some(Form::Volts { .. } | Form::VoltsPair { .. } | Form::DeciVolts { .. }) => {
            "many units take voltages only within their own limits and with battery type `user`"
        }
        Some(Form::Amperes { .. } | Form::AmperesComma { .. } | Form::Discharge { .. }) => {
            "the current is none that it takes now; charging from the grid must not be more than charging altogether"
        }
        Some(Form::Flag { .. }) | None => "this model cannot change it",
    }
}

pub(crate) fn not_controllable(family: Family) -> String {
    let why = match family {
        Family::Revo => "its commands write the whole configuration at once",
        Family::Pi17 => "its commands are not proven yet",
        _ => "its commands are not known",
    };
    format!("a {} inverter is only read: {why}", family.name())
}

pub(crate) fn not_allowed(what: &str, class: WriteClass) -> String {
    let (key, danger) = match class {
        WriteClass::Priorities => ("priorities", ""),
        WriteClass::Limits => ("limits", ""),
        WriteClass::Battery => ("battery", "; wrong values damage the battery"),
    };
    format!(
        "{what} is not among what the owner allows to be written: add `{key}` to `write:` of the device{danger}"
    )
}

fn not_told(setter: &Setter) -> String {
    let why = match setter.form {
        Form::Amperes { .. } | Form::AmperesComma { .. } => "which currents it takes",
        Form::Flag { .. } | Form::Discharge { .. } => "that it has this setting",
        _ => "the rated voltage of its battery",
    };
    format!("{}: the inverter has not told {why}", setter.name)
}

#[cfg(test)]
mod tests;
