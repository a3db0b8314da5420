//! Between which powers a battery may be.

use std::fmt;

use ohmstead_units::Watts;

/// A closed interval of a battery's power, what it supplies: discharge positive, charge negative. Never empty, never NaN;
/// an infinite end is no bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    lowest: f64,
    highest: f64,
}

impl Bounds {
    /// Whatever the battery can do.
    pub const ANY: Self = Self { lowest: f64::NEG_INFINITY, highest: f64::INFINITY };
    /// No discharge.
    pub const NO_DISCHARGE: Self = Self { lowest: f64::NEG_INFINITY, highest: 0.0 };
    /// No charge.
    pub const NO_CHARGE: Self = Self { lowest: 0.0, highest: f64::INFINITY };
    /// Neither.
    pub const NOTHING: Self = Self { lowest: 0.0, highest: 0.0 };

    /// At most so much discharge; a magnitude, and nothing below 0 is meant.
    pub fn discharge_max(power: Watts) -> Self {
        Self { highest: magnitude(power), ..Self::ANY }
    }

    /// At most so much charge; a magnitude.
    pub fn charge_max(power: Watts) -> Self {
        Self { lowest: -magnitude(power), ..Self::ANY }
    }

    /// The least supplied power: what may be charged is its negative.
    pub fn lowest(self) -> Watts {
        Watts(self.lowest)
    }

    /// The most supplied power.
    pub fn highest(self) -> Watts {
        Watts(self.highest)
    }

    /// What both allow; `self` where they have nothing in common, for a lower priority never widens or empties a bound.
    #[must_use]
    pub fn narrowed_by(self, lower: Self) -> Self {
        let (lowest, highest) = (self.lowest.max(lower.lowest), self.highest.min(lower.highest));
        if lowest <= highest { Self { lowest, highest } } else { self }
    }

    /// The power nearest to `wanted` that is allowed.
    pub fn nearest(self, wanted: Watts) -> Watts {
        Watts(wanted.0.clamp(self.lowest, self.highest))
    }

    /// Whether a power is allowed.
    pub fn allow(self, power: Watts) -> bool {
        (self.lowest..=self.highest).contains(&power.0)
    }
}

fn magnitude(power: Watts) -> f64 {
    if power.0.is_nan() { 0.0 } else { power.0.max(0.0) }
}

impl fmt::Display for Bounds {
    /// `charge up to 800 W, no discharge`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |name: &str, most: f64| match most {
            most if most.is_infinite() => None,
            most if most <= 0.0 => Some(format!("no {name}")),
            most => Some(format!("{name} up to {}", Watts(most.round()))),
        };
        let sides: Vec<_> =
            [side("charge", -self.lowest), side("discharge", self.highest)].into_iter().flatten().collect();
        if sides.is_empty() { f.write_str("no bound") } else { f.write_str(&sides.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounds() -> impl Strategy<Value = Bounds> {
        prop_oneof![
            Just(Bounds::ANY),
            Just(Bounds::NO_DISCHARGE),
            Just(Bounds::NO_CHARGE),
            Just(Bounds::NOTHING),
            (0.0..20_000.0).prop_map(|power| Bounds::discharge_max(Watts(power))),
            (0.0..20_000.0).prop_map(|power| Bounds::charge_max(Watts(power))),
        ]
    }

    proptest! {
        #[test]
        fn a_lower_priority_never_widens(first in bounds(), second in bounds(), power in -30_000.0..30_000.0) {
            let both = first.narrowed_by(second);
            if both.allow(Watts(power)) {
                prop_assert!(first.allow(Watts(power)));
            }
            prop_assert!(both.allow(both.nearest(Watts(power))), "never empty");
        }
    }

    #[test]
    fn words() {
        assert_eq!(Bounds::ANY.to_string(), "no bound");
        assert_eq!(Bounds::NOTHING.to_string(), "no charge, no discharge");
        assert_eq!(Bounds::discharge_max(Watts(800.0)).to_string(), "discharge up to 800 W");
        assert_eq!(
            Bounds::discharge_max(Watts(f64::NAN)),
            Bounds::NO_DISCHARGE,
            "unknown is the narrower bound"
        );
    }
}
