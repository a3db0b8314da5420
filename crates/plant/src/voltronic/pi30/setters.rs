//! The setters of PI30: what each takes, within the limits of this unit. Whatever does not fit is refused.

use crate::{
    house::{ChargerPriority, OutputPriority},
    voltronic::{
        eeprom::Eeprom,
        reply::{Effect, View},
    },
};
use jiff::civil::DateTime;

/// Battery type "user": only with it the voltages can be set by hand.
const USER: u8 = 2;
/// The highest battery type: 3 Pylontech and on, the vendor's lithium types.
const TYPE_MAX: u8 = 9;

/// What a setter brings about; `None` = refused.
pub(crate) fn set(text: &str, view: &View<'_>) -> Option<Effect> {
    if let Special::Known(effect) = special(text, view) {
        return effect;
    }
    let mut eeprom = view.eeprom.clone();
    let done = priorities(text, view, &mut eeprom)
        .or_else(|| currents(text, view, &mut eeprom))
        .or_else(|| voltages(text, view, &mut eeprom))
        .or_else(|| switches(text, view, &mut eeprom))
        .or_else(|| equalisation(text, view, &mut eeprom))?;
    done.then(|| Effect::Settings(Box::new(eeprom)))
}

/// What is no single setting.
enum Special {
    /// `None` = refused.
    Known(Option<Effect>),
    Other,
}

fn special(text: &str, view: &View<'_>) -> Special {
    let knows = |name: &str| view.model.setters.contains(&name);
    if let Some(digits) = text.strip_prefix("DAT").filter(|_| knows("DAT")) {
        return Special::Known(moment(digits).map(Effect::Clock));
    }
    Special::Known(match text {
        "RTEY" => knows("RTEY").then_some(Effect::ClearEnergy),
        "RTDL" => knows("RTDL").then_some(Effect::Nothing),
        "PF" => Some(Effect::Settings(Box::new(Eeprom::factory(view.model)))),
        "PSAVE" => Some(Effect::Nothing),
        _ if text.starts_with("PLED") => knows("PLED").then_some(Effect::Nothing),
        _ => return Special::Other,
    })
}

/// DAT's twelve digits, yymmddhhmmss.
pub(crate) fn moment(digits: &str) -> Option<DateTime> {
    let part = |at: usize| digits.get(at..at + 2)?.parse::<i8>().ok();
    if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = 2_000 + i16::from(part(0)?);
    DateTime::new(year, part(2)?, part(4)?, part(6)?, part(8)?, part(10)?, 0).ok()
}

/// Digits of a fixed length.
fn digits(text: &str, length: usize) -> Option<u16> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `nn.n`, in V.
fn volts(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let shaped =
        bytes.len() == 4 && bytes[2] == b'.' && [0, 1, 3].iter().all(|at| bytes[*at].is_ascii_digit());
    shaped.then(|| text.parse().ok())?
}

/// Runs a setter's body: `None` = another command, `Some(false)` = refused.
fn after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name).filter(|rest| !rest.is_empty())
}

fn priorities(text: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<bool> {
    let charger = |code: Option<u16>, eeprom: &mut Eeprom| {
        let code = code.and_then(|code| u8::try_from(code).ok());
        let Some(code) = code.filter(|code| view.model.chargers.contains(code)) else { return false };
        eeprom.orders.charger = match code {
            0 => ChargerPriority::UtilityFirst,
            1 => ChargerPriority::SolarFirst,
            2 => ChargerPriority::SolarAndUtility,
            _ => ChargerPriority::SolarOnly,
        };
        true
    };
    if let Some(rest) = after(text, "PPCP") {
        // m = unit of the set, then two digits.
        let unit = digits(rest.get(..1)?, 1)?;
        return Some(unit < u16::from(view.plate.units.max(1)) && charger(digits(rest.get(1..)?, 2), eeprom));
    }
    if let Some(rest) = after(text, "PCP") {
        return Some(charger(digits(rest, 2), eeprom));
    }
    if let Some(rest) = after(text, "POPM") {
        // Another phase under load would burn something: the output has to be off.
        let code = digits(rest, 2).and_then(|code| u8::try_from(code).ok()).filter(|code| *code <= 7);
        eeprom.output_mode = code.unwrap_or(0);
        return Some(code.is_some() && !view.reading.load_on);
    }
    if let Some(rest) = after(text, "POPLG") {
        let code = digits(rest, 2).and_then(|code| u8::try_from(code).ok()).filter(|code| *code <= 2);
        eeprom.logic = code.unwrap_or(0);
        return Some(code.is_some() && view.model.setters.contains(&"POPLG"));
    }
    let priority = match digits(after(text, "POP")?, 2) {
        Some(0) => OutputPriority::UtilityFirst,
        Some(1) => OutputPriority::SolarFirst,
        Some(2) => OutputPriority::SolarBatteryUtility,
        _ => return Some(false),
    };
    eeprom.orders.output = priority;
    Some(true)
}

fn currents(text: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<bool> {
    let plate = view.plate;
    // A digit for the unit of the set, then two or three for the current, which has to be in the unit's own list.
    let amps = |rest: &str, list: &[u16]| {
        let unit = digits(rest.get(..1)?, 1)?;
        let amps = digits(rest.get(1..)?, rest.len() - 1).filter(|_| matches!(rest.len(), 3 | 4))?;
        (unit < u16::from(plate.units.max(1)) && list.contains(&amps)).then(|| f64::from(amps))
    };
    if let Some(rest) = after(text, "MUCHGC") {
        let wanted = amps(rest, &plate.grid_currents);
        eeprom.orders.grid_charge_max_a = wanted.unwrap_or_default();
        return Some(wanted.is_some());
    }
    if let Some(rest) = after(text, "MCHGC") {
        let wanted = amps(rest, &plate.charge_currents);
        eeprom.orders.charge_max_a = wanted.unwrap_or_default();
        return Some(wanted.is_some());
    }
    if let Some(rest) = after(text, "MNCHGC").filter(|_| view.model.setters.contains(&"MNCHGC")) {
        // GK and MK leave the unit's digit out.
        let whole = digits(rest, 3).filter(|amps| plate.charge_currents.contains(amps)).map(f64::from);
        let wanted = if rest.len() == 4 { amps(rest, &plate.charge_currents) } else { whole };
        eeprom.orders.charge_max_a = wanted.unwrap_or_default();
        return Some(wanted.is_some());
    }
    let rest = after(text, "PBATMAXDISC").filter(|_| view.model.setters.contains(&"PBATMAXDISC"))?;
    let wanted = digits(rest, 3).filter(|amps| *amps == 0 || (30..=150).contains(amps));
    eeprom.discharge_max_a = wanted.unwrap_or_default();
    Some(wanted.is_some())
}

fn voltages(text: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<bool> {
    let orders = &mut eeprom.orders;
    let user = eeprom.battery_type == USER;
    let large = view.plate.battery_v > 36.0;
    let mk = view.model.modes.contains('C');
    let within = |low: f64, high: f64| move |volts: f64| volts >= low - 1e-6 && volts <= high + 1e-6;
    let stepped = |volts: f64, step: f64| ((volts / step).round() * step - volts).abs() < 1e-6;
    let (charge_low, charge_high) = match (large, mk) {
        (true, true) => (48.0, 63.0),
        (true, false) => (48.0, 58.4),
        (false, _) => (24.0, 31.5),
    };
    if let Some(rest) = after(text, "PBCV") {
        let (low, high, step) = if large { (44.0, 51.0, 1.0) } else { (22.0, 25.5, 0.5) };
        let fits = |volts: &f64| {
            let below = orders.redischarge_v <= 0.0 || *volts < orders.redischarge_v;
            within(low, high)(*volts) && stepped(*volts, step) && below
        };
        let wanted = volts(rest).filter(fits);
        orders.recharge_v = wanted.unwrap_or_default();
        return Some(wanted.is_some());
    }
    if let Some(rest) = after(text, "PBDV") {
        let (low, high, step) = if large { (48.0, 58.0, 1.0) } else { (24.0, 29.0, 0.5) };
        let fits = |volts: &f64| {
            let above = within(low, high)(*volts) && stepped(*volts, step) && *volts > orders.recharge_v;
            *volts <= 0.0 || above
        };
        let wanted = volts(rest).filter(fits);
        orders.redischarge_v = wanted.unwrap_or_default();
        return Some(wanted.is_some());
    }
    if let Some(rest) = after(text, "PCVV") {
        let wanted =
            volts(rest).filter(|volts| within(charge_low, charge_high)(*volts) && *volts >= orders.float_v);
        orders.bulk_v = wanted.unwrap_or_default();
        return Some(wanted.is_some() && user);
    }
    if let Some(rest) = after(text, "PBFT") {
        let wanted =
            volts(rest).filter(|volts| within(charge_low, charge_high)(*volts) && *volts <= orders.bulk_v);
        orders.float_v = wanted.unwrap_or_default();
        return Some(wanted.is_some() && user);
    }
    let rest = after(text, "PSDV")?;
    let (low, high) = match (large, mk) {
        (true, true) => (42.0, 48.0),
        (true, false) => (40.0, 48.0),
        (false, _) => (21.0, 24.0),
    };
    let wanted = volts(rest).filter(|volts| within(low, high)(*volts));
    orders.cutoff_v = wanted.unwrap_or_default();
    Some(wanted.is_some() && user)
}

fn switches(text: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<bool> {
    let small = |text: &str, length: usize, most: u16| {
        digits(text, length).filter(|value| *value <= most).and_then(|value| u8::try_from(value).ok())
    };
    let put = |slot: &mut u8, value: Option<u8>| {
        *slot = value.unwrap_or_default();
        Some(value.is_some())
    };
    if text.starts_with("PBEQ") {
        return None;
    }
    if text.starts_with("PBATCD") {
        // 111 leaves everything on; with the others a real unit may go dark, this one refuses.
        return Some(view.model.setters.contains(&"PBATCD") && text == "PBATCD111");
    }
    if let Some(rest) = after(text, "PGR") {
        return put(&mut eeprom.input_range, small(rest, 2, 1));
    }
    if let Some(rest) = after(text, "PBT") {
        let most = if view.model.setters.is_empty() { USER } else { TYPE_MAX };
        let wanted = small(rest, 2, u16::from(most)).filter(|code| *code <= most);
        if let Some(code) = wanted.filter(|code| *code != eeprom.battery_type) {
            charge_voltages(code, view, eeprom);
        }
        return put(&mut eeprom.battery_type, wanted);
    }
    if let Some(rest) = after(text, "PPVOKC") {
        return put(&mut eeprom.pv_ok, small(rest, 1, 1));
    }
    if let Some(rest) = after(text, "PSPB") {
        return put(&mut eeprom.pv_balance, small(rest, 1, 1));
    }
    if let Some(rest) = after(text, "PCVT").filter(|_| view.model.setters.contains(&"PCVT")) {
        let wanted = digits(rest, 3).filter(|minutes| *minutes <= 900 && minutes % 5 == 0);
        eeprom.cv_minutes = wanted.unwrap_or_default();
        return Some(wanted.is_some());
    }
    if let Some(rest) = after(text, "V").filter(|_| view.model.setters.contains(&"V")) {
        let wanted = digits(rest, 3).filter(|volts| [208, 220, 230, 240].contains(volts));
        eeprom.output.0 = wanted.map_or(0.0, f64::from);
        return Some(wanted.is_some() && !view.reading.load_on);
    }
    match text {
        "F50" => eeprom.output.1 = 50.0,
        "F60" => eeprom.output.1 = 60.0,
        _ => return flags(text, view, eeprom),
    }
    Some(true)
}

/// Another battery type brings its own voltages with it.
fn charge_voltages(code: u8, view: &View<'_>, eeprom: &mut Eeprom) {
    let cells = view.plate.battery_v / 48.0;
    let (bulk_v, float_v) = match code {
        0 => (56.4, 54.0),
        1 => (58.4, 54.0),
        USER => return,
        _ => (53.2, 53.2),
    };
    (eeprom.orders.bulk_v, eeprom.orders.float_v) = (bulk_v * cells, float_v * cells);
}

/// `PEx` and `PDx`: one letter of QFLAG; captured units refuse several at once.
fn flags(text: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<bool> {
    let on = text.starts_with("PE");
    let mut letters = after(text, if on { "PE" } else { "PD" })?.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return Some(false) };
    if !view.plate.flag_letters.contains(letter) {
        return Some(false);
    }
    if on {
        eeprom.flags.insert(letter);
    } else {
        eeprom.flags.remove(&letter);
    }
    if letter == 'd' {
        eeprom.orders.feed_in = on;
    }
    Some(true)
}

fn equalisation(text: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<bool> {
    let rest = after(text, "PBEQ").filter(|_| view.model.setters.contains(&"PBEQ"))?;
    let settings = &mut eeprom.equalisation;
    let (kind, value) = rest.split_at_checked(1)?;
    let number = |low: u16, high: u16, step: u16| {
        digits(value, 3).filter(|value| (low..=high).contains(value) && value % step == 0)
    };
    let put = |slot: &mut u16, value: Option<u16>| {
        *slot = value.unwrap_or_default();
        Some(value.is_some())
    };
    match (kind, value) {
        ("E", "0" | "1") => settings.enabled = value == "1",
        ("A", "0" | "1") => settings.active = value == "1",
        ("T", _) => return put(&mut settings.minutes, number(5, 900, 5)),
        ("P", _) => return put(&mut settings.period_days, number(0, 90, 1)),
        ("O", _) => return put(&mut settings.give_up_minutes, digits(value.strip_prefix('T')?, 3)),
        ("V", _) => {
            let cells = view.plate.battery_v / 48.0;
            let shaped = value.len() == 5 && value.as_bytes().get(2) == Some(&b'.');
            let wanted: Option<f64> = shaped.then(|| value.parse().ok()).flatten();
            let wanted = wanted.filter(|volts| (48.0 * cells..=61.0 * cells).contains(volts));
            settings.volts = wanted.unwrap_or_default();
            return Some(wanted.is_some());
        }
        _ => return Some(false),
    }
    Some(true)
}
