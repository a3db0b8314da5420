//! Whether a unit that calls itself PI30 is a Sorotec REVO. Pure.
//!
//! A REVO answers `QPI` as every PI30 does and means other things by the same fields: watts for amperes, the energy of the
//! day for the discharging current. Taken for a PI30 it would tell of a battery that does not exist, and be written to.
//!
//! ```text
//! QLITH0: an answer --> REVO
//!         a clear no + ratings that are not a REVO's --> PI30, settled
//!         silence, noise --> open: read without what differs, never written to, asked again
//! QPIRI, QPIGS at any time: reserved fields, watts, watt hours --> REVO
//! ```

use ohmstead_model::Metric;

use super::families::Family;
use super::native;
use super::table;

/// What speaks against a REVO so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// It has refused, on a clear line, the question that only a REVO answers.
    pub(crate) refused: bool,
    /// Its ratings were seen, and they can only be those of a PI30.
    pub(crate) rated: bool,
    /// Its ratings were seen; they may be those of either.
    pub(crate) told: bool,
}

impl Doubt {
    /// Whether a unit that is taken for one of this family may still be a REVO.
    pub(crate) fn remains(self, family: Family) -> bool {
        matches!(family, Family::Pi30 | Family::Pi30Max) && !(self.refused && self.rated)
    }

    /// Takes in ratings that show no sign of a REVO.
    pub(crate) fn take_ratings(&mut self, body: &str) {
        self.told = true;
        self.rated |= is_pi30(body);
    }
}

/// Whether ratings are those of a PI30 and no REVO's: a PI30 charges with some current, and one of its priorities, its
/// input range or its voltage back to the battery is other than zero, or else nothing tells it from reserved fields.
fn is_pi30(body: &str) -> bool {
    let fields = table::split(body, false);
    let number = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let set = [15, 16, 17, 22].iter().any(|index| number(*index).is_some_and(|number| number > 0.0));
    set && number(14).is_some_and(|amperes| amperes > 0.0)
}

/// Field 12 of `QPIGS` in whole numbers: no charger of these has so many amperes.
const AMPERES_MAX: f64 = 250.0;
/// From here on field 12 is compared with field 19, which is watts on every unit that has it.
const WATTS_LEAST: f64 = 20.0;
/// No battery of these gives so many amperes: watt hours.
const DISCHARGE_MAX: f64 = 600.0;

/// What in an answer shows that it is a REVO's, if anything does.
pub(crate) fn sign(command: &str, body: &str) -> Option<&'static str> {
    let fields = table::split(body, false);
    let whole = |index: usize| {
        let text = fields.get(index)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<f64>().ok())?
    };
    match command {
        // Every PI30 charges with some current altogether.
        "QPIRI" => {
            let charges = whole(13).is_some_and(|amperes| amperes > 0.0);
            (charges && whole(14) == Some(0.0)).then_some("field 14 is reserved")
        }
        "QPIGS" => {
            let (field_12, field_19) = (whole(12), whole(19));
            let is_watts = field_12.is_some_and(|number| {
                let same = field_19.is_some_and(|watts| (watts - number).abs() <= 2.0);
                number > AMPERES_MAX || (number >= WATTS_LEAST && same)
            });
            if is_watts {
                return Some("field 12 is watts");
            }
            whole(15).is_some_and(|number| number > DISCHARGE_MAX).then_some("field 15 is watt hours")
        }
        _ => None,
    }
}

/// Whether a value means the same on a REVO, so that it may be told while it is not known which of them it is.
pub(crate) fn is_common(command: &str, metric: Metric) -> bool {
    const OTHERWISE: &[Metric] =
        &[Metric::PvPower, Metric::PvPower1, Metric::ChargeCurrentMax, native::CHARGE_CURRENT];
    let Some(query) = Family::Revo.query(command) else { return true };
    query.metrics.contains(&metric) && !OTHERWISE.contains(&metric)
}

/// Whether an answer to the question that only a REVO knows is one.
pub(crate) fn is_lithium(body: &str) -> bool {
    let fields = table::split(body, false);
    let decimal = |index: usize| fields.get(index).is_some_and(|field| field.contains('.'));
    let digits = |index: usize| {
        fields
            .get(index)
            .is_some_and(|text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    // Older units tell of their solar chargers in twelve fields too: five digits in the fourth.
    fields.len() == 12 && (0..3).all(decimal) && (3..6).all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::reserved(
        "QPIRI",
        "230.0 21.7 230.0 50.0 21.7 5000 5000 48.0 44.0 42.0 56.4 54.0 2 60 000 0 0 0 9 01 0 0 00.0 0 1",
        true
    )]
    #[case::pi30(
        "QPIRI",
        "230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 2 1 9 01 0 0 54.0 0 1",
        false
    )]
    #[case::grid_first(
        "QPIRI",
        "230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 0 0 9 01 0 0 54.0 0 1",
        false
    )]
    #[case::watts(
        "QPIGS",
        "231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 1260 241.6 53.15 00000 00010110 00 00 00000 010",
        true
    )]
    #[case::few_watts(
        "QPIGS",
        "231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 0061 241.6 53.15 00000 00010110 00 00 00061 010",
        true
    )]
    #[case::watt_hours(
        "QPIGS",
        "231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 0000 000.0 53.15 04810 00010110 00 00 00000 010",
        true
    )]
    #[case::amperes(
        "QPIGS",
        "231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 0009 241.6 53.15 00000 00010110 00 00 00478 010",
        false
    )]
    #[case::tenths(
        "QPIGS",
        "231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 06.4 241.6 53.15 00080 00010110 00 00 00478 010",
        false
    )]
    #[case::night(
        "QPIGS",
        "231.4 49.9 229.9 50.0 0487 0402 009 381 53.10 007 084 0041 0000 000.0 00.00 00012 00010110",
        false
    )]
    fn signs(#[case] command: &str, #[case] body: &str, #[case] is_revo: bool) {
        assert_eq!(sign(command, body).is_some(), is_revo);
    }

    #[test]
    fn a_clear_no_and_ratings_settle_it() {
        let of = |refused, rated| Doubt { refused, rated, told: true }.remains(Family::Pi30);
        assert!(of(false, false) && of(true, false) && of(false, true) && !of(true, true));
        assert!(!Doubt::default().remains(Family::Pi41) && !Doubt::default().remains(Family::Revo));
    }

    #[rstest]
    #[case(
        "230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 2 1 9 01 0 0 54.0 0 1",
        true
    )]
    #[case(
        "230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 0 0 9 01 0 0 54.0 0 1",
        true
    )]
    #[case::nothing_set(
        "230.0 21.7 230.0 50.0 21.7 5000 5000 48.0 44.0 42.0 56.4 54.0 2 60 060 0 0 0 9 01 0 0 00.0 0 1",
        false
    )]
    #[case::dashes(
        "230.0 21.7 230.0 50.0 21.7 5000 5000 48.0 44.0 42.0 56.4 54.0 2 60 --- 0 1 0 9 01 0 0 00.0 0 1",
        false
    )]
    fn ratings_of_either_settle_nothing(#[case] body: &str, #[case] rated: bool) {
        let mut doubt = Doubt::default();
        doubt.take_ratings(body);
        assert_eq!((doubt.rated, doubt.told, sign("QPIRI", body)), (rated, true, None));
    }

    #[test]
    fn a_second_charger_is_no_lithium_battery() {
        assert!(is_lithium("048.8 000.0 000.9 250 024 000 052.5 010.0 053.5 004.4 0 2"));
        assert!(!is_lithium("03.1 327.3 52.3 01016 1 000 00000 02.0 310.5 52.3 00620 02114"));
    }

    #[test]
    fn what_means_the_same_is_told() {
        assert!(is_common("QPIGS", Metric::LoadPower) && is_common("QMOD", Metric::InverterMode));
        assert!(!is_common("QPIGS", Metric::BatteryPower) && !is_common("QPIGS", Metric::PvPower));
        assert!(!is_common("QPIRI", Metric::OutputPriority));
    }
}
