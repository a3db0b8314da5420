//! The program in this house, from a start to a stop or a crash. Left out is what only listens.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ohmstead_drivers::marstek::Battery;
use ohmstead_drivers::victron::Gx;
use ohmstead_drivers::voltronic::Inverter;
use ohmstead_drivers::{Context, Device, DeviceSettings, OpenError};
use ohmstead_model::{Asker, Clock, Commands as _, DeviceId, Event, LedgerEntry, Reading, Request, Switches};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::air::Client;
use super::cable::Hub as Ports;
use super::house::House;
use super::luck::Wish;
use super::plans;
use crate::actuator::{Commander, Gate, LastWrites, ReadOnly, Until};
use crate::control::{Ahead, Control, Parts, Rules};
use crate::device_task::{self, DeviceTask, Open};
use crate::hub::{Hub, Listener};
use crate::testing::FakeRecords;

const CONFIG: &str = r#"
site: { name: Home, timezone: Europe/Paris }
devices:
  a: { marstek: { host: 192.168.1.2, interval: 90 s } }
  b: { marstek: { host: 192.168.1.3, interval: 90 s } }
  axpert: { voltronic: { path: auto, interval: 180 s } }
  gx: { victron: { dbus: system, interval: 30 s } }
limits: { multi_output: { max: 1500 W, floor: 200 W, step: 100 W, phases: 3, devices: [gx] } }
schedules:
  evening: { from: "18:00", to: "22:00", mode: "native:sbu", devices: [axpert] }
  peak: { from: "17:00", to: "19:30", mode: hold, devices: [gx] }
rotation: { day: { batteries: [a, b] } }
tariffs: { import: { fixed: 0.25 } }
planner: { mode: act, devices: [a, gx] }
"#;

/// What was told, but for values.
#[derive(Default)]
pub(super) struct Events(pub(super) Mutex<Vec<Event>>);

impl Listener for Events {
    fn reading(&self, _: &Arc<Reading>) {}

    fn event(&self, event: Event) {
        self.0.lock().expect("whole").push(event);
    }
}

/// Whether it may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Active,
    ReadOnly,
}

/// The program.
pub(super) struct Program {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hub: Hub,
    pub(super) records: Arc<FakeRecords>,
    pub(super) heard: Arc<Events>,
    pub(super) commander: Arc<Commander>,
    devices: CancellationToken,
    rest: CancellationToken,
    device_tasks: JoinSet<()>,
    tasks: JoinSet<()>,
    /// Wishes that are under way.
    wishes: JoinSet<()>,
    pub(super) mood: Mood,
}

impl Program {
    /// The first start.
    pub(super) async fn start(house: &House, mood: Mood) -> Self {
        Self::again(house, mood, Arc::default()).await
    }

    /// A start with what an earlier run has kept.
    pub(super) async fn again(house: &House, mood: Mood, records: Arc<FakeRecords>) -> Self {
        let read_only = mood == Mood::ReadOnly;
        let text = format!("read_only: {read_only}\n{CONFIG}");
        let config = ohmstead_config::parse(&text, "day.yaml", &|_| None).expect("a valid configuration");
        let clock = Arc::clone(&house.clock) as Arc<dyn Clock>;
        let (devices, rest) = (CancellationToken::new(), CancellationToken::new());
        let (mut tasks, mut device_tasks) = (JoinSet::new(), JoinSet::new());
        let heard = Arc::new(Events::default());
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::clone(&heard) as _);
        tasks.spawn(hub_loop.run(rest.clone()));
        let commander = Arc::new(Commander::default());
        let installation = Arc::new(config.read_only.into());
        for (seed, (id, settings)) in (1..).zip(&config.devices) {
            let gate = Gate {
                id: id.clone(),
                read_only: ReadOnly { device: None, installation: Arc::clone(&installation) },
                clock: Arc::clone(&clock),
                records: Arc::clone(&records) as _,
                stop: devices.clone(),
                until: Until::Watched,
                last: LastWrites::default(),
            };
            let memory = records.state.lock().expect("whole").get(&crate::records::driver_key(id)).cloned();
            let task = DeviceTask::new(device_task::Parts {
                open: open(house, id.clone(), settings.clone()),
                gate,
                door: commander.open(id.clone()),
                hub: hub.clone(),
                seed,
                memory,
                seen: Vec::new(),
            });
            device_tasks.spawn(task.start("").await.run());
        }
        let (_, rules) = tokio::sync::watch::channel(Rules::of(&config));
        let (plan, followed) = tokio::sync::watch::channel(None);
        let (_, tempo) = tokio::sync::watch::channel(None);
        let parts = Parts {
            clock: Arc::clone(&clock),
            hub: hub.clone(),
            commander: Arc::clone(&commander),
            records: Arc::clone(&records) as _,
            rules,
            ahead: Ahead { plan: followed, tempo },
        };
        tasks.spawn(plans::make(Arc::clone(&clock), plan, rest.clone()));
        tasks.spawn(Control::new(parts).expect("the first").run(rest.clone()));
        Self {
            clock,
            hub,
            records,
            heard,
            commander,
            devices,
            rest,
            device_tasks,
            tasks,
            wishes: JoinSet::new(),
            mood,
        }
    }

    pub(super) async fn sleep_s(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    pub(super) async fn sleep_ms(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Somebody wants something, and may be told that it is not possible.
    pub(super) fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Mode { device, mode, lease_s, by } => {
                let lease = lease_s.map(Duration::from_secs);
                let answer = self.commander.ask(Request { device, wish: mode.into(), lease, asked_by: by });
                self.wishes.spawn(async { drop(answer.await) });
            }
            Wish::Release { device, by } => {
                let answer = self.commander.release(device, by);
                self.wishes.spawn(async { drop(answer.await) });
            }
            Wish::Switch { part, on } => {
                let answer = self.commander.switch(part, on, Asker::Rest);
                self.wishes.spawn(async { drop(answer.await) });
            }
        }
    }

    pub(super) fn commander_switches(&self) -> Switches {
        self.commander.switches()
    }

    /// Nothing can be kept any more, or it can again.
    pub(super) fn fill_disk(&self, full: bool) {
        self.records.full.store(full, Ordering::Relaxed);
    }

    /// What was done, in numbers.
    pub(super) fn summary(&self) -> String {
        let mut outcomes = BTreeMap::<&str, usize>::new();
        for row in self.ledger() {
            *outcomes.entry(row.outcome.key()).or_default() += 1;
        }
        let puts = *self.records.puts.lock().expect("whole");
        let events = self.heard.0.lock().expect("whole").len();
        format!("ledger {outcomes:?}, {puts} times something was kept, {events} events since the last start")
    }

    pub(super) fn ledger(&self) -> Vec<LedgerEntry> {
        self.records.ledger.lock().expect("whole").clone()
    }

    /// Ends it in order.
    pub(super) async fn stop(mut self) {
        self.devices.cancel();
        while let Some(ended) = self.device_tasks.join_next().await {
            ended.expect("a device's task ends");
        }
        self.rest.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    /// It is gone from one moment to the next.
    pub(super) async fn crash(mut self) {
        self.device_tasks.shutdown().await;
        self.tasks.shutdown().await;
    }
}

/// Makes a device as its settings say, on the house's wires.
fn open(house: &House, id: DeviceId, settings: DeviceSettings) -> Open {
    let (air, cables, cerbo) = (Arc::clone(&house.air), Arc::clone(&house.cables), Arc::clone(&house.cerbo));
    Box::new(move |context: Context| -> Result<Box<dyn Device>, OpenError> {
        let id = id.clone();
        Ok(match settings.clone() {
            DeviceSettings::Marstek(settings) => {
                Box::new(Battery::with_network(id, settings, context, Arc::new(Client(Arc::clone(&air))))?)
            }
            DeviceSettings::Voltronic(settings) => {
                Box::new(Inverter::with_ports(id, settings, context, Arc::new(Ports(Arc::clone(&cables)))))
            }
            DeviceSettings::Victron(settings) => {
                Box::new(Gx::in_process(id, settings, context, &(Arc::clone(&cerbo) as _))?)
            }
        })
    })
}
