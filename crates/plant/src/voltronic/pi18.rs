//! PI18: `^P005GS` and a check in, `^D106` with integers separated by commas and a check out. The three digits count what
//! follows them, check and CR included; a wrong length is refused.

mod setters;

pub(crate) use setters::set;

use super::{
    crc,
    eeprom::Eeprom,
    reading::Reading,
    reply::{Reply, View},
};
use crate::house::{ChargerPriority, OutputPriority, SolarPriority};

/// The flags of FLAG, a..=h, in the letters of PI30.
pub(super) const FLAGS: [char; 8] = ['a', 'b', 'k', 'u', 'v', 'x', 'y', 'z'];
/// The flags of FWS, each with its number in PI30's QPIWS.
const WARNINGS: [usize; 16] = [5, 6, 9, 10, 11, 12, 14, 16, 17, 25, 26, 26, 27, 27, 29, 29];

/// The command inside a frame.
pub(crate) fn command(frame: &[u8]) -> Result<String, Reply> {
    let (text, check) = frame.split_last_chunk::<2>().ok_or(Reply::Nak)?;
    let head = text.split_at_checked(5).filter(|(_, rest)| !rest.is_empty());
    let ((head, rest), true) = (head.ok_or(Reply::Nak)?, crc::fits(text, *check)) else {
        return Err(Reply::Nak);
    };
    let length: Option<usize> = std::str::from_utf8(&head[2..]).ok().and_then(|digits| digits.parse().ok());
    let shaped = head[0] == b'^' && matches!(head[1], b'P' | b'S') && rest.iter().all(u8::is_ascii_graphic);
    // Document and captures ask for the faults with a length that is one short: `^P005FWS`.
    let short = rest == b"FWS" && length == Some(5);
    if !shaped || !(short || length == Some(rest.len() + 3)) {
        return Err(Reply::Nak);
    }
    Ok(String::from_utf8_lossy(rest).into_owned())
}

/// The answer to a question.
pub(crate) fn query(text: &str, view: &View<'_>) -> Reply {
    payload(text, view).map_or(Reply::Nak, Reply::Data)
}

fn payload(text: &str, view: &View<'_>) -> Option<String> {
    let plate = view.plate;
    Some(match text {
        "PI" => "18".to_owned(),
        "ID" => format!("{:02}{}", plate.serial_digits, plate.serial_long),
        "VFW" => format!("{},00000,00000", plate.firmware),
        "GS" => general(view),
        "PIRI" => rating(view),
        "MOD" => format!("{:02}", view.reading.mode.number()),
        "FWS" => faults(view),
        "FLAG" => format!("{},0", FLAGS.map(|letter| on(view.eeprom.flags.contains(&letter))).join(",")),
        "T" => view.time.clone(),
        "DI" => defaults(view),
        "MCHGCR" => list(&plate.charge_currents),
        "MUCHGCR" => list(&plate.grid_currents),
        "ET" => energy(view.ledger.total.pv_wh, true, view),
        _ => return numbered(text, view),
    })
}

fn numbered(text: &str, view: &View<'_>) -> Option<String> {
    if let Some(number) = text.strip_prefix("PRI").and_then(unit) {
        return Some(unit_rating(number, view));
    }
    if let Some(number) = text.strip_prefix("PGS").and_then(unit) {
        return Some(unit_general(number, view));
    }
    let (name, digits) = text.split_at_checked(2)?;
    let length = match name {
        "EY" => 4,
        "EM" => 6,
        "ED" => 8,
        _ => return None,
    };
    let wh = view.ledger.of_digits(digits).filter(|_| digits.len() == length)?.pv_wh;
    Some(energy(wh, length < 8, view))
}

fn unit(digits: &str) -> Option<u8> {
    digits.parse().ok().filter(|_| digits.len() == 1)
}

/// The document counts days in Wh and the rest in kWh; the captured units count everything in Wh.
fn energy(wh: f64, long: bool, view: &View<'_>) -> String {
    let value = if long && view.model.warnings == 16 { wh / 1_000.0 } else { wh };
    format!("{:08.0}", value.floor())
}

fn on(value: bool) -> String {
    u8::from(value).to_string()
}

fn list(currents: &[u16]) -> String {
    currents.iter().map(|amps| format!("{amps:03}")).collect::<Vec<_>>().join(",")
}

fn output_code(priority: OutputPriority) -> u8 {
    u8::from(priority == OutputPriority::SolarBatteryUtility)
}

fn charger_code(priority: ChargerPriority) -> u8 {
    match priority {
        ChargerPriority::UtilityFirst | ChargerPriority::SolarFirst => 0,
        ChargerPriority::SolarAndUtility => 1,
        ChargerPriority::SolarOnly => 2,
    }
}

/// GS: 28 fields, volts and hertz in tenths.
fn general(view: &View<'_>) -> String {
    let reading = view.reading;
    let [one, two, _] = reading.trackers;
    let tenths = |value: f64| value * 10.0;
    format!(
        "{:04.0},{:03.0},{:04.0},{:03.0},{:04.0},{:04.0},{:03.0},{:03.0},000,000,{:03.0},{:03.0},{:03.0},{:03.0},000,000,\
         {:04.0},{:04.0},{:04.0},{:04.0},{},{}",
        tenths(reading.grid_v),
        tenths(reading.grid_hz),
        tenths(reading.out_v),
        tenths(reading.out_hz),
        reading.load_va,
        reading.load_w,
        reading.load_pct,
        tenths(reading.battery_v),
        reading.discharge_a,
        reading.charge_a,
        reading.capacity_pct,
        reading.heat,
        one.watts,
        two.watts,
        tenths(one.volts),
        tenths(two.volts),
        u8::from(view.config_changed),
        flows(reading, reading.parallel_id),
    )
}

/// The last seven fields of GS: states of the trackers, load, directions, number in the set.
fn flows(reading: &Reading, last: u8) -> String {
    let Reading { mppt: [one, two], load_on, battery_flow, converter_flow, line_flow, .. } = reading;
    format!("{one},{two},{},{battery_flow},{converter_flow},{line_flow},{last}", u8::from(*load_on))
}

/// PIRI: 25 fields, on captured units one more. The re-discharge voltage comes before the cut-off.
fn rating(view: &View<'_>) -> String {
    let (plate, eeprom, orders) = (view.plate, view.eeprom, &view.eeprom.orders);
    let tenths = |value: f64| value * 10.0;
    let text = format!(
        "{:04.0},{amps:03.0},{:04.0},{:03.0},{amps:03.0},{:04.0},{:04.0},{:03.0},{:03.0},{:03.0},{:03.0},{:03.0},{:03.0}",
        tenths(plate.ac_v),
        tenths(eeprom.output.0),
        tenths(eeprom.output.1),
        plate.rated_va,
        plate.rated_w,
        tenths(plate.battery_v),
        tenths(orders.recharge_v),
        tenths(orders.redischarge_v),
        tenths(orders.cutoff_v),
        tenths(orders.bulk_v),
        tenths(orders.float_v),
        amps = tenths(plate.rated_a),
    );
    let text = text
        + &format!(
            ",{},{:03.0},{:03.0},{},{},{},{},{},{},{},{},{}",
            eeprom.battery_type,
            orders.grid_charge_max_a,
            orders.charge_max_a,
            eeprom.input_range,
            output_code(orders.output),
            charger_code(orders.charger),
            plate.parallel_max,
            u8::from(orders.feed_in),
            plate.topology,
            eeprom.output_mode,
            u8::from(orders.solar == SolarPriority::LoadFirst),
            view.model.panels.0,
        );
    if plate.rating_fields > 25 { text + ",00" } else { text }
}

/// FWS: the fault's code and 16 flags, on captured units 17.
fn faults(view: &View<'_>) -> String {
    let flags = WARNINGS.map(|number| on(view.reading.warnings.contains(&number))).join(",");
    let text = format!("{:02},{flags}", view.reading.fault);
    if view.model.warnings > 16 { text + ",0" } else { text }
}

/// DI: the factory's settings in the order of the document.
fn defaults(view: &View<'_>) -> String {
    let factory = Eeprom::factory(view.model);
    let orders = &factory.orders;
    let tenths = |value: f64| value * 10.0;
    let text = format!(
        "{:04.0},{:03.0},{},{:03.0},{:03.0},{:03.0},{:03.0},{:03.0},{:03.0},{:03.0}",
        tenths(view.plate.ac_v),
        tenths(view.plate.ac_hz),
        factory.input_range,
        tenths(orders.cutoff_v),
        tenths(orders.float_v),
        tenths(orders.bulk_v),
        tenths(orders.recharge_v),
        tenths(orders.redischarge_v),
        orders.charge_max_a,
        orders.grid_charge_max_a,
    );
    let text = text
        + &format!(
            ",{},{},{},{},{},{}",
            factory.battery_type,
            output_code(orders.output),
            charger_code(orders.charger),
            u8::from(orders.solar == SolarPriority::LoadFirst),
            0,
            factory.output_mode,
        );
    text + "," + &FLAGS.map(|letter| on(factory.flags.contains(&letter))).join(",")
}

/// `PRIn`: a unit of the set as it is set.
fn unit_rating(number: u8, view: &View<'_>) -> String {
    let (plate, orders) = (view.plate, &view.eeprom.orders);
    if number >= plate.units {
        return format!("0,00,{:020},0,000,000,0", 0);
    }
    let serial = plate.serial_of(number);
    let long = if number == 0 { plate.serial_long.clone() } else { format!("{serial:0<20.20}") };
    format!(
        "1,{:02},{long},{},{:03.0},{:03.0},{}",
        serial.len(),
        charger_code(orders.charger),
        orders.charge_max_a,
        orders.grid_charge_max_a,
        view.eeprom.output_mode,
    )
}

/// `PGSn`: a unit of the set as it is.
fn unit_general(number: u8, view: &View<'_>) -> String {
    let plate = view.plate;
    if number >= plate.units {
        return "0,1,00,0000,000,0000,000,0000,0000,00000,00000,000,000,000,000,000,000,000,0000,0000,0000,0000,\
                0,0,0,0,0,0,000"
            .to_owned();
    }
    let own;
    let reading = if number == 0 {
        view.reading
    } else {
        own = Reading::of(view.truth, (view.model, plate), view.eeprom, view.switches, number);
        &own
    };
    let [one, two, _] = reading.trackers;
    let [charge_a, va, watts, pct] = reading.set;
    let tenths = |value: f64| value * 10.0;
    let [mppt_1, mppt_2] = reading.mppt;
    let text = format!(
        "1,{},{:02},{:04.0},{:03.0},{:04.0},{:03.0},{:04.0},{:04.0},{va:05.0},{watts:05.0},{:03.0},{pct:03.0}",
        reading.mode.number(),
        reading.fault,
        tenths(reading.grid_v),
        tenths(reading.grid_hz),
        tenths(reading.out_v),
        tenths(reading.out_hz),
        reading.load_va,
        reading.load_w,
        reading.load_pct,
    );
    text + &format!(
        ",{:03.0},{:03.0},{:03.0},{charge_a:03.0},{:03.0},{:04.0},{:04.0},{:04.0},{:04.0},{mppt_1},{mppt_2},{},{},{},{},{:03.0}",
        tenths(reading.battery_v),
        reading.discharge_a,
        reading.charge_a,
        reading.capacity_pct,
        one.watts,
        two.watts,
        tenths(one.volts),
        tenths(two.volts),
        u8::from(reading.load_on),
        reading.battery_flow,
        reading.converter_flow,
        reading.line_flow,
        reading.heat,
    )
}
