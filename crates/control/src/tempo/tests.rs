use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use ohmstead_model::{DeviceInfo, Observed, Role, UnixMillis, Value};
use rstest::rstest;

use super::*;

fn at(text: &str) -> Moment {
    let instant: Timestamp = text.parse().unwrap();
    Moment { unix: UnixMillis(instant.as_millisecond()), ..Moment::default() }
}

fn house(now: Moment, soc: Option<f64>) -> Snapshot {
    let mut info = DeviceInfo::new("a".parse().unwrap(), "test", "nowhere");
    info.roles = vec![Role::Battery];
    let mut device = DeviceState::new(Arc::new(info));
    if let Some(soc) = soc {
        device.values.insert(Metric::BatterySoc, Observed { observation: Ok(Value::Number(soc)), at: now });
    }
    let mut snapshot = Snapshot::default();
    snapshot.insert(device);
    snapshot
}

/// Days from Monday 5 January 2026 on: b, w, r, and `?` for one that nobody told.
fn colours(letters: &str) -> Colours {
    let monday: Date = "2026-01-05".parse().unwrap();
    let days = monday.series(jiff::ToSpan::days(1)).zip(letters.chars());
    let colour = |letter| match letter {
        'b' => Some(TempoColour::Blue),
        'w' => Some(TempoColour::White),
        'r' => Some(TempoColour::Red),
        _ => None,
    };
    days.filter_map(|(date, letter)| Some((date, colour(letter)?))).collect()
}

fn asked(letters: &str, now: &str, soc: Option<f64>, was: Option<BatteryMode>, yaml: &str) -> String {
    let (now, settings) = (at(now), serde_saphyr::from_str(yaml).unwrap());
    let (snapshot, prices, colours) = (house(now, soc), PriceTable::with(&[], &[]), colours(letters));
    let confirmed: BTreeMap<DeviceId, BatteryMode> =
        was.into_iter().map(|mode| ("a".parse().unwrap(), mode)).collect();
    let view = View { snapshot: &snapshot, confirmed: &confirmed, colours: &colours, prices: &prices };
    match propose(view, now, &settings).as_slice() {
        [] => "-".to_owned(),
        [one] => format!("{} ({})", one.wants.as_ref().unwrap(), one.reason.code()),
        more => panic!("{more:?} for one battery"),
    }
}

const FILLING: Option<BatteryMode> = Some(BatteryMode::Charge { power: None, until: None });

#[rstest]
// The night belongs to Monday until 06:00 of Tuesday, 05:00 UTC in winter.
#[case::in_peak_hours("br", "2026-01-05T20:59:59Z", "-")]
#[case::night_begins("br", "2026-01-05T21:00:00Z", "charge until 100 % (before_red)")]
#[case::after_midnight("br", "2026-01-06T04:59:59Z", "charge until 100 % (before_red)")]
#[case::red_day_begins("br", "2026-01-06T05:00:00Z", "-")]
#[case::between_two_red_days("rr", "2026-01-05T23:00:00Z", "charge until 100 % (before_red)")]
#[case::blue_after_red("rb", "2026-01-05T23:00:00Z", "-")]
#[case::blue_after_blue("bb", "2026-01-05T23:00:00Z", "-")]
// 0.1730 - 0.1232 / 0.88 - 0.03 = 0.3 ct; 0.1730 - 0.1391 / 0.88 - 0.03 < 0.
#[case::white_after_blue("bw", "2026-01-05T23:00:00Z", "charge until 100 % (before_white)")]
#[case::white_after_white("ww", "2026-01-05T23:00:00Z", "hold (kept_for_dearer)")]
#[case::not_told("b", "2026-01-05T21:00:00Z", "charge until 100 % (may_be_red)")]
#[case::today_neither("?r", "2026-01-05T21:00:00Z", "charge until 100 % (before_red)")]
#[case::nothing_told_at_all("", "2026-01-05T21:00:00Z", "charge until 100 % (may_be_red)")]
fn a_night_depends_on_both_colours(#[case] letters: &str, #[case] now: &str, #[case] expected: &str) {
    assert_eq!(asked(letters, now, Some(40.0), None, "{}"), expected);
}

#[rstest]
#[case::not_full("{}", 96.0, None, "charge until 100 % (before_red)")]
#[case::full("{}", 100.0, FILLING, "hold (kept_for_red)")]
#[case::nearly_full_and_filling("{}", 98.0, FILLING, "charge until 100 % (before_red)")]
#[case::fell_a_little("{}", 98.0, Some(BatteryMode::Hold), "hold (kept_for_red)")]
#[case::less_is_enough("{ red: 80 % }", 81.0, FILLING, "hold (kept_for_red)")]
#[case::with_a_power("{ red: 80 %, power: 800 W }", 50.0, None, "charge 800 W until 80 % (before_red)")]
#[case::another_battery("{ batteries: [b] }", 50.0, None, "-")]
fn it_is_filled_as_far_as_the_owner_says(
    #[case] yaml: &str,
    #[case] soc: f64,
    #[case] was: Option<BatteryMode>,
    #[case] expected: &str,
) {
    assert_eq!(asked("br", "2026-01-05T23:00:00Z", Some(soc), was, yaml), expected);
}

#[rstest]
#[case::white_never("bw", "{ white: 0 }", "hold (kept_for_dearer)")]
#[case::white_is_not_worth_the_wear("bw", "{ wear: 10 ct/kWh }", "hold (kept_for_dearer)")]
#[case::unknown_is_not_red("b?", "{ unknown_is_red: false }", "charge until 100 % (colour_unknown)")]
#[case::unknown_and_not_worth_it("b?", "{ unknown_is_red: false, wear: 30 ct/kWh }", "-")]
fn what_pays_is_the_owners_to_say(#[case] letters: &str, #[case] yaml: &str, #[case] expected: &str) {
    assert_eq!(asked(letters, "2026-01-05T23:00:00Z", Some(40.0), None, yaml), expected);
}

#[test]
fn of_a_battery_of_which_nothing_is_known_nothing_is_asked() {
    assert_eq!(asked("br", "2026-01-05T23:00:00Z", None, None, "{}"), "-");
}

#[rstest]
#[case("{ red: 120 % }", "0 % to 100 %")]
#[case("{ efficiency: 5 % }", "50 % to 100 %")]
#[case("{ colour: red }", "colour")]
fn a_wrong_setting_says_what_is_wrong(#[case] yaml: &str, #[case] why: &str) {
    let error = serde_saphyr::from_str::<Settings>(yaml).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}
