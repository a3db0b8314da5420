//! The driver as the program runs it: it is waited for, then polled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_drivers::victron::{Gx, Settings};
use ohmstead_drivers::{Context, Device, Report, Reporter};
use ohmstead_model::{
    Clock, DeviceInfo, DeviceState, Evidence, Metric, Moment, NativeRow, NativeView, Notice, Observation,
    Reading, Sleep, Snapshot, UnixMillis, Value, house,
};
use tokio::time::Instant;

use super::LONG;

/// A clock that may run faster than the real one.
struct TestClock {
    origin: Instant,
    speed: u32,
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let mono = self.origin.elapsed() * self.speed;
        Moment { mono, unix: UnixMillis(1_795_248_000_000).plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span / self.speed))
    }
}

/// Everything that the driver has reported.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) values: BTreeMap<Metric, Observation>,
    pub(crate) online: Vec<bool>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) native: Option<NativeView>,
    pub(crate) info: Option<DeviceInfo>,
    /// When the newest value of each metric came (monotonic).
    pub(crate) at: BTreeMap<Metric, Duration>,
}

#[derive(Default)]
struct Listener(Mutex<Told>);

impl Reporter for Listener {
    fn report(&self, report: Report) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match report {
            Report::Reading(reading) => {
                for (metric, observation) in reading.values {
                    told.at.insert(metric, reading.at.mono);
                    told.values.insert(metric, observation);
                }
            }
            Report::Online(_, online, _) => told.online.push(online),
            Report::Notices(_, notices) => told.notices = notices,
            Report::Evidence(_, evidence) => told.evidence = evidence,
            Report::Native(_, view) => told.native = Some(view),
            Report::Info(info) => told.info = Some(info),
            Report::Answered(..) => {}
        }
    }
}

/// A device under test.
pub(crate) struct Unit {
    pub(crate) device: Gx,
    listener: Arc<Listener>,
    clock: Arc<TestClock>,
}

impl Unit {
    /// On the bus at `address`.
    pub(crate) fn on_bus(address: &str) -> Self {
        Self::of(serde_json::json!({ "dbus": address }), 1)
    }

    /// With these settings, and with a clock that is so many times faster than the real one.
    pub(crate) fn of(settings: serde_json::Value, speed: u32) -> Self {
        Self::again(settings, speed, None)
    }

    /// Started again, with what an earlier run has left.
    pub(crate) fn again(settings: serde_json::Value, speed: u32, memory: Option<String>) -> Self {
        let settings: Settings = serde_json::from_value(settings).expect("good settings");
        let (listener, clock) =
            (Arc::<Listener>::default(), Arc::new(TestClock { origin: Instant::now(), speed }));
        let context =
            Context { clock: Arc::clone(&clock) as _, reporter: Arc::clone(&listener) as _, seed: 1, memory };
        let device = Gx::open("gx".parse().expect("a name"), settings, context).expect("it can be made");
        Self { device, listener, clock }
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.listener.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as _
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now().mono
    }

    /// Lets the driver work until something is the case.
    pub(crate) async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = tokio::time::sleep(LONG);
        tokio::pin!(deadline);
        while !is_so(self) {
            let due = self.clock.sleep(self.device.due_in().max(Duration::from_millis(10)));
            let spoke = self.device.wait().expect("it speaks by itself");
            tokio::select! {
                () = spoke => {}
                () = due => {}
                () = &mut deadline => panic!("it never came to this: {what}; {:?}", self.told().evidence),
            }
            self.device.poll().await;
        }
    }

    /// The newest number of a metric.
    pub(crate) fn number(&self, metric: Metric) -> Option<f64> {
        self.told().values.get(&metric)?.as_ref().ok().and_then(Value::number)
    }

    /// How long ago the newest report of a metric says that it was so.
    pub(crate) fn age(&self, metric: Metric) -> Duration {
        self.now().saturating_sub(self.told().at[&metric])
    }

    /// Lets the driver work for so long.
    pub(crate) async fn pass(&mut self, span: Duration) {
        let until = self.now() + span;
        self.until("time passes", |unit| unit.now() >= until).await;
    }

    /// The house with this device alone, as it is computed of what was reported.
    pub(crate) fn house(&self, metric: Metric) -> Observation {
        let told = self.told();
        let info = told.info.clone().unwrap_or_else(|| self.device.info());
        let reading = Reading {
            device: info.id.clone(),
            at: self.clock.now(),
            values: told.values.iter().map(|(metric, value)| (*metric, value.clone())).collect(),
        };
        let mut snapshot = Snapshot::default();
        snapshot.insert(DeviceState::new(Arc::new(info)));
        snapshot.apply(&reading);
        let computed = house::compute(&snapshot, self.clock.now());
        computed.values.into_iter().find(|(known, _)| *known == metric).expect("a metric of the house").1
    }

    /// The device's own paths.
    pub(crate) fn rows(&self, of: Option<&str>) -> Vec<NativeRow> {
        let view = self.told().native.clone();
        view.map(|view| view.0.rows(of)).unwrap_or_default()
    }

    /// The value at a path, as text.
    pub(crate) fn row(&self, part: &str, path: &str) -> Option<String> {
        let row = self.rows(Some(part)).into_iter().find(|row| &*row.path == path)?;
        match row.observation {
            Ok(Value::Number(number)) => Some(number.to_string()),
            Ok(value) => value.as_str().map(str::to_owned),
            Err(why) => Some(why.to_string()),
        }
    }
}
