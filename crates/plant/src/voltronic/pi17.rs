//! PI17, the three-phase units: commands without a check, `^P003GS`, the digits counting what follows them with the CR;
//! answers with one. Energy questions carry the sum of their bytes as three digits. The battery's current is signed.

use super::{
    reading::Reading,
    reply::{Effect, Reply, View},
};

/// The warnings of WS, each with its number in PI30's QPIWS; `None` = never set here.
const WARNINGS: [Option<usize>; 22] = [
    Some(0),
    None,
    Some(26),
    None,
    Some(14),
    Some(12),
    Some(22),
    Some(11),
    None,
    None,
    Some(5),
    None,
    None,
    None,
    Some(5),
    None,
    None,
    None,
    Some(9),
    Some(16),
    None,
    None,
];

/// The command inside a frame. What is no PI17 at all gets no answer.
pub(crate) fn command(frame: &[u8]) -> Result<String, Reply> {
    let (head, rest) = frame.split_at_checked(5).ok_or(Reply::Silence)?;
    let shaped = head[0] == b'^' && matches!(head[1], b'P' | b'S');
    if !shaped {
        return Err(Reply::Silence);
    }
    let length: Option<usize> = std::str::from_utf8(&head[2..]).ok().and_then(|digits| digits.parse().ok());
    if length != Some(rest.len() + 1) || rest.is_empty() || !rest.iter().all(u8::is_ascii_graphic) {
        return Err(Reply::Nak);
    }
    let text = String::from_utf8_lossy(rest).into_owned();
    let asks = head[1] == b'P';
    match dated(&text).filter(|_| asks) {
        // The sum counts `^P014` too.
        Some(digits) if !sum_fits(frame, digits) => Err(Reply::Nak),
        _ => Ok(text),
    }
}

/// Length of the date in an energy question.
fn dated(text: &str) -> Option<usize> {
    match text.get(..2)? {
        "EY" => Some(4),
        "EM" => Some(6),
        "ED" => Some(8),
        "EH" => Some(10),
        _ => None,
    }
}

/// The sum of all bytes before it, modulo 256, as three digits.
fn sum_fits(frame: &[u8], date_digits: usize) -> bool {
    let Some((text, sum)) = frame.split_at_checked(5 + 2 + date_digits) else { return false };
    let expected = text.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    sum == format!("{expected:03}").as_bytes()
}

/// The answer to a question.
pub(crate) fn query(text: &str, view: &View<'_>) -> Reply {
    payload(text, view).map_or(Reply::Nak, Reply::Data)
}

fn payload(text: &str, view: &View<'_>) -> Option<String> {
    let (plate, reading) = (view.plate, view.reading);
    Some(match text {
        "PI" => "17".to_owned(),
        "ID" => format!("{:02}{}", plate.serial_digits, plate.serial_long),
        "VFW" => format!("VERFW:{}", plate.firmware),
        "VFW2" => format!("VERFW2:{}", plate.firmware_2),
        "MD" => format!(
            "{},{:06.0},99,3,3,{ac:04.0},{ac:04.0},04,120",
            plate.model_number,
            plate.rated_va,
            ac = plate.ac_v * 10.0
        ),
        "DM" => "050".to_owned(),
        "PIRI" => format!(
            "{ac:04.0},{:03.0},{amps:04.0},{ac:04.0},{amps:04.0},0187,{:04.0},2,10,{},1",
            plate.ac_hz * 10.0,
            plate.battery_v * 10.0,
            plate.topology,
            ac = plate.ac_v * 10.0,
            amps = plate.rated_a / 3.0 * 10.0,
        ),
        "GS" => general(view),
        "PS" => powers(view),
        "MOD" => format!("{:02}", reading.mode.number()),
        "WS" => warnings(reading),
        "FLAG" => "0,0,1,0,1".to_owned(),
        "T" => view.time.clone(),
        "BATS" => bank(view),
        "HECS" => flows(view),
        "GPMP" => format!("{:05}", view.eeprom.feed_in_max_w),
        "OPMP" => format!("{:05.0}", plate.rated_w),
        "ET" => format!("{:08.0}", (view.ledger.total.pv_wh / 1_000.0).floor()),
        _ => return energy(text, view),
    })
}

/// kWh of a year (8 digits) and a month (7), Wh of a day (6) and an hour (5, not counted here).
fn energy(text: &str, view: &View<'_>) -> Option<String> {
    let length = dated(text)?;
    let date = text.get(2..2 + length)?;
    if length == 10 {
        return Some("00000".to_owned());
    }
    let wh = view.ledger.of_digits(date)?.pv_wh;
    Some(match length {
        4 => format!("{:08.0}", (wh / 1_000.0).floor()),
        6 => format!("{:07.0}", (wh / 1_000.0).floor()),
        _ => format!("{:06.0}", wh.floor()),
    })
}

/// GS: 25 fields, three phases; amperes of the output are left empty.
fn general(view: &View<'_>) -> String {
    let reading = view.reading;
    let [one, two, _] = reading.trackers;
    let volts = |value: f64| format!("{:04.0}", value * 10.0);
    let hertz = |value: f64| format!("{:04.0}", value * 100.0);
    // Charging is positive here.
    let battery_a = (reading.charge_a - reading.discharge_a) * 10.0;
    let grid_a = if reading.grid_v > 0.0 { view.truth.grid_in_w.abs() / 3.0 / reading.grid_v } else { 0.0 };
    let fields = [
        volts(one.volts),
        volts(two.volts),
        volts(one.amps),
        volts(two.amps),
        volts(reading.battery_v),
        format!("{:03.0}", reading.capacity_pct),
        format!("{battery_a:+06.0}"),
        [volts(reading.grid_v), volts(reading.grid_v), volts(reading.grid_v)].join(","),
        hertz(reading.grid_hz),
        [volts(grid_a), volts(grid_a), volts(grid_a)].join(","),
        [volts(reading.out_v), volts(reading.out_v), volts(reading.out_v)].join(","),
        hertz(reading.out_hz),
        ",,".to_owned(),
        format!("{heat:03.0},{heat:03.0},000", heat = reading.heat),
        u8::from(view.config_changed).to_string(),
    ];
    fields.join(",")
}

/// PS: the powers, W; the load is spread evenly over the phases.
fn powers(view: &View<'_>) -> String {
    let reading = view.reading;
    let [one, two, _] = reading.trackers;
    let battery_w = (reading.charge_a - reading.discharge_a) * reading.battery_v;
    let grid_w = view.truth.grid_in_w;
    let third = |value: f64| vec![format!("{:05.0}", value / 3.0); 3].join(",");
    format!(
        "{:05.0},{:05.0},{battery_w:+06.0},{},{grid_w:+06.0},{},{:05.0},{},{:05.0},{:03.0},{},{},{},{},{},{}",
        one.watts,
        two.watts,
        vec![format!("{:+06.0}", grid_w / 3.0); 3].join(","),
        third(reading.load_w),
        reading.load_w,
        third(reading.load_va),
        reading.load_va,
        reading.load_pct,
        u8::from(reading.load_on),
        u8::from(one.watts > 5.0),
        u8::from(two.watts > 5.0),
        reading.battery_flow,
        reading.converter_flow,
        reading.line_flow,
    )
}

/// WS: 22 flags and an empty field.
fn warnings(reading: &Reading) -> String {
    let set = |number: Option<usize>| number.is_some_and(|number| reading.warnings.contains(&number));
    WARNINGS.map(|number| if set(number) { "1," } else { "0," }).concat()
}

/// BATS: the bank's settings, tenths.
fn bank(view: &View<'_>) -> String {
    let (eeprom, orders) = (view.eeprom, &view.eeprom.orders);
    let tenths = |value: f64| format!("{:04.0}", value * 10.0);
    let fields = [
        tenths(orders.charge_max_a),
        tenths(orders.bulk_v),
        tenths(orders.float_v),
        "0000".to_owned(),
        "060".to_owned(),
        tenths(orders.float_v - 1.0),
        tenths(orders.cutoff_v),
        tenths(orders.cutoff_v + 2.0),
        tenths(orders.recharge_v),
        tenths(orders.redischarge_v),
        u8::from(eeprom.battery_type >= 3).to_string(),
        ",".to_owned(),
        "0".to_owned(),
        tenths(view.plate.battery_v),
        "000".to_owned(),
        tenths(orders.grid_charge_max_a),
        "0175".to_owned(),
    ];
    fields.join(",")
}

/// HECS: what the sun is for, then the switches A to H: charge by sun, charge by grid, feed in, discharge by day, by night.
fn flows(view: &View<'_>) -> String {
    let orders = &view.eeprom.orders;
    let by_grid = orders.charger != crate::house::ChargerPriority::SolarOnly;
    let by_cells = orders.output == crate::house::OutputPriority::SolarBatteryUtility;
    let bit = u8::from;
    format!(
        "{:02},1,{},{},{},{},0,0,0",
        u8::from(orders.solar == crate::house::SolarPriority::LoadFirst),
        bit(by_grid),
        bit(orders.feed_in),
        bit(by_cells),
        bit(by_cells),
    )
}

/// Few setters: largest power fed in, and the switches of HECS for charging by the grid and for feeding in.
pub(crate) fn set(text: &str, view: &View<'_>) -> Option<Effect> {
    let mut eeprom = view.eeprom.clone();
    if let Some(digits) = text.strip_prefix("GPMP") {
        let watts: u32 = digits.parse().ok().filter(|_| digits.len() == 6)?;
        eeprom.feed_in_max_w = Some(watts).filter(|watts| f64::from(*watts) <= view.plate.rated_w)?;
        return Some(Effect::Settings(Box::new(eeprom)));
    }
    let on = match text.strip_prefix("ED")?.as_bytes() {
        [_, b'1'] => true,
        [_, b'0'] => false,
        _ => return None,
    };
    match text.as_bytes().get(2)? {
        b'B' if on => eeprom.orders.charger = crate::house::ChargerPriority::SolarAndUtility,
        b'B' => eeprom.orders.charger = crate::house::ChargerPriority::SolarOnly,
        b'C' => eeprom.orders.feed_in = on,
        _ => return None,
    }
    Some(Effect::Settings(Box::new(eeprom)))
}
