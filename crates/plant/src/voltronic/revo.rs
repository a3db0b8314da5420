//! The REVO: PI30 by name. QPIGS and QPIRI mean other things, and three commands have a one-byte sum and LF in place of
//! CRC and CR. The one command that writes, PSET, writes everything at once; nobody should send it, and nobody is obeyed.

use super::{
    pi30,
    reading::Mode,
    reply::{Reply, View},
};

/// The answer to a question.
pub(crate) fn query(text: &str, summed: bool, view: &View<'_>) -> Reply {
    let own = match text {
        "QPIRI" => Some(rating(view)),
        "QLITH0" => Some(bank(view)),
        "QALL" => Some(all(view)),
        "PQSE" => Some(settings(view)),
        _ => None,
    };
    match (own, text) {
        (Some(payload), _) if summed => Reply::Summed(payload),
        (Some(payload), _) => Reply::Data(payload),
        (None, "QPI" | "QPIGS" | "QMOD" | "QPIWS" | "QID" | "QVFW") => pi30::query(text, view),
        _ => Reply::Nak,
    }
}

/// Field 8 is the low-voltage alarm, 9 the cut-off, 13 the charge current; the others from there on are reserved.
fn rating(view: &View<'_>) -> String {
    let (plate, orders) = (view.plate, &view.eeprom.orders);
    format!(
        "{:05.1} {amps:04.1} {:05.1} {:04.1} {amps:04.1} {:04.0} {:04.0} {:04.1} {:04.1} {:04.1} {:04.1} {:04.1} {} \
         {:02.0} 000 0 0 0 {} 01 0 0 00.0 0 1",
        plate.ac_v,
        view.eeprom.output.0,
        view.eeprom.output.1,
        plate.rated_va,
        plate.rated_w,
        plate.battery_v,
        orders.cutoff_v + 2.0,
        orders.cutoff_v,
        orders.bulk_v,
        orders.float_v,
        view.eeprom.battery_type,
        orders.charge_max_a,
        plate.parallel_max,
        amps = plate.rated_a,
    )
}

/// QLITH0: what the bank's BMS says.
fn bank(view: &View<'_>) -> String {
    let (reading, orders) = (view.reading, &view.eeprom.orders);
    format!(
        "{:05.1} {:05.1} {:05.1} {:03.0} {:03.0} 000 {:05.1} {:05.1} {:05.1} {:05.1} 0 0",
        reading.battery_v,
        reading.charge_a,
        reading.discharge_a,
        reading.cells_c * 10.0,
        view.truth.soc_pct,
        orders.charge_max_a,
        100.0,
        orders.bulk_v,
        orders.cutoff_v,
    )
}

/// QALL: eighteen fields, integers mostly.
fn all(view: &View<'_>) -> String {
    let reading = view.reading;
    let sun = reading.trackers[0];
    let letter = match reading.mode {
        Mode::Other(_) => 'S',
        mode => mode.letter(),
    };
    format!(
        "{:03.0} {:04.1} {:03.0} {:04.1} {:04.0} {:03.0} {:04.1} {:03.0} {:03.0} {:03.0} {:03.0} {:04.1} {:04.0} {:06.0} \
         {:06.0} {letter} 00 {:02}",
        reading.grid_v,
        reading.grid_hz,
        reading.out_v,
        reading.out_hz,
        reading.load_w,
        reading.load_pct,
        reading.battery_v,
        reading.capacity_pct,
        reading.charge_a,
        reading.discharge_a,
        sun.volts,
        sun.amps,
        sun.watts,
        reading.day_wh,
        view.ledger.total.pv_wh / 1_000.0,
        reading.fault,
    )
}

/// PQSE: language, work mode, range, voltage, frequency and battery type as one run of digits, then what is set.
fn settings(view: &View<'_>) -> String {
    let orders = &view.eeprom.orders;
    let time = &view.time;
    format!(
        "0{}{}10{} {:04.1} {:04.1} {:04.1} {:04.1} {:03.0} {:03.0} {} {} {} {} {} 01000 {:04.1}",
        match orders.output {
            crate::house::OutputPriority::UtilityFirst => 0,
            crate::house::OutputPriority::SolarFirst => 1,
            crate::house::OutputPriority::SolarBatteryUtility => 2,
        },
        view.eeprom.input_range,
        view.eeprom.battery_type,
        orders.bulk_v,
        orders.float_v,
        orders.cutoff_v + 2.0,
        orders.cutoff_v,
        orders.charge_max_a,
        orders.grid_charge_max_a,
        &time[..4],
        &time[4..6],
        &time[6..8],
        &time[8..10],
        &time[10..12],
        orders.redischarge_v,
    )
}
