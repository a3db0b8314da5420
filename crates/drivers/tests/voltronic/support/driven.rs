//! One inverter's driver, run as the program runs it.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_drivers::voltronic::{Inverter, Settings};
use ohmstead_drivers::{Context, Device, ModeNow, Report, Reporter as _, WriteReply};
use ohmstead_model::{Clock, DeviceId, Metric, Unknown, Value, Wish};

use super::{Hub, TestClock, Told, World};

/// The driver with what it told.
pub(crate) struct Driven {
    pub(crate) device: Box<dyn Device>,
    pub(crate) told: Arc<Told>,
    pub(crate) interval: Duration,
    clock: Arc<TestClock>,
}

impl Driven {
    pub(crate) fn open(name: &str, settings: Settings, memory: Option<String>, world: &World) -> Self {
        let id: DeviceId = name.parse().unwrap();
        let told = Told::new(id.clone());
        let context = Context {
            clock: Arc::clone(&world.clock) as _,
            reporter: Arc::clone(&told) as _,
            seed: 1,
            memory,
        };
        let interval = settings.interval.0;
        let ports = Arc::new(Hub(Arc::clone(&world.cables)));
        let inverter = Inverter::with_ports(id, settings, context, ports);
        told.report(Report::Info(inverter.info()));
        Self { device: Box::new(inverter), told, interval, clock: Arc::clone(&world.clock) }
    }

    /// Polls whatever is due for this long, as the program does.
    pub(crate) async fn run(&mut self, span: Duration) {
        let end = self.clock.now().mono + span;
        self.run_until(|_, now| now >= end).await;
    }

    /// Polls until the state is as wished; fails the test after an hour. How long it took.
    pub(crate) async fn until(&mut self, what: &str, wished: impl Fn(&Told) -> bool) -> Duration {
        let start = self.clock.now().mono;
        let end = start + Duration::from_secs(3600);
        self.run_until(|told, now| wished(told) || now >= end).await;
        assert!(wished(&self.told), "not within an hour: {what}; {:?}", self.told.state());
        self.clock.now().mono.saturating_sub(start)
    }

    async fn run_until(&mut self, done: impl Fn(&Told, Duration) -> bool) {
        while !done(&self.told, self.clock.now().mono) {
            let due = self.device.due_in().clamp(Duration::from_millis(10), Duration::from_secs(10));
            self.clock.sleep(due).await;
            if self.device.due_in().is_zero() {
                self.device.poll().await;
            }
        }
    }

    /// Writes a wish and reads it back after the time that the plan asks for, as the actuator does.
    pub(crate) async fn write(&mut self, wish: &str) -> (WriteReply, ModeNow) {
        let wish: Wish = wish.parse().unwrap();
        let _ = self.device.read_back(&wish).await;
        let plan = self.device.plan(&wish, None).unwrap();
        let reply = self.device.write(&plan).await.unwrap();
        self.clock.sleep(plan.settle).await;
        (reply, self.device.read_back(&wish).await.unwrap())
    }

    /// The value that a listener would use now.
    pub(crate) fn value(&self, metric: Metric) -> Result<Value, Unknown> {
        self.told.state().value(metric, self.clock.now()).map(|known| known.value.clone())
    }

    pub(crate) fn number(&self, metric: Metric) -> Result<f64, Unknown> {
        self.told.state().number(metric, self.clock.now())
    }

    pub(crate) fn text(&self, metric: Metric) -> String {
        self.value(metric).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(crate) fn is_online(&self) -> bool {
        self.told.state().is_online()
    }

    pub(crate) fn has_notice(&self, code: &str) -> bool {
        self.told.notices().iter().any(|notice| notice.code == code)
    }
}
