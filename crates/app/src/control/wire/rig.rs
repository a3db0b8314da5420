//! A simulated GX device on a real `dbus-daemon`, and everything of the program that steers it, at a multiple of real
//! time. What is left out is what only listens: MQTT and the page.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ohmstead_model::{
    Answer, Asker, Clock, Commands as _, DeviceId, DeviceState, LedgerEntry, Online, Request, UnixMillis,
};
use ohmstead_plant::venus::ess::Around;
use ohmstead_plant::venus::value::Value;
use ohmstead_plant::venus::{Reply, Setup, Venus, VenusHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::daemon::Daemon;
use crate::actuator::{Commander, Gate, LastWrites, ReadOnly, Until};
use crate::clock::WallClock;
use crate::control::{Ahead, Control, Parts, Rules};
use crate::data_dir::Holder;
use crate::device_task::{self, DeviceTask};
use crate::hub::Hub;
use crate::records::Records as _;
use crate::store::{HistoryConfig, Store};
use crate::testing::START;

/// The bus with the GX device on it, which outlives the program.
pub(super) struct Plant {
    bus: Daemon,
    pub(super) gx: VenusHandle,
    demand_w: Arc<AtomicU64>,
    stop: CancellationToken,
    speed: f64,
    /// More settings of the device.
    pub(super) settings: &'static str,
    pub(super) folder: tempfile::TempDir,
}

impl Plant {
    /// A three-phase site with these switches and nothing but loads before the Multis.
    pub(super) async fn start(speed: f64, switches: &str, demand_w: u64) -> Self {
        let bus = Daemon::start();
        let demand = Arc::new(AtomicU64::new(demand_w));
        let asked = Arc::clone(&demand);
        let around = move |_: i64| {
            let watts = asked.load(Ordering::Relaxed) as f64 / 3.0;
            Around { load_in_w: [watts; 3], load_out_w: [0.0; 3], ..Around::default() }
        };
        let setup = Setup { switches: switches.parse().expect("switches"), ..Setup::default() };
        let stop = CancellationToken::new();
        let venus = Venus::new(setup).around(around).starting_at(START.0).speed(speed).bus(bus.address());
        let gx = venus.start(&TaskTracker::new(), stop.clone()).await.expect("it starts");
        let folder = tempfile::tempdir().expect("a folder");
        Self { bus, gx, demand_w: demand, stop, speed, settings: "", folder }
    }

    pub(super) fn demand(&self, watts: u64) {
        self.demand_w.store(watts, Ordering::Relaxed);
    }

    pub(super) fn demanded(&self) -> f64 {
        self.demand_w.load(Ordering::Relaxed) as f64
    }

    /// What the Multis make of the battery's side, W.
    pub(super) fn output(&self) -> f64 {
        self.gx.with(|gx| -gx.ess().expect("a site").flows.inverter_w.iter().sum::<f64>())
    }

    pub(super) fn number(&self, service: &str, path: &str) -> Option<f64> {
        self.gx.with(|gx| gx.tree().service(service)?.item(path)?.value().number())
    }

    /// The owner, or somebody else, sets something.
    pub(super) fn set(&self, service: &str, path: &str, number: f64) {
        let reply = self.gx.with(|gx| gx.write(service, path, &Value::F64(number)));
        assert_eq!(reply, Reply::Taken, "{path}");
    }

    /// The overrides and settings that may ever be written.
    pub(super) fn levers(&self) -> Vec<Option<f64>> {
        let hub4 = ["Setpoint", "MaxDischargePower", "ForceCharge"].map(|path| format!("/Overrides/{path}"));
        let settings = ["MaxDischargePower", "AcPowerSetPoint", "BatteryLife/State", "MaxFeedInPower"]
            .map(|path| format!("/Settings/CGwacs/{path}"));
        let hub4 = hub4.iter().map(|path| self.number("hub4", path));
        hub4.chain(settings.iter().map(|path| self.number("settings", path))).collect()
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The program, from its start to its stop or its crash.
pub(super) struct Program {
    name: DeviceId,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hub: Hub,
    pub(super) store: Store,
    commander: Arc<Commander>,
    devices: CancellationToken,
    rest: CancellationToken,
    tasks: tokio::task::JoinSet<()>,
    device: Option<tokio::task::JoinHandle<()>>,
}

impl Program {
    /// Starts it with a configuration beside the device `gx`.
    pub(super) async fn start(plant: &Plant, yaml: &str) -> Self {
        let yaml = format!(
            "devices: {{ gx: {{ victron: {{ dbus: \"{}\", {} }} }} }}\n{yaml}",
            plant.bus.address(),
            plant.settings,
        );
        let now = UnixMillis(plant.gx.with(|gx| gx.now_ms()));
        Self::at(plant.folder.path(), WallClock::scaled(now, plant.speed), &yaml).await
    }

    /// Starts it with a configuration of one device.
    pub(super) async fn at(folder: &Path, clock: WallClock, yaml: &str) -> Self {
        let yaml = format!("site: {{ timezone: UTC }}\n{yaml}");
        let config = ohmstead_config::parse(&yaml, "test.yaml", &|_| None).expect("a valid configuration");
        let (name, settings) = config.devices[0].clone();
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let store =
            Store::open(folder.to_owned(), HistoryConfig::of(Some(&config)), Holder::Daemon).expect("free");
        let (devices, rest) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = tokio::task::JoinSet::new();
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::new(store.clone()));
        tasks.spawn(hub_loop.run(rest.clone()));
        let commander = Arc::new(Commander::default());
        let installation = Arc::new(config.read_only.into());
        let gate = Gate {
            id: name.clone(),
            read_only: ReadOnly { device: None, installation },
            clock: Arc::clone(&clock),
            records: Arc::new(store.clone()),
            stop: devices.clone(),
            until: Until::Watched,
            last: LastWrites::default(),
        };
        let opened = name.clone();
        let task = DeviceTask::new(device_task::Parts {
            open: Box::new(move |context| settings.open(opened.clone(), context)),
            gate,
            door: commander.open(name.clone()),
            hub: hub.clone(),
            seed: 1,
            memory: None,
            seen: Vec::new(),
        });
        let device = Some(TaskTracker::new().spawn(task.start("").await.run()));
        hub.ping().await;
        let (_, rules) = tokio::sync::watch::channel(Rules::of(&config));
        let parts = Parts {
            clock: Arc::clone(&clock),
            hub: hub.clone(),
            commander: Arc::clone(&commander),
            records: Arc::new(store.clone()),
            rules,
            ahead: Ahead::nothing(),
        };
        tasks.spawn(Control::new(parts).expect("the first").run(rest.clone()));
        Self { name, clock, hub, store, commander, devices, rest, tasks, device }
    }

    pub(super) fn ask(&self, mode: &str, lease_s: Option<u64>) -> Answer {
        let wish = mode.parse().expect("a wish");
        let lease = lease_s.map(Duration::from_secs);
        self.commander.ask(Request { device: self.name.clone(), wish, lease, asked_by: Asker::Rest })
    }

    pub(super) async fn asked(&self, mode: &str, lease_s: Option<u64>) -> LedgerEntry {
        self.ask(mode, lease_s).await.expect("carried out")
    }

    pub(super) async fn sleep_ms(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Waits until something is so, for a while of the house's time.
    pub(super) async fn until(&self, what: &str, within_s: u64, is_so: impl Fn() -> bool) {
        let end = self.clock.now().plus(Duration::from_secs(within_s));
        while !is_so() {
            assert!(self.clock.now().mono < end.mono, "not within {within_s} s: {what}");
            self.sleep_ms(200).await;
        }
    }

    pub(super) async fn kept(&self, key: &str) -> String {
        self.store.get_state(key.to_owned()).await.expect("it can be read").unwrap_or_default()
    }

    /// The device answers.
    pub(super) async fn online(&self) {
        let is_there = || {
            self.device().is_some_and(|device| {
                !device.info.modes.is_empty() && matches!(device.online, Online::Yes(_))
            })
        };
        self.until("the GX answers", 300, is_there).await;
    }

    /// What is known of the device.
    pub(super) fn device(&self) -> Option<DeviceState> {
        self.hub.snapshot().device(self.name.as_str()).map(AsRef::as_ref).cloned()
    }

    /// Ends it in order.
    pub(super) async fn stop(mut self) {
        self.devices.cancel();
        self.device.take().expect("it runs").await.expect("it ends");
        self.rest.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    /// It is gone from one moment to the next.
    pub(super) async fn crash(mut self) {
        let device = self.device.take().expect("it runs");
        device.abort();
        let _ = device.await;
        self.tasks.shutdown().await;
    }
}
