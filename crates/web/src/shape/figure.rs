//! Figures of money and power as they are written: rounded, and `null` where they are no numbers.

/// Powers and energies to a tenth of a watt or watt-hour.
pub(crate) fn watts(value: f64) -> Option<f64> {
    rounded(value, 10.0)
}

/// Shares in percent to a tenth.
pub(crate) fn percent(value: f64) -> Option<f64> {
    rounded(value, 10.0)
}

/// Energies in kWh to a watt-hour.
pub(crate) fn kilowatt_hours(value: f64) -> Option<f64> {
    rounded(value, 1e3)
}

/// Prices and costs to a ten-thousandth of a cent: what a slot costs is small, and a day is the sum of many.
pub(crate) fn money(value: f64) -> Option<f64> {
    rounded(value, 1e6)
}

/// Likelihoods to a thousandth.
pub(crate) fn odds(value: f64) -> Option<f64> {
    rounded(value, 1e3)
}

fn rounded(value: f64, parts: f64) -> Option<f64> {
    let rounded = (value * parts).round() / parts;
    // A minus before a zero looks like a direction.
    rounded.is_finite().then_some(if rounded == 0.0 { 0.0 } else { rounded })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_and_what_is_no_number_is_none() {
        assert_eq!(watts(-820.04), Some(-820.0));
        assert_eq!(money(0.123_456_78), Some(0.123_457));
        assert_eq!(watts(-0.04).map(f64::is_sign_negative), Some(false));
        for hostile in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(money(hostile), None, "{hostile}");
        }
    }
}
