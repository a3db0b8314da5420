//! The forecaster against simple rules on a real home in France, day by day over a winter: each day is foretold at its
//! midnight from what was known then. The first table must come out as it was published for these rules, which proves that
//! both are judged alike.
//!
//! Days are civil days in Paris, without the last one, which is not whole. A rule of means says nothing where one of its days
//! lacks; "mean 28 d" and "median 14 d" leave such days out.
#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test, as it should")]
#![expect(clippy::print_stdout, reason = "the table of errors is what one runs this for")]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ohmstead_forecast::{Step, load};
use ohmstead_model::{Band, TimeSpan, Timeline, UnixMillis};

const HALF_HOUR: Duration = Duration::from_secs(1800);

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

/// The measured load, where the folder with it is at hand.
fn measured() -> Option<Timeline<f64>> {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return None;
    };
    let path = std::path::Path::new(&shared).join("data/optim/home_fr_30min_2024-09_2025-02.csv");
    let text = std::fs::read_to_string(path).expect("the home's measured load");
    let slots = text.lines().skip(1).filter_map(|line| {
        let mut columns = line.split(',');
        let start: Timestamp = columns.next()?.parse().unwrap();
        let load: f64 = columns.next()?.parse().ok()?;
        Some((TimeSpan::lasting(UnixMillis(start.as_millisecond()), HALF_HOUR), load))
    });
    Some(Timeline::of(slots))
}

/// Loads by civil day and half hour; an hour that comes twice counts with its mean.
type Days = BTreeMap<Date, [Option<f64>; 48]>;

fn civil_days(load: &Timeline<f64>) -> Days {
    let mut sums: BTreeMap<(Date, usize), (f64, f64)> = BTreeMap::new();
    for (span, load) in load.slots() {
        let civil = paris().to_datetime(Timestamp::from_millisecond(span.start.0).unwrap());
        let slot = usize::try_from(civil.hour() * 2 + civil.minute() / 30).unwrap();
        let sum = sums.entry((civil.date(), slot)).or_default();
        *sum = (sum.0 + load, sum.1 + 1.0);
    }
    let mut days = Days::new();
    for ((date, slot), (sum, count)) in sums {
        days.entry(date).or_insert([None; 48])[slot] = Some(sum / count);
    }
    days
}

/// Mean absolute error and root of the mean squared error, and of how many half hours.
#[derive(Debug, Clone, Copy)]
struct Errors {
    mae: f64,
    rmse: f64,
    count: usize,
}

fn errors(pairs: impl Iterator<Item = (f64, f64)>) -> Errors {
    let off: Vec<f64> = pairs.map(|(used, foretold)| used - foretold).collect();
    let count = off.len();
    let mean = |sum: f64| sum / count as f64;
    let mae = mean(off.iter().map(|off| off.abs()).sum());
    Errors { mae, rmse: mean(off.iter().map(|off| off * off).sum()).sqrt(), count }
}

fn evaluated() -> impl Iterator<Item = Date> {
    let last: Date = "2025-02-26".parse().unwrap();
    "2024-10-01".parse::<Date>().unwrap().series(1.day()).take_while(move |date| *date <= last)
}

/// What days so many days ago used at this time of day.
fn ago(days: &Days, date: Date, slot: usize, lags: impl Iterator<Item = i64>) -> Vec<Option<f64>> {
    lags.map(|lag| days.get(&date.checked_sub(lag.days()).unwrap())?[slot]).collect()
}

fn mean_of_all(values: Vec<Option<f64>>) -> Option<f64> {
    let values: Option<Vec<f64>> = values.into_iter().collect();
    mean_of_known(values?.into_iter().map(Some).collect())
}

fn mean_of_known(values: Vec<Option<f64>>) -> Option<f64> {
    let known: Vec<f64> = values.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn median_of_known(values: Vec<Option<f64>>) -> Option<f64> {
    let mut known: Vec<f64> = values.into_iter().flatten().collect();
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    match known.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(known[middle]),
        _ => Some(f64::midpoint(known[middle - 1], known[middle])),
    }
}

fn half_and_half(days: &Days, date: Date, slot: usize) -> Option<f64> {
    let weekday = mean_of_all(ago(days, date, slot, (7..=28).step_by(7)))?;
    let week = mean_of_all(ago(days, date, slot, 1..=7))?;
    Some(f64::midpoint(weekday, week))
}

fn judge(days: &Days, mut rule: impl FnMut(Date, usize) -> Option<f64>) -> Errors {
    let half_hours = evaluated().flat_map(|date| (0..48).map(move |slot| (date, slot)));
    errors(half_hours.filter_map(|(date, slot)| Some((days.get(&date)?[slot]?, rule(date, slot)?))))
}

/// The forecasts of all days, each made at its midnight, by civil half hour.
fn forecasts(load: &Timeline<f64>, step: Step) -> BTreeMap<(Date, usize), Vec<Band>> {
    forecasts_made_at(load, step, 0)
}

/// The forecasts of what is left of all days at an hour of them.
fn forecasts_made_at(load: &Timeline<f64>, step: Step, hour: i8) -> BTreeMap<(Date, usize), Vec<Band>> {
    let mut all: BTreeMap<(Date, usize), Vec<Band>> = BTreeMap::new();
    let zone = paris();
    for date in evaluated() {
        let midnight = date.at(hour, 0, 0, 0).to_zoned(zone.clone()).unwrap().timestamp().as_millisecond();
        let house = load::House { load_w: load, temperature_c: &Timeline::default(), zone: &zone };
        let foretold = load::forecast(house, UnixMillis(midnight), Duration::from_secs(26 * 3600), step);
        for (span, band) in foretold.slots() {
            let civil = zone.to_datetime(Timestamp::from_millisecond(span.start.0).unwrap());
            let slot = usize::try_from(civil.hour() * 2 + civil.minute() / 30).unwrap();
            if civil.date() == date {
                all.entry((date, slot)).or_default().push(*band);
            }
        }
    }
    all
}

/// What a rule says of a half hour of a day.
type Rule<'r> = Box<dyn FnMut(Date, usize) -> Option<f64> + 'r>;

fn show(name: &str, errors: Errors) {
    println!("{name:24} MAE {:6.1} W  RMSE {:7.1} W  ({} half hours)", errors.mae, errors.rmse, errors.count);
}

#[test]
fn the_simple_rules_come_out_as_published() {
    let Some(load) = measured() else { return };
    let days = civil_days(&load);
    let rules: [(&str, f64, f64, Rule<'_>); 7] = [
        ("yesterday", 664.0, 1061.0, Box::new(|date, slot| mean_of_all(ago(&days, date, slot, 1..=1)))),
        ("last week", 749.0, 1143.0, Box::new(|date, slot| mean_of_all(ago(&days, date, slot, 7..=7)))),
        ("mean 7 d", 603.0, 887.0, Box::new(|date, slot| mean_of_all(ago(&days, date, slot, 1..=7)))),
        ("mean 28 d", 603.0, 896.0, Box::new(|date, slot| mean_of_known(ago(&days, date, slot, 1..=28)))),
        (
            "4 same weekdays",
            624.0,
            932.0,
            Box::new(|date, slot| mean_of_all(ago(&days, date, slot, (7..=28).step_by(7)))),
        ),
        ("median 14 d", 592.0, 952.0, Box::new(|date, slot| median_of_known(ago(&days, date, slot, 1..=14)))),
        ("weekday-4 + mean-7", 575.0, 849.0, Box::new(|date, slot| half_and_half(&days, date, slot))),
    ];
    for (name, mae, rmse, rule) in rules {
        let errors = judge(&days, rule);
        show(name, errors);
        assert!((errors.mae - mae).abs() < 1.6 && (errors.rmse - rmse).abs() < 1.6, "{name}: {errors:?}");
    }
}

#[test]
fn the_forecaster_beats_them() {
    let Some(load) = measured() else { return };
    let days = civil_days(&load);
    let foretold = forecasts(&load, Step::HalfHour);
    let of = |pick: fn(&Band) -> f64| {
        let foretold = &foretold;
        move |date: Date, slot: usize| {
            let bands = foretold.get(&(date, slot))?;
            Some(bands.iter().map(pick).sum::<f64>() / bands.len() as f64)
        }
    };
    let comparable = |date, slot| half_and_half(&days, date, slot).is_some();
    for (name, pick) in [("mean", (|band| band.mean) as fn(&Band) -> f64), ("median", |band| band.p50)] {
        let rule = of(pick);
        let same = judge(&days, |date, slot| rule(date, slot).filter(|_| comparable(date, slot)));
        let all = judge(&days, &rule);
        show(&format!("{name}, same half hours"), same);
        show(&format!("{name}, all half hours"), all);
        assert!(all.count > 7100 && same.count > 6600);
        for errors in [same, all] {
            assert!(errors.mae < 575.0 && errors.rmse < 849.0, "{name}: {errors:?}");
        }
    }
    for month in [10, 11, 12, 1, 2] {
        let of_month = |date: Date, slot| date.month() == month && comparable(date, slot);
        let rule = of(|band| band.mean);
        let ours = judge(&days, |date, slot| rule(date, slot).filter(|_| of_month(date, slot)));
        let simple =
            judge(&days, |date, slot| half_and_half(&days, date, slot).filter(|_| of_month(date, slot)));
        show(&format!("month {month}, mean"), ours);
        show(&format!("month {month}, weekday-4 + mean-7"), simple);
        assert!(ours.rmse < simple.rmse, "month {month}");
    }
    let energy = evaluated().filter_map(|date| {
        let whole = |values: &mut dyn Iterator<Item = Option<f64>>| {
            values.sum::<Option<f64>>().map(|sum| sum / 2000.0)
        };
        let used = whole(&mut days[&date].iter().copied())?;
        let rule = of(|band| band.mean);
        Some((used, whole(&mut (0..48).map(|slot| rule(date, slot)))?))
    });
    let energy = errors(energy);
    println!(
        "energy of a day: MAE {:.2} kWh, RMSE {:.2} kWh ({} days)",
        energy.mae, energy.rmse, energy.count
    );
    assert!(energy.mae < 6.0, "{energy:?}");
}

/// Two days ahead less is known; it must still beat the simple rules of one day ahead.
#[test]
fn the_second_day_is_foretold_nearly_as_well() {
    let Some(load) = measured() else { return };
    let days = civil_days(&load);
    let zone = paris();
    let mut pairs = Vec::new();
    for date in evaluated().filter(|date| days.contains_key(&date.tomorrow().unwrap())) {
        let at = |date: Date| UnixMillis(date.to_zoned(zone.clone()).unwrap().timestamp().as_millisecond());
        let house = load::House { load_w: &load, temperature_c: &Timeline::default(), zone: &zone };
        let foretold = load::forecast(house, at(date), Duration::from_secs(50 * 3600), Step::HalfHour);
        let tomorrow = date.tomorrow().unwrap();
        let window = TimeSpan::new(at(tomorrow), at(tomorrow.tomorrow().unwrap()));
        let used = load.within(window);
        pairs.extend(used.zip(&foretold, |_, used, band| (*used, *band)).slots().map(|(_, pair)| *pair));
    }
    let second = errors(pairs.iter().map(|(used, band)| (*used, band.mean)));
    show("second day, mean", second);
    let below = |level: usize| {
        pairs.iter().filter(|(used, band)| *used < band.quantiles()[level]).count() as f64
            / pairs.len() as f64
    };
    println!("second day: {:.3?} lie below the quantiles", [0, 1, 2, 3, 4].map(below));
    assert!(second.rmse < 887.0 && second.mae < 603.0, "{second:?}");
    assert!((0..5).all(|level| (below(level) - Band::LEVELS[level]).abs() < 0.04));
}

/// What was seen since midnight makes the next hours of the day surer, on the whole.
#[test]
fn a_later_forecast_is_a_better_one() {
    let Some(load) = measured() else { return };
    let days = civil_days(&load);
    let at_midnight = forecasts(&load, Step::HalfHour);
    let mut pairs: [[Vec<(f64, f64)>; 2]; 3] = Default::default();
    for hour in (2..24).step_by(3) {
        let late = forecasts_made_at(&load, Step::HalfHour, hour);
        for ((date, slot), bands) in &late {
            let Some(used) = days[date][*slot] else { continue };
            let ahead = slot - usize::try_from(hour).unwrap() * 2;
            let group = [2, 8].iter().filter(|end| ahead >= **end).count();
            pairs[group][0].push((used, at_midnight[&(*date, *slot)][0].mean));
            pairs[group][1].push((used, bands[0].mean));
        }
    }
    for (name, [early, late]) in ["first hour", "hours 2 to 4", "rest of the day"].into_iter().zip(pairs) {
        let (early, late) = (errors(early.into_iter()), errors(late.into_iter()));
        show(&format!("{name}, at midnight"), early);
        show(&format!("{name}, at its time"), late);
        assert!(late.rmse < early.rmse && late.mae < early.mae, "{name}");
    }
}

#[test]
fn quantiles_hold_what_they_promise() {
    let Some(load) = measured() else { return };
    let days = civil_days(&load);
    let foretold = forecasts(&load, Step::HalfHour);
    let pairs: Vec<(usize, f64, Band)> = foretold
        .iter()
        .filter_map(|((date, slot), bands)| Some((slot / 12, days[date][*slot]?, bands[0])))
        .collect();
    for (index, level) in Band::LEVELS.iter().enumerate() {
        let share = |of: &dyn Fn(usize) -> bool| {
            let of: Vec<_> = pairs.iter().filter(|(quarter, _, _)| of(*quarter)).collect();
            let below = of.iter().filter(|(_, used, band)| *used < band.quantiles()[index]).count();
            below as f64 / of.len() as f64
        };
        let all = share(&|_| true);
        let quarters = [0, 1, 2, 3].map(|wanted| share(&|quarter| quarter == wanted));
        println!(
            "p{:.0}: {all:.3} of {} lie below; by quarter of the day {quarters:.3?}",
            level * 100.0,
            pairs.len()
        );
        assert!((all - level).abs() < 0.02, "p{level}: {all}");
        assert!(quarters.iter().all(|share| (share - level).abs() < 0.05), "p{level}: {quarters:?}");
    }
}
