//! The battery: what it does, what it is able to, what it allows.

use ohmstead_model::Metric;

use super::Out;
use crate::victron::native;
use crate::victron::site::Site;
use crate::victron::tree::Part;

/// Nominal voltage of a lithium iron phosphate cell. A cell that is charged up to more than this is of another kind.
const CELL_NOMINAL_V: f64 = 3.2;
const CELL_FULL_MAX_V: f64 = 3.8;

pub(super) fn battery(site: &Site<'_>, out: &mut Out) {
    let own = |path: &str| site.battery.and_then(|part| part.number(path));
    let vebus = |path: &str| site.vebus().and_then(|part| part.number(path));
    let system = |path: &str| site.system_number(path);
    out.number(Metric::BatterySoc, system("/Dc/Battery/Soc").or_else(|| own("/Soc")));
    let voltage =
        system("/Dc/Battery/Voltage").or_else(|| own("/Dc/0/Voltage")).or_else(|| vebus("/Dc/0/Voltage"));
    out.number(Metric::BatteryVoltage, voltage);
    // The GX counts what flows into the battery.
    let current = system("/Dc/Battery/Current").or_else(|| own("/Dc/0/Current"));
    out.number(Metric::BatteryCurrent, current.map(|amperes| -amperes));
    let power = system("/Dc/Battery/Power").or_else(|| own("/Dc/0/Power"));
    out.number(Metric::BatteryPower, power.or_else(|| Some(current? * voltage?)).map(|watts| -watts));
    out.number(
        Metric::BatteryTemperature,
        system("/Dc/Battery/Temperature").or_else(|| own("/Dc/0/Temperature")),
    );
    out.number(native::TIME_TO_GO, system("/Dc/Battery/TimeToGo").or_else(|| own("/TimeToGo")));
    out.number(Metric::BatteryChargeEnergy, own("/History/ChargedEnergy"));
    out.number(Metric::BatteryDischargeEnergy, own("/History/DischargedEnergy"));
}

pub(super) fn battery_limits(site: &Site<'_>, out: &mut Out) {
    let Some(bms) = site.bms else { return };
    out.number(Metric::BatterySoh, bms.number("/Soh"));
    out.number(Metric::BatteryCapacity, capacity_wh(bms));
    out.number(Metric::BatteryCellVoltageMin, bms.number("/System/MinCellVoltage"));
    out.number(Metric::BatteryCellVoltageMax, bms.number("/System/MaxCellVoltage"));
    out.number(native::CELL_TEMPERATURE_MIN, bms.number("/System/MinCellTemperature"));
    out.number(native::CELL_TEMPERATURE_MAX, bms.number("/System/MaxCellTemperature"));
    out.number(native::CHARGE_VOLTAGE_MAX, bms.number("/Info/MaxChargeVoltage"));
    let (charge, discharge) = (bms.number("/Info/MaxChargeCurrent"), bms.number("/Info/MaxDischargeCurrent"));
    // The owner's limit counts too where it is lower.
    let owner = site.setting("/Settings/SystemSetup/MaxChargeCurrent").filter(|amperes| *amperes >= 0.0);
    let charge = charge.map(|amperes| owner.map_or(amperes, |owner| owner.min(amperes)));
    out.number(Metric::ChargeCurrentMax, charge);
    out.number(Metric::DischargeCurrentMax, discharge);
    let voltage = site.system_number("/Dc/Battery/Voltage").or_else(|| bms.number("/Dc/0/Voltage"));
    out.number(Metric::BatteryChargePowerMax, charge.zip(voltage).map(|(amperes, volts)| amperes * volts));
    out.number(
        Metric::BatteryDischargePowerMax,
        discharge.zip(voltage).map(|(amperes, volts)| amperes * volts),
    );
    let allowed = |path: &str, limit: Option<f64>| {
        bms.int(path).map(|allowed| allowed != 0).or(limit.map(|amperes| amperes > 0.0))
    };
    out.yes_no(Metric::BatteryChargeAllowed, allowed("/Io/AllowToCharge", charge));
    out.yes_no(Metric::BatteryDischargeAllowed, allowed("/Io/AllowToDischarge", discharge));
}

/// What a battery with cells tells about them, and a shunt about the charge.
pub(super) fn battery_details(site: &Site<'_>, out: &mut Out) {
    let consumed = site.system_number("/Dc/Battery/ConsumedAmphours");
    let own = || site.battery.and_then(|part| part.number("/ConsumedAmphours"));
    out.number(native::CONSUMED_CHARGE, consumed.or_else(own));
    let Some(bms) = site.bms else { return };
    for (metric, path) in [
        (native::CELL_VOLTAGE_MIN_ID, "/System/MinVoltageCellId"),
        (native::CELL_VOLTAGE_MAX_ID, "/System/MaxVoltageCellId"),
        (native::CELL_TEMPERATURE_MIN_ID, "/System/MinTemperatureCellId"),
        (native::CELL_TEMPERATURE_MAX_ID, "/System/MaxTemperatureCellId"),
    ] {
        out.text(metric, bms.text(path));
    }
    for (metric, path) in [
        (native::MODULES_ONLINE, "/System/NrOfModulesOnline"),
        (native::MODULES_OFFLINE, "/System/NrOfModulesOffline"),
        (native::MODULES_BLOCKING_CHARGE, "/System/NrOfModulesBlockingCharge"),
        (native::MODULES_BLOCKING_DISCHARGE, "/System/NrOfModulesBlockingDischarge"),
    ] {
        out.number(metric, bms.number(path));
    }
    let balancer = bms.int("/Balancer/Status").and_then(|status| match status {
        1 => Some("balanced"),
        2 => Some("balancing"),
        3 => Some("imbalance"),
        _ => None,
    });
    out.state(native::BALANCER, balancer);
}

/// Capacity in Wh from Ah, where the battery tells how many of its cells are in series. The charge voltage that it asks for
/// does not: it changes by several cells' worth while the battery is balanced or cold.
fn capacity_wh(bms: &Part) -> Option<f64> {
    let amp_hours = bms.number("/InstalledCapacity").filter(|amp_hours| *amp_hours > 0.0)?;
    let cells = bms.number("/System/NrOfCellsPerBattery").filter(|cells| (1.0..=500.0).contains(cells))?;
    let full = bms.number("/Info/MaxChargeVoltage")?;
    (full / cells < CELL_FULL_MAX_V).then_some(amp_hours * cells * CELL_NOMINAL_V)
}
