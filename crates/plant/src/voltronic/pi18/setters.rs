//! The setters of PI18: `^S` and the same checks; voltages in tenths, values separated by commas.

use super::FLAGS;
use crate::{
    house::{ChargerPriority, OutputPriority, SolarPriority},
    voltronic::{
        eeprom::Eeprom,
        reply::{Effect, View},
    },
};

/// What a setter brings about; `None` = refused.
pub(crate) fn set(text: &str, view: &View<'_>) -> Option<Effect> {
    if let Some(digits) = text.strip_prefix("DAT") {
        return crate::voltronic::pi30::moment(digits).map(Effect::Clock);
    }
    let mut eeprom = match text {
        "CLE" => return Some(Effect::ClearEnergy),
        "PF" => return Some(Effect::Settings(Box::new(Eeprom::factory(view.model)))),
        _ => view.eeprom.clone(),
    };
    let name = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
    let values: Vec<&str> = text[name.len()..].split(',').collect();
    let done = match values.as_slice() {
        [value] => single(name, value, view, &mut eeprom),
        [first, second] => double(name, first, second, view, &mut eeprom),
        _ => None,
    };
    done.map(|()| Effect::Settings(Box::new(eeprom)))
}

fn digits(text: &str, length: usize) -> Option<u16> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn single(name: &str, value: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<()> {
    let one =
        |most: u16| digits(value, 1).filter(|code| *code <= most).and_then(|code| u8::try_from(code).ok());
    match name {
        "POP" => {
            eeprom.orders.output =
                if one(1)? == 1 { OutputPriority::SolarBatteryUtility } else { OutputPriority::SolarFirst };
        }
        "PSP" => {
            eeprom.orders.solar =
                if one(1)? == 1 { SolarPriority::LoadFirst } else { SolarPriority::BatteryFirst };
        }
        "PBT" => eeprom.battery_type = one(2)?,
        "PGR" => eeprom.input_range = one(1)?,
        "LON" => eeprom.orders.output_on = one(1)? == 1,
        "PSDV" => {
            let wanted = tenths(value).filter(|volts| (40.0..=48.0).contains(volts));
            eeprom.orders.cutoff_v = user(eeprom, wanted)?;
        }
        "F" => eeprom.output.1 = f64::from(digits(value, 2).filter(|hertz| matches!(hertz, 50 | 60))?),
        "V" => {
            let volts = digits(value, 4).filter(|volts| [2_080, 2_200, 2_300, 2_400].contains(volts))?;
            // The output has to be off.
            eeprom.output.0 = (!view.reading.load_on).then_some(f64::from(volts) / 10.0)?;
        }
        // PEa..PEi, PDa..PDi carry a letter, so there is nothing behind the name.
        _ if value.is_empty() => return flag(name, eeprom),
        _ => return None,
    }
    Some(())
}

fn double(name: &str, first: &str, second: &str, view: &View<'_>, eeprom: &mut Eeprom) -> Option<()> {
    let here = || digits(first, 1).filter(|unit| *unit < u16::from(view.plate.units));
    let listed = |list: &[u16]| digits(second, 3).filter(|amps| list.contains(amps)).map(f64::from);
    match name {
        "PCP" => {
            here()?;
            eeprom.orders.charger = match digits(second, 1)? {
                0 => ChargerPriority::SolarFirst,
                1 => ChargerPriority::SolarAndUtility,
                2 => ChargerPriority::SolarOnly,
                _ => return None,
            };
        }
        "MCHGC" => {
            here()?;
            eeprom.orders.charge_max_a = listed(&view.plate.charge_currents)?;
        }
        "MUCHGC" => {
            here()?;
            eeprom.orders.grid_charge_max_a = listed(&view.plate.grid_currents)?;
        }
        "POPM" => {
            here()?;
            let mode = digits(second, 1).filter(|mode| *mode <= 4 && !view.reading.load_on)?;
            eeprom.output_mode = u8::try_from(mode).ok()?;
        }
        "MCHGV" => {
            let charge = |text| tenths(text).filter(|volts| (48.0..=58.4).contains(volts));
            let (bulk_v, float_v) = (charge(first)?, charge(second)?);
            eeprom.orders.bulk_v = user(eeprom, Some(bulk_v).filter(|bulk_v| *bulk_v >= float_v))?;
            eeprom.orders.float_v = float_v;
        }
        "BUCD" => {
            let recharge_v = tenths(first).filter(|volts| (44.0..=51.0).contains(volts))?;
            let back = |volts: &f64| *volts <= 0.0 || (48.0..=58.0).contains(volts) && *volts > recharge_v;
            eeprom.orders.redischarge_v = tenths(second).filter(back)?;
            eeprom.orders.recharge_v = recharge_v;
        }
        _ => return None,
    }
    Some(())
}

/// Three digits of tenths of a volt.
fn tenths(text: &str) -> Option<f64> {
    digits(text, 3).map(|value| f64::from(value) / 10.0)
}

/// Voltages can be set by hand only with battery type 2, user.
fn user(eeprom: &Eeprom, volts: Option<f64>) -> Option<f64> {
    volts.filter(|_| eeprom.battery_type == 2)
}

/// `PEx`, `PDx`: A..=H are the flags of FLAG, I is feeding the grid; in small letters too.
fn flag(name: &str, eeprom: &mut Eeprom) -> Option<()> {
    let (way, letter) = name.split_at_checked(2)?;
    let on = match way {
        "PE" => true,
        "PD" => false,
        _ => return None,
    };
    let mut letters = letter.bytes();
    let index = usize::from(letters.next()?.to_ascii_uppercase().checked_sub(b'A')?);
    if letters.next().is_some() {
        return None;
    }
    match FLAGS.get(index) {
        Some(flag) if on => {
            eeprom.flags.insert(*flag);
        }
        Some(flag) => {
            eeprom.flags.remove(flag);
        }
        None if index == FLAGS.len() => eeprom.orders.feed_in = on,
        None => return None,
    }
    Some(())
}
