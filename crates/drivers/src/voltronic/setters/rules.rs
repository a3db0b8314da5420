//! Voltages that must not cross: the unit may take them one by one and then behave as nobody meant.

use ohmstead_model::{Metric, Value};

use super::{Known, Setter};

/// Which of two voltages must be the higher one.
struct Order {
    lower: Metric,
    higher: Metric,
    /// Whether they may be equal.
    equal: bool,
}

const ORDERS: &[Order] = &[
    Order { lower: Metric::BatteryRechargeVoltage, higher: Metric::BatteryRedischargeVoltage, equal: false },
    Order { lower: Metric::BatteryCutoffVoltage, higher: Metric::BatteryRechargeVoltage, equal: false },
    Order { lower: Metric::BatteryFloatVoltage, higher: Metric::BatteryBulkVoltage, equal: true },
    Order { lower: Metric::BatteryCutoffVoltage, higher: Metric::BatteryFloatVoltage, equal: false },
];

/// The battery's own voltages, which the unit derives from the battery type unless that is `user`.
const BY_TYPE: &[Metric] =
    &[Metric::BatteryBulkVoltage, Metric::BatteryFloatVoltage, Metric::BatteryCutoffVoltage];

/// Why `value` must not be written.
pub(super) fn check(setter: &Setter, value: &Value, known: &Known) -> Result<(), String> {
    let metric = setter.metric();
    if BY_TYPE.contains(&metric) {
        user_type(metric, known)?;
    }
    let Some(number) = value.number() else { return Ok(()) };
    for order in ORDERS {
        in_order(metric, number, order, known)?;
    }
    if metric == Metric::GridChargeCurrentMax || metric == Metric::ChargeCurrentMax {
        return currents(metric, number, known);
    }
    Ok(())
}

fn user_type(metric: Metric, known: &Known) -> Result<(), String> {
    match known.values.get(&Metric::BatteryType).and_then(Value::as_str) {
        Some("user") => Ok(()),
        Some(other) => Err(format!(
            "{metric} follows from the battery type, which is {other}: only with battery_type=user can it be set"
        )),
        None => Err(format!("{metric} depends on the battery type, which the inverter has not told yet")),
    }
}

fn in_order(metric: Metric, number: f64, order: &Order, known: &Known) -> Result<(), String> {
    let other = match metric {
        _ if metric == order.lower => order.higher,
        _ if metric == order.higher => order.lower,
        _ => return Ok(()),
    };
    let present = known.number(other).ok_or_else(|| {
        format!("{metric} must fit {other}, whose present value the inverter has not told yet")
    })?;
    let (low, high) = if metric == order.lower { (number, present) } else { (present, number) };
    // Back to the battery at 0 V means: when it is full.
    if order.higher == Metric::BatteryRedischargeVoltage && high == 0.0 {
        return Ok(());
    }
    if low < high || (order.equal && low <= high) {
        return Ok(());
    }
    let bound = if order.equal { "must not be above" } else { "must be below" };
    Err(format!("{} {bound} {}: {low} V and {high} V", order.lower, order.higher))
}

fn currents(metric: Metric, number: f64, known: &Known) -> Result<(), String> {
    let other = if metric == Metric::ChargeCurrentMax {
        Metric::GridChargeCurrentMax
    } else {
        Metric::ChargeCurrentMax
    };
    let Some(present) = known.number(other) else { return Ok(()) };
    if metric == Metric::ChargeCurrentMax && number < present {
        return Err(format!(
            "charging altogether with {number} A is less than charging from the grid, {present} A: lower grid_charge_current_max first"
        ));
    }
    if metric == Metric::GridChargeCurrentMax && number > present {
        return Err(format!(
            "charging from the grid with {number} A is more than charging altogether, {present} A: raise charge_current_max first"
        ));
    }
    Ok(())
}
