//! One station's data as it would come over years: 300 metrics, 50 every 10 s, 150 every minute, 100 every five minutes, that
//! is 7.83 values a second and 676,800 a day. The same on every machine.
//!
//! A batch is one answer of the one device: all metrics of a class with one time stamp. The answer comes |N(0, 25 ms)| late, one
//! in a hundred up to 400 ms more; one in a thousand never comes.

mod channels;
mod house;
mod noise;

use ohmstead_model::catalogue::Kind;
use ohmstead_model::{DeviceId, Metric, Moment, Reading, UnixMillis, Value};

use channels::{Channel, Signal};
use house::House;
use noise::Noise;

/// 2025-05-31 22:00 UTC: midnight of the first of June in central Europe.
pub(crate) const JUNE: UnixMillis = UnixMillis(1_748_728_800_000);
/// 2024-12-31 23:00 UTC: midnight of the first of January there.
pub(crate) const JANUARY: UnixMillis = UnixMillis(1_735_686_000_000);
pub(crate) const DAY_MS: i64 = 86_400_000;
pub(crate) const DEVICE: &str = "station";

const STEP_MS: i64 = 10_000;
const LATE_MS: f64 = 25.0;

/// How often a metric is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Every 10 s.
    Fast,
    /// Every minute.
    Medium,
    /// Every five minutes.
    Slow,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Fast, Self::Medium, Self::Slow];

    fn steps(self) -> i64 {
        match self {
            Self::Fast => 1,
            Self::Medium => 6,
            Self::Slow => 30,
        }
    }
}

/// The station, from a midnight on.
#[derive(Debug)]
pub(crate) struct Station {
    channels: [Vec<Channel>; 3],
    factors: [Vec<f64>; 3],
    house: House,
    noise: Noise,
    start: UnixMillis,
    /// The 10 s that are being told, and the next class of them.
    step: i64,
    class: usize,
    raw: Vec<i32>,
    device: DeviceId,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) class: Class,
    pub(crate) at: UnixMillis,
    /// Whole numbers at the resolution of each metric of the class; 0 for states and texts.
    pub(crate) raw: &'a [i32],
    channels: &'a [Channel],
    factors: &'a [f64],
    device: &'a DeviceId,
}

impl Station {
    /// All 300 metrics.
    pub(crate) fn new(start: UnixMillis) -> Self {
        Self::of([channels::fast(), channels::medium(), channels::slow()], start)
    }

    /// The poll list that others publish their sizes for: 6 metrics every 10 s, 5 every minute, 5 every five minutes.
    pub(crate) fn sixteen(start: UnixMillis) -> Self {
        use Metric as M;
        let lists = [
            (
                channels::fast(),
                &[M::GridPower, M::PvPower, M::LoadPower, M::BatteryPower, M::BatterySoc, M::BatteryVoltage]
                    [..],
            ),
            (
                channels::medium(),
                &[
                    M::PvEnergy,
                    M::GridImportEnergy,
                    M::GridExportEnergy,
                    M::BatteryTemperature,
                    M::InverterTemperature,
                ],
            ),
            (
                channels::slow(),
                &[
                    M::WifiSignal,
                    M::BatteryEnergyRemaining,
                    M::BatterySoh,
                    M::BatteryCapacity,
                    M::ChargeCurrentMax,
                ],
            ),
        ];
        let chosen = lists.map(|(mut all, wanted)| {
            all.retain(|channel| wanted.contains(&channel.metric));
            all
        });
        Self::of(chosen, start)
    }

    fn of(channels: [Vec<Channel>; 3], start: UnixMillis) -> Self {
        let factor = |channel: &Channel| 10f64.powi(i32::from(channel.metric.def().decimals));
        let factors = [0, 1, 2].map(|class: usize| channels[class].iter().map(factor).collect());
        let mut noise = Noise::new(7);
        let house = House::new(&mut noise);
        let device = DEVICE.parse().expect("a valid name");
        Self { channels, factors, house, noise, start, step: 0, class: 3, raw: Vec::new(), device }
    }

    /// The metrics of a class, in the order of [`Batch::raw`].
    pub(crate) fn metrics(&self, class: Class) -> impl Iterator<Item = Metric> {
        self.channels[class as usize].iter().map(|channel| channel.metric)
    }

    /// Every metric, as [`ohmstead_history::History::open`] wants to know them.
    pub(crate) fn all_metrics(&self) -> Vec<Metric> {
        Class::ALL.into_iter().flat_map(|class| self.metrics(class)).collect()
    }

    /// The next answer that was due before `until`.
    pub(crate) fn next(&mut self, until: UnixMillis) -> Option<Batch<'_>> {
        let class = loop {
            if self.class == Class::ALL.len() {
                let due = self.start.0 + self.step * STEP_MS;
                if due >= until.0 {
                    return None;
                }
                self.house.step(due / 1000, &mut self.noise);
                (self.step, self.class) = (self.step + 1, 0);
            }
            let class = Class::ALL[self.class];
            self.class += 1;
            if (self.step - 1) % class.steps() == 0 && !self.noise.chance(0.001) {
                break class;
            }
        };
        let (channels, factors) = (&self.channels[class as usize], &self.factors[class as usize]);
        self.raw.clear();
        for (channel, factor) in channels.iter().zip(factors) {
            self.raw.push(channel.signal.raw(&self.house, &mut self.noise, *factor));
        }
        let at = UnixMillis(self.start.0 + (self.step - 1) * STEP_MS + late_ms(&mut self.noise));
        Some(Batch { class, at, raw: &self.raw, channels, factors, device: &self.device })
    }

    /// The answers that were due before `until`, for the store.
    pub(crate) fn readings(&mut self, until: UnixMillis) -> Vec<Reading> {
        let mut readings = Vec::new();
        while let Some(batch) = self.next(until) {
            readings.push(batch.reading());
        }
        readings
    }
}

#[expect(clippy::cast_possible_truncation, reason = "some hundred milliseconds")]
fn late_ms(noise: &mut Noise) -> i64 {
    let late = (LATE_MS * noise.normal()).abs();
    let more = if noise.chance(0.01) { 400.0 * noise.share() } else { 0.0 };
    (late + more) as i64
}

impl Batch<'_> {
    /// Each metric's number; `None` for texts, the state's place in its list for states.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (Metric, Option<f64>)> {
        self.channels.iter().zip(self.factors).zip(self.raw).map(|((channel, factor), raw)| {
            let number = match channel.signal {
                Signal::Text(_) => None,
                _ => Some(f64::from(*raw) / factor),
            };
            (channel.metric, number)
        })
    }

    /// As a driver reports it.
    pub(crate) fn reading(&self) -> Reading {
        let values = self.channels.iter().zip(self.factors).zip(self.raw).map(|((channel, factor), raw)| {
            let value = match (&channel.signal, channel.metric.def().kind) {
                (Signal::Text(text), _) => text.clone(),
                (_, Kind::State(states)) => Value::State(states[raw.unsigned_abs() as usize].key),
                _ => Value::Number(f64::from(*raw) / factor),
            };
            (channel.metric, Ok(value))
        });
        Reading {
            device: self.device.clone(),
            at: Moment { unix: self.at, ..Moment::default() },
            values: values.collect(),
        }
    }
}
