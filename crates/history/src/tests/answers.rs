//! Answers to questions at their edges.

use std::time::Duration;

use ohmstead_model::{DeviceId, Metric, MetricDef, Points, Resolution, UnixMillis, Unknown, Value};

use super::{NOW, SMALL, all, open, power, powers, query, reading, tamper};
use crate::{History, QueryError, Settings};

#[test]
fn an_unknown_observation_leaves_a_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    for (at, observation) in [
        (1, Ok(Value::Number(5.0))),
        (2, Err(Unknown::NotReported)),
        (3, Err(Unknown::implausible("9999 W"))),
        (4, Ok(Value::Number(0.0))),
    ] {
        history.append(&reading("b", at, vec![(Metric::BatteryPower, observation)])).expect("fits");
    }
    assert_eq!(powers(&history), [(1, 5.0), (4, 0.0)]);
    history.commit(NOW).expect("a sound disk");
    assert_eq!(powers(&history), [(1, 5.0), (4, 0.0)]);
}

#[test]
fn a_refused_value_is_named_and_its_neighbours_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let values = vec![
        (Metric::BatteryPower, Ok(Value::Number(f64::NAN))),
        (Metric::BatterySoc, Ok(Value::Number(50.04))),
        (Metric::BatteryMode, Ok(Value::Number(1.0))),
    ];
    let refused = history.append(&reading("b", 1, values)).expect_err("NaN is no value").to_string();
    assert_eq!(
        refused,
        "b: not stored: battery_power (not a finite number), \
         battery_mode (not the kind of value that the catalogue declares)"
    );
    assert_eq!(all(&history, Metric::BatterySoc), [(1, Value::Number(50.0))]);
    assert_eq!(powers(&history), []);
}

#[test]
fn nothing_stored_is_no_points_and_no_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    assert_eq!(powers(&history), []);
    history.append(&power(5, 1.0)).expect("fits");
    for (from, to) in [(6, 100), (0, 5), (5, 5), (9, 1), (i64::MAX, i64::MIN)] {
        for resolution in
            [Resolution::Raw, Resolution::Step(Duration::from_secs(1)), Resolution::MaxPoints(1)]
        {
            let series = history.range(&query(Metric::BatteryPower, from, to, resolution)).expect("readable");
            let empty = match series.points {
                Points::Raw(points) => points.is_empty(),
                Points::Buckets(buckets) => buckets.is_empty(),
            };
            assert!(empty, "{from}..{to} {resolution:?}");
        }
    }
}

#[test]
fn a_too_long_answer_says_which_step_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.backfill((0..1_001).map(|poll| power(poll * 10_000, 1.0))).expect("a sound disk");
    for resolution in [Resolution::Raw, Resolution::Step(Duration::from_millis(1))] {
        let question = query(Metric::BatteryPower, i64::MIN, i64::MAX, resolution);
        let error = history.range(&question).expect_err("1001 points are too many");
        assert_eq!(
            error.to_string(),
            "more than 1000 points: ask for a step of 30 s or more, or for a shorter time"
        );
        let QueryError::TooManyPoints { step, .. } = error else { panic!("{error}") };
        let question = query(Metric::BatteryPower, i64::MIN, i64::MAX, Resolution::Step(step.0));
        assert!(history.range(&question).is_ok());
    }
    let question = query(Metric::BatteryPower, 0, 10_000_000, Resolution::Raw);
    assert!(history.range(&question).is_ok(), "a thousand fit");
}

#[test]
fn a_step_of_nothing_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let step = Resolution::Step(Duration::from_nanos(999_999));
    let error = open(folder.path()).range(&query(Metric::BatteryPower, 0, 9, step));
    assert!(matches!(error, Err(QueryError::NoStep)), "{error:?}");
}

#[test]
fn of_states_a_step_gives_the_last_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    for (at, mode) in [(1, "auto"), (8, "idle"), (12, "charge"), (35, "auto"), (39, "idle")] {
        let values = vec![(Metric::BatteryMode, Ok(Value::State(mode)))];
        history.append(&reading("b", at, values)).expect("fits");
    }
    let step = Resolution::Step(Duration::from_millis(10));
    let series = history.range(&query(Metric::BatteryMode, 0, 100, step)).expect("readable");
    let expected = [(8, "idle"), (12, "charge"), (39, "idle")];
    let points = expected.map(|(at, mode)| (UnixMillis(at), Value::State(mode))).to_vec();
    assert_eq!((series.step, series.points), (Some(Duration::from_millis(10)), Points::Raw(points)));
}

#[test]
fn devices_and_the_site_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let mut site = power(1, 7.0);
    site.device = DeviceId::site();
    history.append(&site).expect("fits");
    history.append(&power(1, 5.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    drop(history);
    let history = open(folder.path());
    let last: Vec<_> = history.last_values().expect("readable").into_iter().collect();
    let last: Vec<_> = last.iter().map(|last| (last.device.as_str(), &last.value)).collect();
    assert_eq!(last, [("b", &Value::Number(5.0)), ("site", &Value::Number(7.0))]);
}

#[test]
fn a_metric_that_the_catalogue_lost_is_kept_but_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.append(&power(1, 5.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    drop(history);
    tamper(folder.path(), "UPDATE series SET metric = 'flux_capacitor'");
    let history = open(folder.path());
    assert_eq!(history.last_values().expect("readable"), []);
    assert_eq!(history.series().expect("readable")[0].metric, "flux_capacitor");
    assert_eq!(history.stats().expect("readable").points, 1);
}

const fn voltage_of(decimals: u8) -> MetricDef {
    let like = Metric::BatteryVoltage.def();
    MetricDef {
        id: "test_voltage",
        unit: like.unit,
        decimals,
        sign: like.sign,
        kind: like.kind,
        poll: like.poll,
        ha: like.ha,
        label: like.label,
    }
}

static TENTHS: MetricDef = voltage_of(1);
static THOUSANDTHS: MetricDef = voltage_of(3);

/// The catalogue changes its mind about the resolution, in either direction; no stored digit is lost.
#[test]
fn a_metric_that_became_finer_or_coarser_keeps_its_old_values() {
    let (coarse, fine) = (Metric::new(&TENTHS), Metric::new(&THOUSANDTHS));
    let voltage = |metric, at, volts| reading("b", at, vec![(metric, Ok(Value::Number(volts)))]);
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    // Some sealed, one in the head, one waiting.
    history.backfill((0..7).map(|at| voltage(coarse, at, 51.26))).expect("a sound disk");
    history.append(&voltage(coarse, 7, 51.26)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    history.append(&voltage(coarse, 8, 51.26)).expect("fits");
    let mut expected: Vec<_> = (0..9).map(|at| (at, Value::Number(51.3))).collect();
    assert_eq!(all(&history, coarse), expected);

    history.append(&voltage(fine, 9, 51.2345)).expect("fits");
    expected.push((9, Value::Number(51.235)));
    assert_eq!(all(&history, fine), expected, "before the commit that rewrites the blocks");
    history.commit(NOW).expect("a sound disk");
    assert_eq!(all(&history, fine), expected, "after it");
    drop(history);

    let history = open(folder.path());
    assert_eq!(all(&history, fine), expected, "after a restart");
    history.append(&voltage(coarse, 10, 51.26)).expect("fits");
    expected.push((10, Value::Number(51.3)));
    for at in 0..20 {
        history.append(&power(at, 0.0)).expect("fits");
        history.commit(NOW).expect("a sound disk");
    }
    assert_eq!(all(&history, coarse), expected, "coarse again, and sealed");
}

#[test]
fn a_metric_of_a_drivers_own_is_known_again_after_a_restart() {
    static OWN: MetricDef = MetricDef { id: "voltronic_test", ..voltage_of(3) };
    let own = Metric::new(&OWN);
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.append(&reading("b", 1, vec![(own, Ok(Value::Number(1.5)))])).expect("fits");
    history.commit(NOW).expect("a sound disk");
    drop(history);
    let device = "b".parse().expect("a valid name");
    assert!(open(folder.path()).metrics_of(&device).is_empty(), "nobody says what it is");
    let knowing =
        History::open_within(folder.path(), &Settings::default(), &jiff::tz::TimeZone::UTC, &[own], SMALL)
            .expect("opens");
    assert_eq!(knowing.metrics_of(&device), [own]);
    assert_eq!(knowing.last_values().expect("readable").len(), 1);
}
