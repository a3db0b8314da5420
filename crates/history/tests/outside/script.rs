//! What a run does: operation N is a function of the script and N alone, so that the writer and the checker agree
//! without a word. Virtual time runs two hours with each operation: a run of a minute lives through months.

use fastrand::Rng;
use ohmstead_model::catalogue::Kind;
use ohmstead_model::{
    DeviceId, Event, LedgerEntry, Metric, Moment, Observation, Outcome, Reading, Severity, UnixMillis,
    Unknown, Value,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const STEP_MS: i64 = 2 * HOUR_MS;
/// 2027-02-20 UTC: the days of 23 h and of 25 h of Europe come later in the year.
const START_MS: i64 = 1_803_081_600_000;

/// What each class of polling reads, and how often.
const POLLS: [(i64, &[Metric]); 3] = [
    (
        20 * MINUTE_MS,
        &[
            Metric::BatteryPower,
            Metric::BatterySoc,
            Metric::GridPower,
            Metric::BatteryMode,
            Metric::BatteryModeNative,
        ],
    ),
    (
        HOUR_MS,
        &[
            Metric::BatteryCellVoltageMin,
            Metric::BatteryTemperature,
            Metric::BatteryChargeAllowed,
            Metric::FramesDropped,
        ],
    ),
    (STEP_MS, &[Metric::BatteryCapacity, Metric::DeviceFirmware, Metric::BatteryType]),
];

/// One run. Two scripts of different houses have nothing in common, so that they can share a store.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) house: String,
}

/// One thing that is acknowledged as a whole.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Appends the readings and commits.
    Commit(Vec<Reading>),
    Backfill(Vec<Reading>),
    /// What is done once a day: deleting what is too old.
    Upkeep,
    PutState(String, String),
    RemoveState(String),
    Ledger(LedgerEntry),
    Event(Event),
}

/// The clock at operation `n`.
pub(crate) fn now(n: u64) -> UnixMillis {
    UnixMillis(START_MS + i64::try_from(n).expect("a run is shorter than that") * STEP_MS)
}

impl Script {
    pub(crate) fn new(seed: u64, house: &str) -> Self {
        Self { seed, house: house.to_owned() }
    }

    pub(crate) fn operation(&self, n: u64) -> Operation {
        let mut rng = self.rng(n);
        match (n % 12, rng.u8(0..100)) {
            (5, _) => Operation::Upkeep,
            (9, 0..50) => Operation::Backfill(self.backfill(n, &mut rng)),
            (_, 0..68) => Operation::Commit(self.commit(n, &mut rng)),
            (_, 68..76) => Operation::PutState(self.key(&mut rng), format!("{n}: {}", words(&mut rng))),
            (_, 76..80) => Operation::RemoveState(self.key(&mut rng)),
            (_, 80..90) => Operation::Ledger(self.attempt(n, &mut rng)),
            _ => Operation::Event(self.event(n, &mut rng)),
        }
    }

    /// Whether a device is one of this house.
    pub(crate) fn owns(&self, device: &DeviceId) -> bool {
        device.as_str().starts_with(&self.house)
    }

    fn rng(&self, n: u64) -> Rng {
        Rng::with_seed(self.seed ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn device(&self, index: usize) -> DeviceId {
        let name = ["garage", "cellar", "meter"][index];
        format!("{}_{name}", self.house).parse().expect("a valid name")
    }

    fn key(&self, rng: &mut Rng) -> String {
        format!("{}/{}", self.house, rng.u8(0..6))
    }

    /// Two hours of polling, and what goes wrong in them.
    fn commit(&self, n: u64, rng: &mut Rng) -> Vec<Reading> {
        let mut readings = self.polled(n, rng);
        if rng.u8(0..4) == 0 {
            // Late, by up to a day and a half: into a day that has ended.
            let late = now(n).0 - rng.i64(0..36 * HOUR_MS);
            readings.push(reading(self.device(0), late, POLLS[0].1, rng));
        }
        if rng.u8(0..4) == 0 {
            // Twice: the same once more, or with other values at the same time.
            let other = readings[rng.usize(0..readings.len())].clone();
            let metrics: Vec<Metric> = other.values.iter().map(|(metric, _)| *metric).collect();
            let again = reading(other.device.clone(), other.at.unix.0, &metrics, rng);
            readings.push(if rng.bool() { other } else { again });
        }
        if n > 0 && rng.u8(0..4) == 0 {
            // Again what was read in the two hours before.
            readings.extend(self.polled(n - 1, &mut self.rng(n - 1)).into_iter().take(3));
        }
        if rng.u8(0..40) == 0 {
            // A clock that jumps.
            let at = now(n).0 + if rng.bool() { 5 * DAY_MS } else { -20 * DAY_MS };
            readings.push(reading(self.device(1), at, POLLS[1].1, rng));
        }
        if rng.bool() {
            rng.shuffle(&mut readings);
        }
        readings
    }

    fn polled(&self, n: u64, rng: &mut Rng) -> Vec<Reading> {
        let mut readings = Vec::new();
        for device in 0..3 {
            for (every, metrics) in POLLS {
                for poll in 0..STEP_MS / every {
                    let at = now(n).0 + poll * every + rng.i64(0..2_000);
                    readings.push(reading(self.device(device), at, metrics, rng));
                }
            }
        }
        readings.sort_by_key(|reading| reading.at.unix);
        readings
    }

    /// Some hours of a day in the last week, as an import brings them.
    fn backfill(&self, n: u64, rng: &mut Rng) -> Vec<Reading> {
        let start = now(n).0 - rng.i64(1..7) * DAY_MS;
        let times = 0..rng.i64(20..60);
        times.map(|poll| reading(self.device(2), start + poll * 5 * MINUTE_MS, POLLS[0].1, rng)).collect()
    }

    fn attempt(&self, n: u64, rng: &mut Rng) -> LedgerEntry {
        let outcome = Outcome::ALL[rng.usize(0..Outcome::ALL.len())];
        LedgerEntry {
            id: 0,
            at: now(n),
            device: self.device(rng.usize(0..3)),
            asked_by: "rest".to_owned(),
            request: format!("attempt {n}"),
            old: rng.bool().then(|| "auto".to_owned()),
            new: rng.bool().then(|| words(rng)),
            reply: Some(words(rng)),
            read_back: None,
            effect: rng.bool().then(|| format!("{} W", rng.i32(-5_000..5_000))),
            outcome,
            reason: words(rng),
        }
    }

    fn event(&self, n: u64, rng: &mut Rng) -> Event {
        let severity = [Severity::Info, Severity::Warning, Severity::Alarm][rng.usize(0..3)];
        let device = Some(self.device(rng.usize(0..3)));
        Event { id: 0, at: now(n), severity, device, code: format!("event_{n}"), text: words(rng) }
    }
}

fn reading(device: DeviceId, at: i64, metrics: &[Metric], rng: &mut Rng) -> Reading {
    let values = metrics.iter().map(|metric| (*metric, observation(*metric, at, rng))).collect();
    Reading { device, at: Moment { unix: UnixMillis(at), ..Moment::default() }, values }
}

fn observation(metric: Metric, at: i64, rng: &mut Rng) -> Observation {
    if rng.u8(0..30) == 0 {
        return Err(Unknown::NotReported);
    }
    Ok(match metric.def().kind {
        // Refused by the store, and without harm to the values beside it.
        Kind::Gauge if rng.u16(0..300) == 0 => Value::Number(f64::NAN),
        Kind::Gauge if metric == Metric::BatteryCapacity => Value::Number(5_120.0),
        Kind::Gauge => Value::Number((at as f64 / 7e6).sin() * 90.0 + rng.f64() * 9.0),
        // A counter begins again every ten days.
        Kind::Counter => Value::Number((at % (10 * DAY_MS) / 100_000) as f64),
        Kind::State(states) => Value::State(states[rng.usize(0..states.len())].key),
        Kind::Text => Value::text(words(rng)),
    })
}

fn words(rng: &mut Rng) -> String {
    let words = ["", "Müstert", "öö", "v1.0.3", "it's", "\"quoted\"", "a rather long word to say; really"];
    (0..rng.usize(1..4)).map(|_| words[rng.usize(0..words.len())]).collect::<Vec<_>>().join(" ")
}
