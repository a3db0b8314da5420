//! QPIGS, QPIGS2, QPIWS and Q1: what is measured.

use crate::voltronic::{
    profile::{Family, Field12},
    reply::View,
};

/// QPIGS: 17, 21 or 24 fields.
pub(super) fn general(view: &View<'_>) -> String {
    let (reading, watts) = (view.reading, view.watt_digits());
    let first = reading.trackers[0];
    let field_12 = match view.model.field12 {
        Field12::BatteryAmps => format!("{:04.0}", first.charge_a),
        Field12::PanelAmps => format!("{:04.0}", first.amps),
        Field12::PanelTenths => format!("{:04.1}", first.amps),
        Field12::Watts => format!("{:04.0}", first.watts),
    };
    let field_15 = if view.model.family == Family::Revo { reading.day_wh } else { reading.discharge_a };
    let text = format!(
        "{:05.1} {:04.1} {:05.1} {:04.1} {:0watts$.0} {:0watts$.0} {:03.0} {:03.0} {:05.2} {:03.0} {:03.0} {:04.0}",
        reading.grid_v,
        reading.grid_hz,
        reading.out_v,
        reading.out_hz,
        reading.load_va,
        reading.load_w,
        reading.load_pct,
        reading.bus_v,
        reading.battery_v,
        reading.charge_a,
        reading.capacity_pct,
        reading.heat,
    );
    let text = text
        + &format!(
            " {field_12} {:05.1} {:05.2} {field_15:05.0} {:08b}",
            first.volts,
            reading.scc_v,
            status_bits(view),
        );
    let fields = view.switches.fields.filter(|fields| *fields < 30).unwrap_or(view.model.gs_fields);
    let (offset, version) = reading.fields_17_18;
    let from_17 = format!(" {offset:02} {version:02} {:05.0} {:03b}", first.watts, reading.status_2);
    let from_21 = format!(" {} 00 {:04.0}", u8::from(view.eeprom.orders.feed_in), reading.feed_in_w);
    match fields {
        ..=17 => text,
        18..=21 => text + &from_17,
        _ => text + &from_17 + &from_21,
    }
}

/// b7..b0: "configuration changed" is b6, on the LV5048 b0.
pub(super) fn status_bits(view: &View<'_>) -> u8 {
    let changed = u8::from(view.config_changed);
    view.reading.status | if view.model.family == Family::Pi41 { changed } else { changed << 6 }
}

/// QPIGS2: the second tracker, with a blank before the check; on the LV5048 the second leg.
pub(super) fn second(view: &View<'_>) -> String {
    let (reading, second) = (view.reading, view.reading.trackers[1]);
    if view.model.family != Family::Pi41 {
        return format!("{:04.1} {:05.1} {:05.0} ", second.amps, second.volts, second.watts);
    }
    let leg = reading.leg_2;
    // Its bits: b6 charger on, b5 by the grid, b4 by the panels, b2 line lost, b1 load on.
    let bits = reading.status >> 1 & 0b111_0000 | reading.status & 0b110;
    format!(
        "{:05.1} {:04.1} {:05.1} {:04.1} {:04.0} {:04.0} {:03.0} {:04.0} {:05.1} {:05.2} {bits:07b}",
        leg.grid_v,
        reading.grid_hz,
        leg.out_v,
        reading.out_hz,
        leg.va,
        leg.watts,
        leg.pct,
        second.charge_a,
        second.volts,
        reading.battery_v,
    )
}

/// QPIWS: a flag each; where the document has it, the fault's code as two digits.
pub(super) fn warnings(view: &View<'_>) -> String {
    let count = view.switches.flags.filter(|count| *count > 30).unwrap_or(view.model.warnings);
    let mut flags = vec!['0'; count];
    for number in &view.reading.warnings {
        if let Some(flag) = flags.get_mut(*number) {
            *flag = '1';
        }
    }
    // GK/MK: a31 a32; the 48 V units of the MAX: a32 a33.
    let digits_at = if view.model.modes.contains('C') { 31 } else { 32 };
    if count == 36 && view.reading.fault > 0 {
        let digits: Vec<char> = format!("{:02}", view.reading.fault).chars().collect();
        flags[digits_at..digits_at + 2].copy_from_slice(&digits);
    }
    flags.into_iter().collect()
}

/// Q1, which no document has: temperatures of the parts, power of the solar charger, stage of charging.
pub(super) fn undocumented(view: &View<'_>) -> String {
    let reading = view.reading;
    let stage = match (reading.charge_a > 0.5, reading.status_2 & 0b100 != 0) {
        (_, true) => 13,
        (true, false) => 11,
        (false, false) => 10,
    };
    format!(
        "00000 00000 01 01 {:02.0} {heat:03.0} {heat:03.0} {:03.0} {heat:03.0} 00 00 000 0040 {:04.0} 0000 {:05.2} {stage}",
        reading.charge_a,
        reading.cells_c,
        reading.trackers[0].watts,
        reading.out_hz,
        heat = reading.heat,
    )
}
