//! PI30 and its relatives: `QXXX` and a check in, `(` with fields separated by spaces and a check out.

mod parallel;
mod rating;
mod setters;
mod status;

pub(crate) use setters::{moment, set};

use super::{
    profile::Family,
    reply::{Reply, View},
};

/// Queries that every unit of the family answers.
const ALWAYS: [&str; 12] =
    ["QPI", "QPIGS", "QPIRI", "QMOD", "QPIWS", "QID", "QVFW", "QFLAG", "QDI", "QMCHGCR", "QMUCHGCR", "QBOOT"];

/// The answer to a question.
pub(crate) fn query(text: &str, view: &View<'_>) -> Reply {
    let (name, digits) = split(text);
    let known = ALWAYS.contains(&name) || view.model.queries.contains(&name);
    let payload = if known { numbered(name, digits, view).or_else(|| plain(text, view)) } else { None };
    payload.map_or(Reply::Nak, Reply::Data)
}

/// `QPGS3` is QPGS of unit 3, `QED20240115` QED of a day; the digit in `QPIGS2` belongs to the name.
fn split(text: &str) -> (&str, &str) {
    if ["QPIGS2", "QVFW2", "QVFW3", "Q1"].contains(&text) {
        return (text, "");
    }
    text.split_at(text.trim_end_matches(|c: char| c.is_ascii_digit()).len())
}

/// Queries with a number: a unit of the set, or a date.
fn numbered(name: &str, digits: &str, view: &View<'_>) -> Option<String> {
    let energy = |pick: fn(super::energy::Energy) -> f64, length: usize| {
        let energy = (digits.len() == length).then(|| view.ledger.of_digits(digits)).flatten()?;
        Some(format!("{:08.0}", pick(energy).floor()))
    };
    match name {
        "QPGS" => Some(parallel::leg_1(digits.parse().ok().filter(|_| digits.len() == 1)?, view)),
        "QP2GS" => Some(parallel::leg_2(digits.parse().ok().filter(|_| digits.len() == 1)?, view)),
        "QEY" => energy(|energy| energy.pv_wh, 4),
        "QEM" => energy(|energy| energy.pv_wh, 6),
        "QED" => energy(|energy| energy.pv_wh, 8),
        "QLY" => energy(|energy| energy.load_wh, 4),
        "QLM" => energy(|energy| energy.load_wh, 6),
        "QLD" => energy(|energy| energy.load_wh, 8),
        _ => None,
    }
}

/// Queries that are what they are.
fn plain(text: &str, view: &View<'_>) -> Option<String> {
    let plate = view.plate;
    Some(match text {
        "QPI" if view.model.family == Family::Pi41 => "PI41".to_owned(),
        "QPI" => "PI30".to_owned(),
        "QPIGS" => status::general(view),
        "QPIGS2" => status::second(view),
        "QPIWS" => status::warnings(view),
        "QMOD" => view.reading.mode.letter().to_string(),
        "QPIRI" => rating::present(view),
        "QDI" => rating::defaults(view),
        "QFLAG" => rating::flags(view),
        "QMCHGCR" => rating::currents(&plate.charge_currents, plate.current_digits.1),
        "QMUCHGCR" => rating::currents(&plate.grid_currents, plate.current_digits.1),
        "QID" => plate.serial.clone(),
        "QSID" => format!("{:02}{}", plate.serial_digits, plate.serial_long),
        "QVFW" => format!("VERFW:{}", plate.firmware),
        "QVFW2" => format!("VERFW2:{}", plate.firmware_2),
        "QVFW3" => format!("VERFW3:{}", plate.firmware_2),
        "QMN" => plate.model_name.clone(),
        "QGMN" => plate.model_number.clone(),
        "QT" => view.time.clone(),
        "QBOOT" => "1".to_owned(),
        "QOPM" => format!("{:02}", view.eeprom.output_mode),
        "QBEQI" => rating::equalisation(&view.eeprom.equalisation),
        "QOPPT" => rating::hours(rating::output_code(view.eeprom.orders.output), "0 2 1"),
        "QCHPT" => rating::hours(rating::charger_code(view.eeprom.orders.charger), "0 0 0"),
        "QBMS" => rating::bank(view)?,
        "QCST" => if view.reading.status_2 & 0b100 != 0 { "13" } else { "11" }.to_owned(),
        "QCVT" => format!("{:03}", view.eeprom.cv_minutes),
        "QLED" => "1 1 2 5 3 148000211255255255000255255".to_owned(),
        "QET" => format!("{:08.0}", view.ledger.total.pv_wh.floor()),
        "QLT" => format!("{:08.0}", view.ledger.total.load_wh.floor()),
        "Q1" => status::undocumented(view),
        _ => return None,
    })
}
