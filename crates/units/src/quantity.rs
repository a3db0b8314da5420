//! The undirected quantities: a number in one fixed unit each.

use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::str::FromStr;

use crate::text::{ParseQuantityError, UnitForm, parse_quantity, visit_quantity};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $symbol:literal, $form:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(pub f64);

        impl $name {
            /// The unit's symbol, as printed behind the number.
            pub const SYMBOL: &'static str = $symbol;

            /// The magnitude without the sign.
            #[must_use]
            pub fn abs(self) -> Self {
                Self(self.0.abs())
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }

        impl Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self {
                Self(self.0 / divisor)
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::default(), Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                write!(f, " {}", Self::SYMBOL)
            }
        }

        impl FromStr for $name {
            type Err = ParseQuantityError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_quantity(text, &$form).map(Self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                visit_quantity(source, &$form).map(Self)
            }
        }
    };
}

quantity!(
    /// Active power in watts, without a direction.
    Watts, "W", POWER
);
quantity!(
    /// Electric potential in volts.
    Volts, "V", VOLTAGE
);
quantity!(
    /// Electric current in amperes.
    Amperes, "A", CURRENT
);
quantity!(
    /// Energy in watt hours.
    WattHours, "Wh", ENERGY
);
quantity!(
    /// A share of a whole, 0 to 100: state of charge, state of health.
    Percent, "%", SHARE
);
quantity!(
    /// Temperature in degrees Celsius.
    Celsius, "°C", TEMPERATURE
);
quantity!(
    /// Frequency in hertz.
    Hertz, "Hz", FREQUENCY
);

const POWER: UnitForm = UnitForm {
    expected: "a power such as 3000, \"3000 W\" or \"3 kW\"",
    units: &[("W", 1.0), ("kW", 1_000.0), ("MW", 1_000_000.0), ("Wp", 1.0), ("kWp", 1_000.0)],
};
const VOLTAGE: UnitForm = UnitForm {
    expected: "a voltage such as 48, \"48 V\" or \"3300 mV\"",
    units: &[("V", 1.0), ("mV", 0.001)],
};
const CURRENT: UnitForm = UnitForm {
    expected: "a current such as 16, \"16 A\" or \"500 mA\"",
    units: &[("A", 1.0), ("mA", 0.001)],
};
const ENERGY: UnitForm = UnitForm {
    expected: "an energy such as 5120, \"5120 Wh\" or \"5.12 kWh\"",
    units: &[("Wh", 1.0), ("kWh", 1_000.0), ("MWh", 1_000_000.0)],
};
const SHARE: UnitForm = UnitForm { expected: "a percentage such as 15 or \"15 %\"", units: &[("%", 1.0)] };
const TEMPERATURE: UnitForm =
    UnitForm { expected: "a temperature such as 45 or \"45 °C\"", units: &[("°C", 1.0), ("C", 1.0)] };
const FREQUENCY: UnitForm =
    UnitForm { expected: "a frequency such as 50 or \"50 Hz\"", units: &[("Hz", 1.0)] };

impl Mul<Amperes> for Volts {
    type Output = Watts;
    fn mul(self, current: Amperes) -> Watts {
        Watts(self.0 * current.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volts_times_amperes_are_watts() {
        assert_eq!(Volts(50.0) * Amperes(-2.0), Watts(-100.0));
    }

    #[test]
    fn prints_with_unit_and_precision() {
        assert_eq!(format!("{:.1}", Volts(53.2111)), "53.2 V");
        assert_eq!(Watts(3000.0).to_string(), "3000 W");
    }

    #[test]
    fn reads_the_units_of_a_configuration() {
        assert_eq!("3 kW".parse::<Watts>(), Ok(Watts(3000.0)));
        assert_eq!("5.12kWh".parse::<WattHours>(), Ok(WattHours(5120.0)));
        assert_eq!("15 %".parse::<Percent>(), Ok(Percent(15.0)));
        assert_eq!("-2".parse::<Watts>(), Ok(Watts(-2.0)));
    }

    #[test]
    fn a_wrong_unit_says_what_was_expected() {
        let error = "3 kVA".parse::<Watts>().expect_err("kVA is no active power");
        assert_eq!(error.to_string(), r#""3 kVA" is not a power such as 3000, "3000 W" or "3 kW""#);
        for text in ["", "W", "NaN", "inf kW", "1e400", "3 kW 4"] {
            assert!(text.parse::<Watts>().is_err(), "{text:?} was accepted");
        }
    }
}
