//! What each value may be. Every error says the bounds.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use ohmstead_model::DeviceId;
use ohmstead_units::{EnergyPrice, Money, Percent, Timespan, WattHours, Watts};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};

/// A device's name that is wrong is an error at that name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name(DeviceId);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map(Self).map_err(D::Error::custom)
    }
}

pub(super) fn devices<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<DeviceId>, D::Error> {
    let names = Vec::<Name>::deserialize(source)?;
    Ok(names.into_iter().map(|Name(id)| id).collect())
}

pub(super) fn by_device<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    source: D,
) -> Result<BTreeMap<DeviceId, T>, D::Error> {
    let named = BTreeMap::<Name, T>::deserialize(source)?;
    Ok(named.into_iter().map(|(Name(id), settings)| (id, settings)).collect())
}

pub(super) fn horizon<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    const HOUR: u64 = 3600;
    span(source, 6 * HOUR..=7 * 24 * HOUR, "a span from 6 h to 7 d")
}

pub(super) fn every<'de, D: Deserializer<'de>>(source: D) -> Result<Timespan, D::Error> {
    span(source, 5 * 60..=60 * 60, "a span from 5 min to 60 min")
}

pub(super) fn share<'de, D: Deserializer<'de>>(source: D) -> Result<Percent, D::Error> {
    percent(source, 0.0..=100.0, "a percentage from 0 to 100 %")
}

pub(super) fn some_share<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Percent>, D::Error> {
    share(source).map(Some)
}

pub(super) fn efficiency<'de, D: Deserializer<'de>>(source: D) -> Result<Percent, D::Error> {
    percent(source, 50.0..=100.0, "50 % to 100 %: what comes out of a battery of what goes in, AC to AC")
}

pub(super) fn power<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Watts>, D::Error> {
    let power = Watts::deserialize(source)?;
    checked(power, power.0 >= 0.0, "a power of 0 W or more").map(Some)
}

pub(super) fn power_above_0<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Watts>, D::Error> {
    let power = Watts::deserialize(source)?;
    checked(power, power.0 > 0.0, "a power above 0 W").map(Some)
}

pub(super) fn energy_above_0<'de, D: Deserializer<'de>>(source: D) -> Result<Option<WattHours>, D::Error> {
    let energy = WattHours::deserialize(source)?;
    checked(energy, energy.0 > 0.0, "an energy above 0 Wh").map(Some)
}

pub(super) fn sum<'de, D: Deserializer<'de>>(source: D) -> Result<Money, D::Error> {
    let money = Money::deserialize(source)?;
    checked(money, money.amount >= 0.0, "a sum of 0 or more")
}

pub(super) fn not_negative<'de, D: Deserializer<'de>>(source: D) -> Result<EnergyPrice, D::Error> {
    let price = EnergyPrice::deserialize(source)?;
    checked(price, price.per_kwh >= 0.0, "a price of 0 or more")
}

fn span<'de, D: Deserializer<'de>>(
    source: D,
    seconds: RangeInclusive<u64>,
    expected: &'static str,
) -> Result<Timespan, D::Error> {
    let span = Timespan::deserialize(source)?;
    let range = Duration::from_secs(*seconds.start())..=Duration::from_secs(*seconds.end());
    checked(span, range.contains(&span.0), expected)
}

fn percent<'de, D: Deserializer<'de>>(
    source: D,
    range: RangeInclusive<f64>,
    expected: &'static str,
) -> Result<Percent, D::Error> {
    let share = Percent::deserialize(source)?;
    checked(share, range.contains(&share.0), expected)
}

fn checked<T: ToString, E: Error>(value: T, is_fine: bool, expected: &'static str) -> Result<T, E> {
    if is_fine { Ok(value) } else { Err(E::invalid_value(Unexpected::Str(&value.to_string()), &expected)) }
}
