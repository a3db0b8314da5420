//! What no plan can be made for, said with its place.

use std::fmt;
use std::ops::RangeInclusive;

use ohmstead_model::BatteryMode;
use thiserror::Error;

use super::{Battery, PerSlot, Problem, Slot};

/// Why a problem is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ProblemError {
    /// A number that is none, is infinite, or is out of its range.
    #[error("{place}: {field} is {value}, expected {expected}")]
    Number {
        /// Where.
        place: Place,
        /// The field.
        field: &'static str,
        /// What it holds.
        value: f64,
        /// What it may hold.
        expected: &'static str,
    },
    /// A slot without length, or one that does not begin where the one before it ends.
    #[error("slot {slot} begins at {start_ms} ms: expected {expected}")]
    Time {
        /// Its place, from 0.
        slot: usize,
        /// Its start, Unix milliseconds.
        start_ms: i64,
        /// What was expected.
        expected: &'static str,
    },
    /// A list of values for each slot that has another length.
    #[error("battery {battery}: reserve_wh has {found} values for {slots} slots, give one for each slot")]
    Length {
        /// The battery's name.
        battery: String,
        /// How many values there are.
        found: usize,
        /// How many slots there are.
        slots: usize,
    },
    /// A taper that does not fall ever faster with a rising state of charge.
    #[error(
        "battery {battery}: point {point} of the taper is out of order, states of charge must rise and the limit must fall, ever faster"
    )]
    Taper {
        /// The battery's name.
        battery: String,
        /// The point's place, from 0.
        point: usize,
    },
    /// Two batteries of one name: an earlier plan could not be matched.
    #[error("two batteries are named {0:?}: give each a name of its own")]
    SameName(String),
}

/// What a number of a problem belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A slot, by its place from 0.
    Slot(usize),
    /// A battery, by its name.
    Battery(String),
    /// The site as a whole.
    Site,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(slot) => write!(f, "slot {slot}"),
            Self::Battery(name) => write!(f, "battery {name}"),
            Self::Site => f.write_str("site"),
        }
    }
}

/// No price of a kWh is beyond this, EUR: it would be in another unit.
const PRICE: RangeInclusive<f64> = -1000.0..=1000.0;
/// No home has more, W or Wh.
const SIZE: RangeInclusive<f64> = 0.0..=1e9;
const PART: RangeInclusive<f64> = 0.05..=1.0;

pub(super) fn check(problem: &Problem) -> Result<(), ProblemError> {
    for (index, slot) in problem.slots.iter().enumerate() {
        check_slot(index, slot)?;
        let before = index.checked_sub(1).map(|before| problem.slots[before].span.end);
        if before.is_some_and(|end| end != slot.span.start) {
            return Err(time(index, slot, "the end of the slot before"));
        }
    }
    limit("import_max_w", problem.import_max_w)?;
    limit("export_max_w", problem.export_max_w)?;
    problem.inverter_max_w.map_or(Ok(()), |inverter| limit("inverter_max_w", inverter))?;
    for piece in problem.end_worth.pieces() {
        within(&Place::Site, "end_worth", piece.wh, &SIZE, "Wh, 0 or more")?;
        within(&Place::Site, "end_worth", piece.eur_per_kwh, &(0.0..=1000.0), "EUR/kWh, 0 or more")?;
    }
    for (index, battery) in problem.batteries.iter().enumerate() {
        if problem.batteries[..index].iter().any(|other| other.name == battery.name) {
            return Err(ProblemError::SameName(battery.name.clone()));
        }
        check_battery(battery, problem.slots.len())?;
    }
    Ok(())
}

fn check_slot(index: usize, slot: &Slot) -> Result<(), ProblemError> {
    if slot.span.is_empty() {
        return Err(time(index, slot, "an end after its start"));
    }
    let place = Place::Slot(index);
    within(&place, "load_w", slot.load_w, &SIZE, "W, 0 or more")?;
    within(&place, "pv_w", slot.pv_w, &SIZE, "W, 0 or more")?;
    within(&place, "import_price", slot.import_price, &PRICE, "EUR/kWh")?;
    within(&place, "export_price", slot.export_price, &PRICE, "EUR/kWh")
}

fn check_battery(battery: &Battery, slots: usize) -> Result<(), ProblemError> {
    let place = Place::Battery(battery.name.clone());
    let sizes = [
        ("capacity_wh", battery.capacity_wh),
        ("now_wh", battery.now_wh),
        ("min_wh", battery.min_wh),
        ("max_wh", battery.max_wh),
        ("final_wh", battery.final_wh.unwrap_or(0.0)),
        ("charge_max_w", battery.charge_max_w),
        ("discharge_max_w", battery.discharge_max_w),
    ];
    for (field, value) in sizes {
        within(&place, field, value, &SIZE, "0 or more, in W or Wh")?;
    }
    if battery.min_wh > battery.max_wh {
        return Err(number(&place, "min_wh", battery.min_wh, "not more than max_wh"));
    }
    within(&place, "eff_charge", battery.eff_charge, &PART, "0.05 to 1")?;
    within(&place, "eff_discharge", battery.eff_discharge, &PART, "0.05 to 1")?;
    within(&place, "idle_loss_per_h", battery.idle_loss_per_h, &(0.0..=1.0), "0 to 1 per hour")?;
    within(&place, "wear_eur_kwh", battery.wear_eur_kwh, &(0.0..=1000.0), "EUR/kWh, 0 or more")?;
    within(&place, "end_price", battery.end_price.unwrap_or(0.0), &PRICE, "EUR/kWh")?;
    check_pins(&place, battery)?;
    check_reserve(&place, battery, slots)?;
    check_taper(&place, battery)
}

fn check_pins(place: &Place, battery: &Battery) -> Result<(), ProblemError> {
    battery.pins.iter().try_for_each(|pin| {
        let (power, until) = match &pin.mode {
            BatteryMode::Charge { power, until } => (*power, *until),
            BatteryMode::Discharge { power } => (*power, None),
            _ => (None, None),
        };
        within(place, "pins.power", power.map_or(0.0, |power| power.0), &SIZE, "W, 0 or more")?;
        within(place, "pins.until", until.map_or(0.0, |until| until.0), &(0.0..=100.0), "0 to 100 %")
    })
}

fn check_reserve(place: &Place, battery: &Battery, slots: usize) -> Result<(), ProblemError> {
    let values = match &battery.reserve_wh {
        PerSlot::Constant(value) => std::slice::from_ref(value),
        PerSlot::Each(values) if values.len() == slots => values,
        PerSlot::Each(values) => {
            return Err(ProblemError::Length { battery: battery.name.clone(), found: values.len(), slots });
        }
    };
    values.iter().try_for_each(|value| within(place, "reserve_wh", *value, &SIZE, "Wh, 0 or more"))
}

fn check_taper(place: &Place, battery: &Battery) -> Result<(), ProblemError> {
    for point in &battery.taper {
        within(place, "taper.stored_wh", point.stored_wh, &SIZE, "Wh, 0 or more")?;
        within(place, "taper.charge_w", point.charge_w, &SIZE, "W, 0 or more")?;
    }
    let unordered = |point| Err(ProblemError::Taper { battery: battery.name.clone(), point });
    if let Some(before) = battery.taper.windows(2).position(|two| two[1].stored_wh - two[0].stored_wh < 1.0) {
        return unordered(before + 1);
    }
    let mut least = 0.0;
    for (index, (_, fall)) in battery.taper_lines().enumerate() {
        if fall < least - 1e-9 {
            return unordered(index + 1);
        }
        least = fall;
    }
    Ok(())
}

fn time(slot: usize, held: &Slot, expected: &'static str) -> ProblemError {
    ProblemError::Time { slot, start_ms: held.span.start.0, expected }
}

/// A limit may be infinite, which is none.
fn limit(field: &'static str, value: f64) -> Result<(), ProblemError> {
    if value >= 0.0 { Ok(()) } else { Err(number(&Place::Site, field, value, "W, 0 or more")) }
}

fn within(
    place: &Place,
    field: &'static str,
    value: f64,
    range: &RangeInclusive<f64>,
    expected: &'static str,
) -> Result<(), ProblemError> {
    if range.contains(&value) { Ok(()) } else { Err(number(place, field, value, expected)) }
}

fn number(place: &Place, field: &'static str, value: f64, expected: &'static str) -> ProblemError {
    ProblemError::Number { place: place.clone(), field, value, expected }
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{TimeSpan, UnixMillis};
    use rstest::rstest;

    use super::*;
    use crate::{EndWorth, TaperPoint, Worth};

    fn good() -> Problem {
        let slot = |start: i64| Slot {
            span: TimeSpan::new(UnixMillis(start * 900_000), UnixMillis((start + 1) * 900_000)),
            load_w: 400.0,
            pv_w: 0.0,
            import_price: 0.2,
            export_price: 0.1,
        };
        let battery =
            Battery { name: "a".to_owned(), capacity_wh: 5000.0, max_wh: 5000.0, ..Battery::default() };
        Problem { slots: vec![slot(0), slot(1)], batteries: vec![battery], ..Problem::default() }
    }

    fn discharged(problem: &Problem, watts: f64) -> crate::Pin {
        let mode = BatteryMode::Discharge { power: Some(ohmstead_units::Watts(watts)) };
        crate::Pin { span: problem.slots[0].span, mode }
    }

    #[test]
    fn what_makes_sense_is_accepted() {
        assert_eq!(good().check(), Ok(()));
        assert_eq!(Problem::default().check(), Ok(()));
        let mut nothing = good();
        nothing.batteries[0].capacity_wh = 0.0;
        assert_eq!(nothing.check(), Ok(()));
    }

    #[rstest]
    #[case(|it: &mut Problem| it.slots[1].load_w = f64::NAN, "slot 1: load_w is NaN, expected W, 0 or more")]
    #[case(|it: &mut Problem| it.slots[0].pv_w = -1.0, "slot 0: pv_w is -1, expected W, 0 or more")]
    #[case(|it: &mut Problem| it.slots[0].import_price = f64::INFINITY, "slot 0: import_price is inf, expected EUR/kWh")]
    #[case(|it: &mut Problem| it.slots[0].export_price = 25_000.0, "slot 0: export_price is 25000, expected EUR/kWh")]
    #[case(|it: &mut Problem| it.slots.swap(0, 1), "slot 1 begins at 0 ms: expected the end of the slot before")]
    #[case(|it: &mut Problem| it.slots[1].span.end = UnixMillis(0), "slot 1 begins at 900000 ms: expected an end after its start")]
    #[case(|it: &mut Problem| it.import_max_w = f64::NAN, "site: import_max_w is NaN, expected W, 0 or more")]
    #[case(|it: &mut Problem| it.inverter_max_w = Some(-1.0), "site: inverter_max_w is -1, expected W, 0 or more")]
    #[case(|it: &mut Problem| it.batteries[0].capacity_wh = -1.0, "battery a: capacity_wh is -1, expected 0 or more, in W or Wh")]
    #[case(|it: &mut Problem| it.batteries[0].now_wh = f64::NAN, "battery a: now_wh is NaN, expected 0 or more, in W or Wh")]
    #[case(|it: &mut Problem| it.batteries[0].min_wh = 6000.0, "battery a: min_wh is 6000, expected not more than max_wh")]
    #[case(|it: &mut Problem| it.batteries[0].eff_charge = 94.0, "battery a: eff_charge is 94, expected 0.05 to 1")]
    #[case(|it: &mut Problem| it.batteries.push(it.batteries[0].clone()), "two batteries are named \"a\": give each a name of its own")]
    #[case(|it: &mut Problem| it.batteries[0].reserve_wh = PerSlot::Each(vec![1.0]), "battery a: reserve_wh has 1 values for 2 slots, give one for each slot")]
    #[case(|it: &mut Problem| it.batteries[0].reserve_wh = PerSlot::Constant(f64::NAN), "battery a: reserve_wh is NaN, expected Wh, 0 or more")]
    #[case(|it: &mut Problem| it.end_worth = EndWorth::of([Worth { wh: f64::NAN, eur_per_kwh: 0.1 }]), "site: end_worth is NaN, expected Wh, 0 or more")]
    #[case(|it: &mut Problem| it.batteries[0].pins = vec![discharged(it, f64::NAN)], "battery a: pins.power is NaN, expected W, 0 or more")]
    #[case(
        |it: &mut Problem| it.batteries[0].taper = [(0.0, 2000.0), (1000.0, 1000.0), (2000.0, 900.0)].map(|(stored_wh, charge_w)| TaperPoint { stored_wh, charge_w }).to_vec(),
        "battery a: point 2 of the taper is out of order, states of charge must rise and the limit must fall, ever faster"
    )]
    fn nonsense_is_refused_with_its_place(#[case] spoil: fn(&mut Problem), #[case] expected: &str) {
        let mut problem = good();
        spoil(&mut problem);
        assert_eq!(problem.check().unwrap_err().to_string(), expected);
    }
}
