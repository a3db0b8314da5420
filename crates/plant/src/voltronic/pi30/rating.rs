//! QPIRI, QDI, QFLAG and the lists: what is set, and what can be.

use crate::{
    house::{ChargerPriority, OutputPriority},
    voltronic::{Eeprom, eeprom::Equalisation, profile::Family, reply::View},
};

/// 0 USB, 1 SUB, 2 SBU.
pub(super) fn output_code(priority: OutputPriority) -> u8 {
    match priority {
        OutputPriority::UtilityFirst => 0,
        OutputPriority::SolarFirst => 1,
        OutputPriority::SolarBatteryUtility => 2,
    }
}

/// 0 utility first, 1 solar first, 2 both, 3 solar only.
pub(super) fn charger_code(priority: ChargerPriority) -> u8 {
    match priority {
        ChargerPriority::UtilityFirst => 0,
        ChargerPriority::SolarFirst => 1,
        ChargerPriority::SolarAndUtility => 2,
        ChargerPriority::SolarOnly => 3,
    }
}

/// Field 21 of QPIRI. A split-phase unit on its own says 0, in a set 6 (180 degrees).
pub(super) fn output_mode_code(view: &View<'_>) -> u8 {
    match (view.model.family, view.eeprom.output_mode) {
        (Family::Pi41, 1) => 6,
        (_, mode) => mode,
    }
}

/// QPIRI: 25 fields, and up to three more.
pub(super) fn present(view: &View<'_>) -> String {
    let (plate, eeprom, orders) = (view.plate, view.eeprom, &view.eeprom.orders);
    let (grid_digits, charge_digits) = plate.current_digits;
    let text = format!(
        "{:05.1} {amps:04.1} {:05.1} {:04.1} {amps:04.1} {:04.0} {:04.0} {:04.1} {:04.1} {:04.1} {:04.1} {:04.1}",
        plate.ac_v,
        eeprom.output.0,
        eeprom.output.1,
        plate.rated_va,
        plate.rated_w,
        plate.battery_v,
        orders.recharge_v,
        orders.cutoff_v,
        orders.bulk_v,
        orders.float_v,
        amps = plate.rated_a,
    );
    let text = text
        + &format!(
            " {} {:0grid_digits$.0} {:0charge_digits$.0} {} {} {} {} {:02} {} {} {:04.1} {} {}",
            eeprom.battery_type,
            orders.grid_charge_max_a,
            orders.charge_max_a,
            eeprom.input_range,
            output_code(orders.output),
            charger_code(orders.charger),
            plate.parallel_max,
            plate.machine_type,
            plate.topology,
            output_mode_code(view),
            orders.redischarge_v,
            eeprom.pv_ok,
            eeprom.pv_balance,
        );
    let cv_digits = plate.cv_digits;
    let tail = [
        format!("{:0cv_digits$}", eeprom.cv_minutes),
        eeprom.logic.to_string(),
        format!("{:03}", eeprom.discharge_max_a),
    ];
    let more = plate.rating_fields.saturating_sub(25).min(tail.len());
    [&[text], &tail[..more]].concat().join(" ")
}

/// QDI: the factory's settings.
pub(super) fn defaults(view: &View<'_>) -> String {
    let factory = Eeprom::factory(view.model);
    let orders = &factory.orders;
    let flag = |letter: char| u8::from(factory.flags.contains(&letter));
    let text = format!(
        "{:05.1} {:04.1} {:04.0} {:04.1} {:04.1} {:04.1} {:04.1} {:02.0} {} {} {} {}",
        view.plate.ac_v,
        view.plate.ac_hz,
        orders.grid_charge_max_a,
        orders.cutoff_v,
        orders.float_v,
        orders.bulk_v,
        orders.recharge_v,
        orders.charge_max_a,
        factory.input_range,
        output_code(orders.output),
        charger_code(orders.charger),
        factory.battery_type,
    );
    // The buzzer alone is told the other way round: 0 = on.
    let text = text
        + &format!(
            " {} {} {} {} {} {} {} {} {} {} {:04.1} {} {}",
            1 - flag('a'),
            flag('j'),
            flag('u'),
            flag('v'),
            flag('x'),
            flag('y'),
            flag('z'),
            flag('b'),
            flag('k'),
            factory.output_mode,
            orders.redischarge_v,
            factory.pv_ok,
            factory.pv_balance,
        );
    if view.model.gs_fields > 17 { text + &format!(" {:03}", factory.cv_minutes) } else { text }
}

/// QFLAG: `E` and the letters that are on, `D` and those that are off.
pub(super) fn flags(view: &View<'_>) -> String {
    let (on, off): (String, String) =
        view.plate.flag_letters.chars().partition(|letter| view.eeprom.flags.contains(letter));
    format!("E{on}D{off}")
}

/// The only currents that the setters take.
pub(super) fn currents(list: &[u16], digits: usize) -> String {
    list.iter().map(|amps| format!("{amps:0digits$}")).collect::<Vec<_>>().join(" ")
}

/// QBEQI, with two fields that no document explains.
pub(super) fn equalisation(settings: &Equalisation) -> String {
    format!(
        "{} {:03} {:03} {:03} 021 {:05.2} 224 {:03} {} {:04}",
        u8::from(settings.enabled),
        settings.minutes,
        settings.period_days,
        settings.current_max_a,
        settings.volts,
        settings.give_up_minutes,
        u8::from(settings.active),
        settings.elapsed_h,
    )
}

/// QOPPT and QCHPT: the priority of each hour, and of now.
pub(super) fn hours(code: u8, tail: &str) -> String {
    format!("{} {tail}", vec![code.to_string(); 25].join(" "))
}

/// QBMS: what the bank's BMS says; without a lithium type there is none.
pub(super) fn bank(view: &View<'_>) -> Option<String> {
    let (eeprom, orders) = (view.eeprom, &view.eeprom.orders);
    if eeprom.battery_type < 3 {
        return None;
    }
    let full = view.truth.soc_pct > 99.5;
    let discharge_a = if eeprom.discharge_max_a > 0 { eeprom.discharge_max_a } else { 150 };
    Some(format!(
        "0 {:03.0} 0 {} {} {:03.0} {:03.0} {:03.0} {:04.0} {discharge_a:04}",
        view.truth.soc_pct,
        u8::from(view.truth.soc_pct < 5.0),
        u8::from(full),
        orders.bulk_v * 10.0,
        orders.float_v * 10.0,
        orders.cutoff_v * 10.0,
        if full { 0.0 } else { orders.charge_max_a },
    ))
}
