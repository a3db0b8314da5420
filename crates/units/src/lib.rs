//! Quantities with their units in the type, and powers with their direction in the type.
//!
//! A plain [`Watts`] has no direction. Directed powers are [`BatteryPower`], [`GridPower`] and [`SolarPower`]; they are
//! built by naming the direction (`BatteryPower::charging(w)`) and read back in the project's one sign convention:
//! **power that feeds the house is positive** (grid import +, battery discharge +, solar +), so that
//! `load = grid + battery + solar`.
//!
//! The types read from text (`"3 kW"`, `"30 s"`) and, through serde, from a configuration file.

#![warn(missing_docs)]

mod data_size;
mod energy_price;
mod money;
mod power;
mod quantity;
mod text;
mod timespan;

pub use data_size::DataSize;
pub use energy_price::{Currency, EnergyPrice};
pub use money::Money;
pub use power::{BatteryPower, GridPower, SolarPower, load};
pub use quantity::{Amperes, Celsius, Hertz, Percent, Volts, WattHours, Watts};
pub use text::ParseQuantityError;
pub use timespan::Timespan;
