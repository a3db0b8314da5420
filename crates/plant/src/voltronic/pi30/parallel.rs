//! `QPGSn` and `QP2GSn`: one unit of a parallel set, with the totals of the set.

use super::rating::{charger_code, output_mode_code};
use crate::voltronic::{
    profile::{Family, Field12},
    reading::{Leg, Reading},
    reply::View,
};

/// The n-th unit's own reading; the first one's may be pinned.
fn unit(number: u8, view: &View<'_>) -> Reading {
    if number == 0 {
        return view.reading.clone();
    }
    Reading::of(view.truth, (view.model, view.plate), view.eeprom, view.switches, number)
}

/// b7 solar charger well, b6 charging by the grid, b5 by the panels, b2 line lost, b1 load on, b0 configuration changed.
fn bits(reading: &Reading, view: &View<'_>) -> u8 {
    let lost = u8::from(reading.grid_v <= 0.0) << 2;
    let load = u8::from(reading.load_on) << 1;
    let own = reading.status;
    if view.model.family == Family::Pi41 {
        return own | u8::from(view.config_changed);
    }
    let sun = u8::from(reading.trackers[0].watts > 0.0) << 7;
    sun | (own & 1) << 6 | (own & 0b10) << 4 | lost | load | u8::from(view.config_changed)
}

/// `QPGSn`: 27 fields, on units with a second tracker 29; a unit that is not there is all zero.
pub(super) fn leg_1(number: u8, view: &View<'_>) -> String {
    let two = view.model.panels.0 > 1 && view.model.family != Family::Pi41;
    let wide = if view.model.field12 == Field12::PanelTenths { 3 } else { 2 };
    if number >= view.plate.units {
        let tail = if two { " 000.0 00" } else { "" };
        return format!(
            "0 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 000 00000 00000 000 \
             00000000 0 0 000 000 {:0wide$} 00 000{tail}",
            0,
        );
    }
    let reading = unit(number, view);
    let (orders, plate) = (&view.eeprom.orders, view.plate);
    let digits = view.watt_digits();
    let [charge_a, va, watts, pct] = reading.set;
    let text = format!(
        "{} {} {} {:02} {:05.1} {:05.2} {:05.1} {:05.2} {:0digits$.0} {:0digits$.0} {:03.0} {:04.1} {:03.0} {:03.0} {:05.1}",
        u8::from(!view.switches.bare_exist),
        plate.serial_of(number),
        reading.mode.letter(),
        reading.fault,
        reading.grid_v,
        reading.grid_hz,
        reading.out_v,
        reading.out_hz,
        reading.load_va,
        reading.load_w,
        reading.load_pct,
        reading.battery_v,
        reading.charge_a,
        reading.capacity_pct,
        reading.trackers[0].volts,
    );
    let text = text
        + &format!(
            " {charge_a:03.0} {va:05.0} {watts:05.0} {pct:03.0} {:08b} {} {} {:03.0} {:03} {:0wide$.0} {:02.0} {:03.0}",
            bits(&reading, view),
            output_mode_code(view),
            charger_code(orders.charger),
            orders.charge_max_a,
            plate.charge_currents.last().copied().unwrap_or(0),
            orders.grid_charge_max_a,
            if view.model.field12 == Field12::BatteryAmps {
                reading.trackers[0].charge_a
            } else {
                reading.trackers[0].amps
            },
            reading.discharge_a,
        );
    let second = reading.trackers[1];
    if two { text + &format!(" {:05.1} {:02.0}", second.volts, second.amps) } else { text }
}

/// `QP2GSn`: the second leg of the n-th LV5048.
pub(super) fn leg_2(number: u8, view: &View<'_>) -> String {
    if number >= view.plate.units {
        return "00 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 00 00000000"
            .to_owned();
    }
    let reading = unit(number, view);
    let Leg { grid_v, out_v, va, watts, pct } = reading.leg_2;
    format!(
        "{}1 {} {} {:02} {grid_v:05.1} {:05.2} {out_v:05.1} {:05.2} {va:04.0} {watts:04.0} {pct:03.0} {:04.1} {:03.0} {:03.0} {:05.1} {:02.0} {:08b}",
        u8::from(!view.switches.bare_exist),
        view.plate.serial_of(number),
        reading.mode.letter(),
        reading.fault,
        reading.grid_hz,
        reading.out_hz,
        reading.battery_v,
        reading.trackers[1].charge_a,
        reading.capacity_pct,
        reading.trackers[1].volts,
        reading.trackers[1].charge_a,
        bits(&reading, view),
    )
}
