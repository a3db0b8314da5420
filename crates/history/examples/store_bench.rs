//! Measures the store on a simulated month of one house: bytes for each value, and how fast it is.
//!
//! `cargo run --release -p ohmstead-history --example store_bench [DAYS]`

#![expect(clippy::print_stdout, reason = "its output is the purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::time::{Duration, Instant};

use ohmstead_history::{History, Settings};
use ohmstead_model::catalogue::{Kind, PollClass};
use ohmstead_model::{DeviceId, Metric, Moment, Reading, Resolution, SeriesQuery, UnixMillis, Value};

const START: i64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;

fn main() -> anyhow::Result<()> {
    let days: i64 = std::env::args().nth(1).map_or(Ok(30), |days| days.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    println!("live: one day, a commit each minute");
    let history = History::open(folder.path(), &Settings::default(), &[])?;
    live(&history)?;
    drop(history);
    let (history, took) = timed(|| History::open(folder.path(), &Settings::default(), &[]))?;
    println!("  reopened in {took:.1?}");
    println!("backfill: {days} days");
    let mut house = House::new(START - days * DAY_MS);
    let readings: Vec<Reading> = std::iter::from_fn(|| house.next(START)).collect();
    let (stored, took) = timed(|| history.backfill(readings.into_iter()))?;
    println!("  {stored} values in {took:.1?}: {:.0} values/s", stored as f64 / took.as_secs_f64());
    figures(&history)?;
    for (name, metric, span_days, resolution) in [
        ("24 h of battery power, raw", Metric::BatteryPower, 1, Resolution::Raw),
        ("24 h of battery power, 2000 points", Metric::BatteryPower, 1, Resolution::MaxPoints(2_000)),
        (
            "all of battery power, 1 h",
            Metric::BatteryPower,
            days,
            Resolution::Step(Duration::from_secs(3_600)),
        ),
        ("all of battery mode, 2000 points", Metric::BatteryMode, days, Resolution::MaxPoints(2_000)),
    ] {
        let query = SeriesQuery {
            device: "battery_0".parse()?,
            metric,
            from: UnixMillis(START - span_days * DAY_MS),
            to: UnixMillis(START),
            resolution,
        };
        let mut took: Vec<Duration> = (0..20)
            .map(|_| timed(|| history.range(&query)).map(|(_, took)| took))
            .collect::<Result<_, _>>()?;
        took.sort();
        println!("  {name}: median {:.2?}, worst of 20 {:.2?}", took[10], took[19]);
    }
    let (values, took) = timed(|| history.last_values())?;
    println!("  last values of {} series: {took:.2?}", values.len());
    Ok(())
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let start = Instant::now();
    work().map(|done| (done, start.elapsed()))
}

/// A day as the daemon lives it.
fn live(history: &History) -> anyhow::Result<()> {
    let mut house = House::new(START);
    let (mut appended, mut commit_due) = (0usize, START + 60_000);
    let (mut append, mut commit, mut worst) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    while let Some(reading) = house.next(START + DAY_MS) {
        appended += reading.values.len();
        append += timed(|| history.append(&reading))?.1;
        if reading.at.unix.0 >= commit_due {
            commit_due += 60_000;
            let took = timed(|| history.commit(reading.at.unix))?.1;
            commit += took;
            worst = worst.max(took);
        }
    }
    println!("  {appended} values; append {append:.1?}, 1440 commits {commit:.1?}, the longest {worst:.1?}");
    figures(history)
}

fn figures(history: &History) -> anyhow::Result<()> {
    let stats = history.stats()?;
    println!(
        "  {} values in {} series, {} bytes: {:.2} bytes/value",
        stats.points,
        stats.series,
        stats.bytes,
        stats.bytes_per_point.unwrap_or(f64::NAN)
    );
    Ok(())
}

/// Five devices that report every core metric at the pace of its poll class, with noise and poll jitter.
struct House {
    values: Vec<f64>,
    next_poll: Vec<(i64, usize, PollClass)>,
    random: fastrand::Rng,
}

impl House {
    fn new(from: i64) -> Self {
        let classes = [PollClass::Fast, PollClass::Medium, PollClass::Slow];
        let next_poll = (0..5).flat_map(|device| classes.map(|class| (from, device, class))).collect();
        let metrics = ohmstead_model::catalogue::CORE.len();
        Self { values: vec![500.0; 5 * metrics], next_poll, random: fastrand::Rng::with_seed(7) }
    }

    fn next(&mut self, until: i64) -> Option<Reading> {
        let next = (0..self.next_poll.len()).min_by_key(|index| self.next_poll[*index].0)?;
        let (at, device, class) = self.next_poll[next];
        self.next_poll[next].0 += match class {
            PollClass::Fast => 10_000,
            PollClass::Medium => 60_000,
            PollClass::Slow => 300_000,
        };
        let at = UnixMillis(at + self.random.i64(0..50));
        let metrics = ohmstead_model::catalogue::CORE;
        let polled = metrics.iter().enumerate().filter(|(_, metric)| metric.def().poll == class);
        let values = polled
            .map(|(index, metric)| (*metric, Ok(self.value(device * metrics.len() + index, *metric))))
            .collect();
        let id: DeviceId = format!("battery_{device}").parse().expect("a valid name");
        (at.0 < until).then_some(Reading { device: id, at: Moment { unix: at, ..Moment::default() }, values })
    }

    fn value(&mut self, index: usize, metric: Metric) -> Value {
        let value = &mut self.values[index];
        let unit = 10f64.powi(-i32::from(metric.def().decimals));
        match metric.def().kind {
            Kind::Gauge => {
                // A walk of some tens of units a poll for powers, of a unit or two for the rest.
                let reach = if metric.def().decimals == 0 { 25.0 } else { 2.0 };
                *value += (self.random.f64() - 0.5) * 2.0 * reach * unit;
                Value::Number(*value)
            }
            Kind::Counter => {
                *value += self.random.f64() * 3.0 * unit;
                Value::Number(*value)
            }
            Kind::State(states) => Value::State(states[usize::from(self.random.u8(0..100) == 0)].key),
            Kind::Text => Value::text("firmware 154"),
        }
    }
}
