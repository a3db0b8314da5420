//! Reads a unit's state back from what it once said, field by field.

use crate::common::Bench;
use jiff::civil::date;
use ohmstead_plant::house::{ChargerPriority, OutputPriority, SolarPriority};
use ohmstead_plant::voltronic::{Energy, Mode, Reading, Tracker};

/// Puts the unit in the state that an answer tells.
pub(crate) fn put(bench: &mut Bench, command: &str, f: &[&str]) {
    let mut reading = bench.unit().reading();
    reading.warnings.clear();
    match command {
        "QPIGS" | "QPIGS2" | "QPIRI" | "QPIWS" | "QMOD" | "QFLAG" | "QPGS0" | "QBEQI" | "QOPPT" | "QCHPT"
        | "QBMS" => {
            put_30(bench, &mut reading, command, f);
        }
        "GS" | "PGS0" | "PRI0" | "PIRI" | "MOD" | "FWS" | "GPMP" | "MD" => {
            put_caret(bench, &mut reading, command, f);
        }
        "FLAG" if f.len() == 9 => put_caret(bench, &mut reading, command, f),
        "QPI" | "PI" | "DM" | "FLAG" | "QDI" | "QLED" | "F50" | "POP02" => {}
        _ => put_plate(bench, command, f[0], f),
    }
    bench.unit().pin(reading);
}

/// PI30 and its relatives: what is measured and set.
fn put_30(bench: &mut Bench, reading: &mut Reading, command: &str, f: &[&str]) {
    let first = f[0];
    match command {
        "QPIGS" => {
            general(reading, f);
            if f.len() == 21 && bench.unit().profile().name() == "pi30-max" {
                bench.switch("fields=21");
            }
        }
        "QPIGS2" => {
            reading.trackers[1] =
                Tracker { amps: number(f[0]), volts: number(f[1]), watts: number(f[2]), charge_a: 0.0 };
        }
        "QPIRI" => rating(bench, f),
        "QPIWS" => reading.warnings = first.match_indices('1').map(|(at, _)| at).collect(),
        "QMOD" => reading.mode = Mode::of_letter(first.chars().next().unwrap()),
        "QFLAG" => letters(bench, first),
        // The echo of a stranger.
        "QPGS0" if f.len() == 1 => {}
        "QPGS0" => {
            bench.switch(if first == "0" { "bare-exist" } else { "bare-exist=off" });
            parallel(bench, reading, f);
        }
        "QBEQI" => {
            let settings = &mut bench.unit().eeprom.equalisation;
            settings.enabled = first == "1";
            (settings.minutes, settings.period_days, settings.current_max_a) =
                (small(f[1]), small(f[2]), small(f[3]));
            (settings.volts, settings.give_up_minutes) = (number(f[5]), small(f[7]));
            (settings.active, settings.elapsed_h) = (f[8] == "1", small(f[9]));
        }
        "QOPPT" => bench.unit().eeprom.orders.output = output(first),
        "QCHPT" => bench.unit().eeprom.orders.charger = charger(first),
        _ => bank(bench, f),
    }
}

/// PI18 and PI17 likewise.
fn put_caret(bench: &mut Bench, reading: &mut Reading, command: &str, f: &[&str]) {
    match command {
        "GS" => general_18(reading, f),
        "PGS0" => unit_18(reading, f),
        "PRI0" => {
            f[2][..14].clone_into(&mut bench.unit().nameplate.serial);
            f[2].clone_into(&mut bench.unit().nameplate.serial_long);
            let eeprom = &mut bench.unit().eeprom;
            eeprom.orders.charger = ChargerPriority::SolarOnly;
            (eeprom.orders.charge_max_a, eeprom.orders.grid_charge_max_a) = (number(f[4]), number(f[5]));
            eeprom.output_mode = small(f[6]);
        }
        "PIRI" if f.len() == 26 => rating_18(bench, f),
        "PIRI" => {
            let plate = &mut bench.unit().nameplate;
            (plate.ac_v, plate.ac_hz, plate.rated_a, plate.battery_v) =
                (tenth(f[0]), tenth(f[1]), tenth(f[2]) * 3.0, tenth(f[6]));
        }
        "MOD" => {
            reading.mode = match f[0] {
                "03" => Mode::Battery,
                "05" => Mode::Line,
                other => panic!("mode {other}"),
            };
        }
        "FLAG" => {
            let names = ['a', 'b', 'k', 'u', 'v', 'x', 'y', 'z'];
            bench.unit().eeprom.flags =
                names.into_iter().zip(f).filter(|(_, on)| **on == "1").map(|(c, _)| c).collect();
        }
        // The ninth flag is the EEPROM's, number 17 in QPIWS.
        "FWS" => reading.warnings = if f[9] == "1" { vec![17] } else { Vec::new() },
        "GPMP" => bench.unit().eeprom.feed_in_max_w = small(f[0]),
        _ => bench.unit().nameplate.rated_va = number(f[1]),
    }
}

/// Numbers, names, lists, energies and the time.
fn put_plate(bench: &mut Bench, command: &str, first: &str, f: &[&str]) {
    let plate = &mut bench.unit().nameplate;
    match command {
        "QID" => first.clone_into(&mut plate.serial),
        "QSID" => {
            let (length, digits) = first.split_at(2);
            plate.serial_digits = length.parse().unwrap();
            digits[..plate.serial_digits].clone_into(&mut plate.serial);
            digits.clone_into(&mut plate.serial_long);
        }
        "ID" => {
            plate.serial_digits = first[..2].parse().unwrap();
            first[2..16].clone_into(&mut plate.serial);
            first[2..].clone_into(&mut plate.serial_long);
        }
        "QVFW" | "VFW" => first[6..].clone_into(&mut plate.firmware),
        "VFW2" => first[7..].clone_into(&mut plate.firmware_2),
        "QMN" => first.clone_into(&mut plate.model_name),
        "QGMN" => first.clone_into(&mut plate.model_number),
        "QMCHGCR" | "MCHGCR" => plate.charge_currents = f.iter().map(|amps| small(amps)).collect(),
        "QMUCHGCR" => plate.grid_currents = f.iter().map(|amps| small(amps)).collect(),
        "QET" | "ET" => book(bench, number(first), date(2020, 1, 1)),
        "EY2021" | "ED20210701" => book(bench, number(first), date(2021, 7, 1)),
        // The unit's clock is the house's until somebody sets it.
        "QT" => assert_eq!(bench.ask(&format!("DAT{}", &first[2..])), "(ACK"),
        "T" => assert_eq!(bench.ask_18("S", &format!("DAT{}", &first[2..])), "^1"),
        other => panic!("no way is known to put a unit in the state of {other}"),
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// A number that was sent in tenths.
fn tenth(text: &str) -> f64 {
    number(text) / 10.0
}

fn small<T: TryFrom<u32>>(text: &str) -> T {
    T::try_from(text.parse::<u32>().unwrap()).ok().unwrap()
}

/// Makes the unit measure what a QPIGS says.
fn general(reading: &mut Reading, f: &[&str]) {
    (reading.grid_v, reading.grid_hz, reading.out_v, reading.out_hz) =
        (number(f[0]), number(f[1]), number(f[2]), number(f[3]));
    (reading.load_va, reading.load_w, reading.load_pct, reading.bus_v) =
        (number(f[4]), number(f[5]), number(f[6]), number(f[7]));
    (reading.battery_v, reading.charge_a, reading.capacity_pct, reading.heat) =
        (number(f[8]), number(f[9]), number(f[10]), number(f[11]));
    let watts = f.get(19).map_or(0.0, |watts| number(watts));
    let amps = number(f[12]);
    reading.trackers[0] = Tracker { volts: number(f[13]), amps, watts, charge_a: amps };
    reading.scc_v = number(f[14]);
    (reading.discharge_a, reading.day_wh) = (number(f[15]), number(f[15]));
    reading.status = u8::from_str_radix(f[16], 2).unwrap();
    if f.len() > 17 {
        reading.fields_17_18 = (small(f[17]), small(f[18]));
        reading.status_2 = u8::from_str_radix(f[20], 2).unwrap();
    }
}

/// Sets what a QPIRI says.
fn rating(bench: &mut Bench, f: &[&str]) {
    let unit = bench.unit();
    let (plate, eeprom) = (&mut unit.nameplate, &mut unit.eeprom);
    (plate.ac_v, plate.rated_a, plate.rated_va, plate.rated_w, plate.battery_v) =
        (number(f[0]), number(f[1]), number(f[5]), number(f[6]), number(f[7]));
    eeprom.output = (number(f[2]), number(f[3]));
    let orders = &mut eeprom.orders;
    (orders.recharge_v, orders.cutoff_v, orders.bulk_v, orders.float_v) =
        (number(f[8]), number(f[9]), number(f[10]), number(f[11]));
    (orders.grid_charge_max_a, orders.charge_max_a) = (number(f[13]), number(f[14]));
    orders.output = output(f[16]);
    orders.charger = charger(f[17]);
    orders.redischarge_v = number(f[22]);
    (eeprom.battery_type, eeprom.input_range) = (small(f[12]), small(f[15]));
    (eeprom.output_mode, eeprom.pv_ok, eeprom.pv_balance) = (small(f[21]), small(f[23]), small(f[24]));
    plate.current_digits = (f[13].len(), f[14].len());
    plate.parallel_max = f[18].chars().next().unwrap();
    (plate.machine_type, plate.topology) = (small(f[19]), small(f[20]));
    plate.rating_fields = f.len();
    if let Some(minutes) = f.get(25) {
        (eeprom.cv_minutes, plate.cv_digits) = (small(minutes), minutes.len());
    }
    eeprom.logic = f.get(26).map_or(0, |logic| small(logic));
    eeprom.discharge_max_a = f.get(27).map_or(0, |amps| small(amps));
}

fn output(code: &str) -> OutputPriority {
    [OutputPriority::UtilityFirst, OutputPriority::SolarFirst, OutputPriority::SolarBatteryUtility]
        [code.parse::<usize>().unwrap()]
}

fn charger(code: &str) -> ChargerPriority {
    [
        ChargerPriority::UtilityFirst,
        ChargerPriority::SolarFirst,
        ChargerPriority::SolarAndUtility,
        ChargerPriority::SolarOnly,
    ][code.parse::<usize>().unwrap()]
}

/// A QPGS0: one unit and the totals.
fn parallel(bench: &mut Bench, reading: &mut Reading, f: &[&str]) {
    let unit = bench.unit();
    f[1].clone_into(&mut unit.nameplate.serial);
    reading.mode = Mode::of_letter(f[2].chars().next().unwrap());
    reading.fault = small(f[3]);
    (reading.grid_v, reading.grid_hz, reading.out_v, reading.out_hz) =
        (number(f[4]), number(f[5]), number(f[6]), number(f[7]));
    (reading.load_va, reading.load_w, reading.load_pct) = (number(f[8]), number(f[9]), number(f[10]));
    (reading.battery_v, reading.charge_a, reading.capacity_pct) =
        (number(f[11]), number(f[12]), number(f[13]));
    reading.set = [number(f[15]), number(f[16]), number(f[17]), number(f[18])];
    let bits = u8::from_str_radix(f[19], 2).unwrap();
    reading.load_on = bits & 2 != 0;
    let two = f.len() == 29;
    // b7 well, b6 by the grid, b5 by the panels; on the LV5048 these are QPIGS's own bits.
    let pi41 = unit.profile().name() == "pi41";
    reading.status = if pi41 { bits } else { bits >> 6 & 1 | bits >> 4 & 0b10 };
    let amps = number(f[25]);
    let watts = if bits & 0x80 == 0 { 0.0 } else { 1.0 };
    reading.trackers[0] = Tracker { volts: number(f[14]), amps, watts, charge_a: amps };
    reading.discharge_a = number(f[26]);
    if two {
        reading.trackers[1] = Tracker { volts: number(f[27]), amps: number(f[28]), ..Tracker::default() };
    }
    let eeprom = &mut unit.eeprom;
    // A split-phase unit in a set says 6 for 1.
    eeprom.output_mode = if pi41 { u8::from(f[20] == "6") } else { small(f[20]) };
    eeprom.orders.charger = charger(f[21]);
    (eeprom.orders.charge_max_a, eeprom.orders.grid_charge_max_a) = (number(f[22]), number(f[24]));
    unit.nameplate.charge_currents = vec![small(f[23])];
}

/// The GS of PI18.
fn general_18(reading: &mut Reading, f: &[&str]) {
    (reading.grid_v, reading.grid_hz, reading.out_v, reading.out_hz) =
        (tenth(f[0]), tenth(f[1]), tenth(f[2]), tenth(f[3]));
    (reading.load_va, reading.load_w, reading.load_pct, reading.battery_v) =
        (number(f[4]), number(f[5]), number(f[6]), tenth(f[7]));
    (reading.discharge_a, reading.charge_a, reading.capacity_pct, reading.heat) =
        (number(f[10]), number(f[11]), number(f[12]), number(f[13]));
    for (index, tracker) in reading.trackers.iter_mut().take(2).enumerate() {
        (tracker.watts, tracker.volts) = (number(f[16 + index]), tenth(f[18 + index]));
    }
    flows_18(reading, &f[21..]);
    reading.parallel_id = small(f[27]);
}

fn flows_18(reading: &mut Reading, f: &[&str]) {
    reading.mppt = [small(f[0]), small(f[1])];
    reading.load_on = f[2] == "1";
    (reading.battery_flow, reading.converter_flow, reading.line_flow) =
        (small(f[3]), small(f[4]), small(f[5]));
}

/// The PGS0 of PI18.
fn unit_18(reading: &mut Reading, f: &[&str]) {
    reading.mode = if f[1] == "5" { Mode::Line } else { Mode::Battery };
    (reading.grid_v, reading.grid_hz, reading.out_v, reading.out_hz) =
        (tenth(f[3]), tenth(f[4]), tenth(f[5]), tenth(f[6]));
    (reading.load_va, reading.load_w, reading.load_pct) = (number(f[7]), number(f[8]), number(f[11]));
    reading.set = [number(f[16]), number(f[9]), number(f[10]), number(f[12])];
    (reading.battery_v, reading.discharge_a, reading.charge_a, reading.capacity_pct) =
        (tenth(f[13]), number(f[14]), number(f[15]), number(f[17]));
    for (index, tracker) in reading.trackers.iter_mut().take(2).enumerate() {
        (tracker.watts, tracker.volts) = (number(f[18 + index]), tenth(f[20 + index]));
    }
    flows_18(reading, &f[22..]);
    reading.heat = number(f[28]);
}

/// The PIRI of PI18.
fn rating_18(bench: &mut Bench, f: &[&str]) {
    let unit = bench.unit();
    let (plate, eeprom) = (&mut unit.nameplate, &mut unit.eeprom);
    (plate.ac_v, plate.rated_a, plate.rated_va, plate.rated_w, plate.battery_v) =
        (tenth(f[0]), tenth(f[1]), number(f[5]), number(f[6]), tenth(f[7]));
    eeprom.output = (tenth(f[2]), tenth(f[3]));
    let orders = &mut eeprom.orders;
    (orders.recharge_v, orders.redischarge_v, orders.cutoff_v) = (tenth(f[8]), tenth(f[9]), tenth(f[10]));
    (orders.bulk_v, orders.float_v) = (tenth(f[11]), tenth(f[12]));
    (orders.grid_charge_max_a, orders.charge_max_a) = (number(f[14]), number(f[15]));
    orders.output =
        if f[17] == "1" { OutputPriority::SolarBatteryUtility } else { OutputPriority::SolarFirst };
    orders.charger =
        [ChargerPriority::SolarFirst, ChargerPriority::SolarAndUtility, ChargerPriority::SolarOnly]
            [f[18].parse::<usize>().unwrap()];
    (eeprom.battery_type, eeprom.input_range) = (small(f[13]), small(f[16]));
    plate.parallel_max = f[19].chars().next().unwrap();
    orders.feed_in = f[20] == "1";
    plate.topology = small(f[21]);
    eeprom.output_mode = small(f[22]);
    orders.solar = if f[23] == "1" { SolarPriority::LoadFirst } else { SolarPriority::BatteryFirst };
}

/// QBMS: a full lithium bank.
fn bank(bench: &mut Bench, f: &[&str]) {
    let stage = bench.site.inverter_stage("a").unwrap();
    bench.site.house_mut().inverter_mut(stage).set_soc_pct(number(f[1]));
    let eeprom = &mut bench.unit().eeprom;
    eeprom.battery_type = 3;
    eeprom.discharge_max_a = small(f[9]);
    let orders = &mut eeprom.orders;
    (orders.bulk_v, orders.float_v, orders.cutoff_v) = (tenth(f[5]), tenth(f[6]), tenth(f[7]));
    // Nothing may be charged.
    orders.charger = ChargerPriority::SolarOnly;
    bench.wait(1_000);
}

fn letters(bench: &mut Bench, text: &str) {
    let (on, off) = text.trim_start_matches('E').split_once('D').unwrap();
    let unit = bench.unit();
    unit.eeprom.flags = on.chars().collect();
    unit.nameplate.flag_letters = format!("{on}{off}");
}

fn book(bench: &mut Bench, pv_wh: f64, day: jiff::civil::Date) {
    bench.unit().ledger.book(day, Energy { pv_wh, load_wh: 0.0 });
}
