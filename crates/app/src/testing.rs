//! A device and a memory for tests, both with switches for everything that can go wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use ohmstead_drivers::{
    Context, Device, DeviceError, ModeNow, OpenError, Plan, PlanError, Report, Wear, WriteReply,
};
use ohmstead_model::{
    Assignment, BatteryMode, Clock, DeviceId, DeviceInfo, Event, LedgerEntry, Metric, Moment, Reading, Role,
    Sleep, Ttl, UnixMillis, Value, Wish,
};
use ohmstead_units::{BatteryPower, Timespan, Watts};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actuator::{Gate, LastWrites, ReadOnly, Until};
use crate::clock::WallClock;
use crate::data_dir::Holder;
use crate::device_task::{self, DeviceTask, Open};
use crate::house::{House, Parts};
use crate::hub::{Hub, Listener};
use crate::records::{NotDurable, Records};
use crate::store::{HistoryConfig, Store};

/// How long one exchange with the fake takes.
const EXCHANGE: Duration = Duration::from_millis(100);

/// 2026-11-21T08:00:00Z.
pub(crate) const START: UnixMillis = UnixMillis(1_795_248_000_000);

pub(crate) fn id(name: &str) -> DeviceId {
    name.parse().expect("a valid name")
}

/// A clock on tokio's paused time.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(WallClock::scaled(START, 1.0))
}

/// What a fake does with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obeys {
    /// Takes mode and power over.
    Fully,
    /// Takes the mode over, the power stays.
    ModeOnly,
    /// Takes mode and power over and returns to its old mode after 10 s.
    ForTenSeconds,
    /// Something changes, and it is not what was asked: the first of several writes.
    Partly,
    /// Nothing changes.
    Not,
}

/// The state of a fake device and its switches.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Fake {
    pub(crate) mode: String,
    /// Supplied to the house, W.
    pub(crate) power: Option<f64>,
    pub(crate) soc: f64,
    /// Answers reads and polls.
    pub(crate) answers: bool,
    /// What it answers has values in it.
    pub(crate) tells: bool,
    /// Whether its driver has not made up its mind yet whether it answers.
    pub(crate) undecided: bool,
    /// Its reply to a write; `None` is silence.
    pub(crate) says: Option<bool>,
    pub(crate) obeys: Obeys,
    pub(crate) power_limit: f64,
    /// Tells that it discharges as its mode.
    pub(crate) tells_discharge: bool,
    pub(crate) panics_in_poll: bool,
    pub(crate) panics_in_write: bool,
    pub(crate) opens: usize,
    pub(crate) refuses_to_open: bool,
    pub(crate) controllable: bool,
    pub(crate) ends_charges: bool,
    pub(crate) memory: Option<String>,
    /// It is about to do what a crash must not make it forget.
    pub(crate) must_remember: bool,
    pub(crate) memory_at_open: Option<String>,
    /// What was done with it, in order.
    pub(crate) log: Vec<String>,
    returns: Option<(Moment, String, Option<f64>)>,
    /// The value of its one setting.
    pub(crate) setting: String,
    /// What is written along with that setting: as it is, and as it was read last.
    pub(crate) beside: (String, String),
    /// Its modes live in the memory that wears out, like its setting.
    pub(crate) modes_wear: bool,
    /// A write is not even sent.
    pub(crate) keeps_back: bool,
    /// How often a write is sent.
    pub(crate) tries: u32,
    /// Where the power goes.
    pub(crate) cut: Arc<Cut>,
}

/// A handle to a fake device.
#[derive(Clone)]
pub(crate) struct FakeHandle(Arc<Mutex<Fake>>);

impl FakeHandle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Fake {
            mode: "Manual".to_owned(),
            power: Some(0.0),
            soc: 50.0,
            answers: true,
            tells: true,
            undecided: false,
            says: Some(true),
            obeys: Obeys::Fully,
            power_limit: 2500.0,
            tells_discharge: false,
            panics_in_poll: false,
            panics_in_write: false,
            opens: 0,
            refuses_to_open: false,
            controllable: true,
            ends_charges: true,
            memory: None,
            must_remember: false,
            memory_at_open: None,
            setting: "utility_first".to_owned(),
            beside: (String::new(), String::new()),
            modes_wear: false,
            keeps_back: false,
            tries: 1,
            cut: Arc::default(),
            log: Vec::new(),
            returns: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Fake> {
        // A test that makes the fake panic goes on with it.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn with(self, change: impl FnOnce(&mut Fake)) -> Self {
        change(&mut self.lock());
        self
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.lock().log.iter().filter(|entry| entry.starts_with(what)).count()
    }

    pub(crate) fn opener(&self, id: &str) -> Open {
        let (fake, id) = (self.clone(), id.parse::<DeviceId>().expect("a valid name"));
        Box::new(move |context| {
            fake.lock().opens += 1;
            fake.lock().memory_at_open.clone_from(&context.memory);
            if fake.lock().refuses_to_open {
                let source = std::io::Error::other("no more sockets");
                return Err(OpenError::Socket { address: "fake".to_owned(), source });
            }
            Ok(Box::new(fake.device(&id, context)))
        })
    }

    pub(crate) fn device(&self, id: &DeviceId, context: Context) -> FakeDevice {
        FakeDevice { id: id.clone(), fake: self.clone(), context, next: Moment::default(), online: None }
    }
}

/// A device whose behaviour its [`FakeHandle`] decides. It polls every 30 s.
pub(crate) struct FakeDevice {
    id: DeviceId,
    fake: FakeHandle,
    context: Context,
    next: Moment,
    online: Option<bool>,
}

impl FakeDevice {
    async fn exchange(&self, what: &str) -> Result<(), DeviceError> {
        self.point().await;
        self.fake.lock().log.push(what.to_owned());
        self.context.clock.sleep(EXCHANGE).await;
        let now = self.context.clock.now();
        let mut fake = self.fake.lock();
        if let Some((_, mode, power)) = fake.returns.take_if(|(at, ..)| now.mono >= at.mono) {
            fake.mode = mode;
            fake.power = power;
        }
        if fake.answers {
            return Ok(());
        }
        Err(DeviceError::NoAnswer { device: self.id.clone(), request: what.to_owned(), tries: 3 })
    }

    async fn point(&self) {
        let cut = Arc::clone(&self.fake.lock().cut);
        cut.point().await;
    }

    fn report_online(&mut self, answers: bool) {
        if !self.fake.lock().undecided && self.online.replace(answers) != Some(answers) {
            let now = self.context.clock.now();
            self.context.reporter.report(Report::Online(self.id.clone(), answers, now));
        }
    }

    fn obey(&self, plan: &Plan) {
        let now = self.context.clock.now();
        let mut fake = self.fake.lock();
        let before = (now.plus(Duration::from_secs(10)), fake.mode.clone(), fake.power);
        if fake.obeys == Obeys::Partly {
            "Half".clone_into(&mut fake.mode);
            return;
        }
        if fake.obeys != Obeys::Not {
            let is_setting = plan.wear.as_ref().is_some_and(|wear| wear.part != "mode_priority");
            let part = if is_setting { &mut fake.setting } else { &mut fake.mode };
            part.clone_from(&plan.expect_word);
        }
        if matches!(fake.obeys, Obeys::Fully | Obeys::ForTenSeconds) && fake.power.is_some() {
            let limit = fake.power_limit;
            fake.power =
                plan.expect_power.map(|power| power.supplied().0.clamp(-limit, limit)).or(fake.power);
        }
        if fake.obeys == Obeys::ForTenSeconds {
            fake.power = before.2;
            fake.returns = Some(before);
        }
    }
}

impl Device for FakeDevice {
    fn info(&self) -> DeviceInfo {
        let mut info = DeviceInfo::new(self.id.clone(), "fake", "192.0.2.7:30000");
        info.title = format!("Title of {}", self.id);
        info.roles = vec![Role::Battery, Role::GridMeter];
        info.metrics = vec![Metric::BatterySoc, Metric::BatteryPower, Metric::GridPower];
        info.ttl = Ttl { fast: Duration::from_secs(70), ..Ttl::default() };
        if self.fake.lock().controllable {
            info.modes = ["auto", "charge", "discharge", "idle"].map(str::to_owned).to_vec();
        }
        info
    }

    fn due_in(&self) -> Duration {
        self.next.since(self.context.clock.now())
    }

    fn poll(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.next = self.context.clock.now().plus(Duration::from_secs(30));
            let answered = self.exchange("poll").await;
            assert!(!self.fake.lock().panics_in_poll, "the fake was told to panic");
            self.report_online(answered.is_ok());
            if answered.is_err() || !self.fake.lock().tells {
                return;
            }
            let at = self.context.clock.now();
            let (soc, power, tells_discharge) = {
                let fake = self.fake.lock();
                (fake.soc, fake.power, fake.tells_discharge)
            };
            let mut values = vec![
                (Metric::BatterySoc, Ok(Value::Number(soc))),
                (Metric::GridPower, Ok(Value::Number(100.0))),
            ];
            values.extend(power.map(|power| (Metric::BatteryPower, Ok(Value::Number(power)))));
            if tells_discharge && power.is_some_and(|power| power > 0.0) {
                values.push((Metric::BatteryMode, Ok(Value::State("discharge"))));
            }
            self.context.reporter.report(Report::Answered(self.id.clone(), at));
            self.context.reporter.report(Report::Reading(Reading { device: self.id.clone(), at, values }));
        })
    }

    fn plan(&self, wish: &Wish, dead_man: Option<Timespan>) -> Result<Plan, PlanError> {
        let mode = match wish {
            Wish::Mode(mode) => mode,
            Wish::Setting(Assignment { name, value }) if name == "max_discharge_power" => {
                return Ok(limit_plan(value));
            }
            Wish::Setting(Assignment { name, value }) => {
                return Ok(setting_plan(name, value, &self.fake.lock().beside.1));
            }
        };
        let (word, power) = match mode {
            BatteryMode::Charge { until: Some(_), .. } if !self.fake.lock().ends_charges => {
                return Err(PlanError { reason: "cannot stop by itself".to_owned() });
            }
            BatteryMode::Auto => ("Auto", None),
            BatteryMode::Idle => ("Passive", Some(0.0)),
            BatteryMode::Charge { power: Some(power), .. } => ("Passive", Some(-power.0)),
            BatteryMode::Discharge { power: Some(power) } => ("Passive", Some(power.0)),
            other => return Err(PlanError { reason: format!("{other} has no equivalent on this device") }),
        };
        let lasts = dead_man.map(|span| span.0).filter(|_| power.is_some_and(|power| power != 0.0));
        let lease = lasts.map(|span| format!(" {}", Timespan(span))).unwrap_or_default();
        Ok(Plan {
            writes: vec![format!("{word} {}{lease}", power.unwrap_or_default())],
            expect_word: word.to_owned(),
            word_is_all: power.is_none(),
            expect_power: power.map(|power| BatteryPower::discharging(Watts(power))),
            settle: Duration::from_secs(2),
            effect_within: Duration::from_secs(60),
            lasts,
            follow_every: None,
            wear: self.fake.lock().modes_wear.then(|| wear("mode_priority")),
        })
    }

    fn write<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, Result<WriteReply, DeviceError>> {
        Box::pin(async move {
            assert!(!self.fake.lock().panics_in_write, "the fake was told to panic");
            if self.fake.lock().keeps_back {
                let (device, request) = (self.id.clone(), plan.writes.join(";"));
                return Err(DeviceError::NotSent { device, request, why: "the line is busy".to_owned() });
            }
            let sent = self.exchange(&format!("write {}", plan.writes.join(";"))).await;
            self.obey(plan);
            self.point().await;
            sent?;
            let (says, tries) = {
                let fake = self.fake.lock();
                (fake.says, fake.tries)
            };
            match says {
                Some(accepted) => {
                    Ok(WriteReply { reply: format!("{{\"set_result\":{accepted}}}"), accepted, tries })
                }
                None => Err(DeviceError::NoAnswer {
                    device: self.id.clone(),
                    request: "write".to_owned(),
                    tries: 2,
                }),
            }
        })
    }

    fn read_back<'a>(&'a mut self, wish: &'a Wish) -> BoxFuture<'a, Result<ModeNow, DeviceError>> {
        Box::pin(async move {
            self.exchange("read").await?;
            let mut fake = self.fake.lock();
            if matches!(wish, Wish::Setting(_)) {
                fake.beside.1 = fake.beside.0.clone();
                return Ok(ModeNow { native: fake.setting.clone(), power: None, soc: None });
            }
            let power = fake.power.map(|power| BatteryPower::discharging(Watts(power)));
            Ok(ModeNow { native: fake.mode.clone(), power, soc: Some(fake.soc) })
        })
    }

    fn memory(&self) -> Option<String> {
        self.fake.lock().memory.clone()
    }

    fn must_remember(&self) -> bool {
        self.fake.lock().must_remember
    }
}

/// What it gives of its own accord can be limited; that wears nothing out, and its own automatic lifts it.
fn limit_plan(watts: &str) -> Plan {
    Plan {
        writes: vec![format!("limit {watts}")],
        expect_word: format!("Auto up to {watts} W"),
        wear: None,
        ..setting_plan("", "", "")
    }
}

/// The one setting of the fake wears out: a write a minute, two a day.
fn setting_plan(name: &str, value: &str, beside: &str) -> Plan {
    Plan {
        writes: vec![format!("{name} {value}{beside}")],
        expect_word: format!("{value}{beside}"),
        word_is_all: true,
        expect_power: None,
        settle: Duration::from_secs(2),
        effect_within: Duration::ZERO,
        lasts: None,
        follow_every: None,
        wear: Some(wear(name)),
    }
}

fn wear(part: &str) -> Wear {
    let (part, may_wait) = (part.to_owned(), part.ends_with("priority"));
    Wear { part, interval: Duration::from_secs(60), per_day: 2, may_wait }
}

/// Where a program can be cut off: at every step of its memory, its device and its clock. One of them is the last; from then
/// on nothing goes on, and [`Cut::over`] ends.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// How many points it has passed.
    passed: AtomicUsize,
    /// The last one; none without one.
    last: Option<usize>,
    over: CancellationToken,
}

impl Cut {
    pub(crate) fn at(last: usize) -> Arc<Self> {
        Arc::new(Self { last: Some(last), ..Self::default() })
    }

    /// Goes on, or never does.
    pub(crate) async fn point(&self) {
        let passed = self.passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if self.last.is_some_and(|last| passed >= last) {
            self.over.cancel();
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    pub(crate) fn passed(&self) -> usize {
        self.passed.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// A clock with such points: every wait is one.
pub(crate) struct CutClock(pub(crate) Arc<dyn Clock>, pub(crate) Arc<Cut>);

impl Clock for CutClock {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let (sleep, cut) = (self.0.sleep(span), Arc::clone(&self.1));
        Box::pin(async move {
            cut.point().await;
            sleep.await;
        })
    }
}

/// A durable memory that is none, with a switch for a full disk.
#[derive(Default)]
pub(crate) struct FakeRecords {
    pub(crate) cut: Mutex<Arc<Cut>>,
    pub(crate) ledger: Mutex<Vec<LedgerEntry>>,
    pub(crate) state: Mutex<BTreeMap<String, String>>,
    pub(crate) puts: Mutex<usize>,
    pub(crate) full: AtomicBool,
    pub(crate) unreadable: AtomicBool,
}

impl FakeRecords {
    async fn point(&self) {
        let cut = Arc::clone(&self.cut.lock().unwrap());
        cut.point().await;
    }

    fn writable(&self) -> Result<(), NotDurable> {
        let full = self.full.load(std::sync::atomic::Ordering::Relaxed);
        if full { Err(NotDurable("the disk is full".to_owned())) } else { Ok(()) }
    }
}

impl Records for FakeRecords {
    fn append_ledger(&self, entry: LedgerEntry) -> BoxFuture<'_, Result<i64, NotDurable>> {
        Box::pin(async move {
            self.point().await;
            self.writable()?;
            let rows = {
                let mut ledger = self.ledger.lock().unwrap();
                ledger.push(entry);
                ledger.len()
            };
            self.point().await;
            Ok(i64::try_from(rows).unwrap())
        })
    }

    fn get_state(&self, key: String) -> BoxFuture<'_, Result<Option<String>, NotDurable>> {
        Box::pin(async move {
            self.point().await;
            if self.unreadable.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(NotDurable("the disk is not there".to_owned()));
            }
            Ok(self.state.lock().unwrap().get(&key).cloned())
        })
    }

    fn put_state(&self, key: String, value: String) -> BoxFuture<'_, Result<(), NotDurable>> {
        Box::pin(async move {
            self.point().await;
            self.writable()?;
            *self.puts.lock().unwrap() += 1;
            self.state.lock().unwrap().insert(key, value);
            self.point().await;
            Ok(())
        })
    }
}

/// Keeps what the hub tells.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) readings: Mutex<Vec<Arc<Reading>>>,
    pub(crate) events: Mutex<Vec<Event>>,
}

impl Heard {
    pub(crate) fn event_texts(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|event| format!("{}: {}", event.code, event.text)).collect()
    }
}

impl Listener for Heard {
    fn reading(&self, reading: &Arc<Reading>) {
        self.readings.lock().unwrap().push(Arc::clone(reading));
    }

    fn event(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }
}

/// The gate of device `a`, not read-only.
pub(crate) fn gate(clock: &Arc<dyn Clock>, records: &Arc<FakeRecords>) -> Gate {
    Gate {
        id: id("a"),
        read_only: ReadOnly { device: None, installation: Arc::default() },
        clock: Arc::clone(clock),
        records: Arc::clone(records) as _,
        stop: CancellationToken::new(),
        until: Until::Watched,
        last: LastWrites::default(),
    }
}

/// A running house with the fake device `a`, its store in `dir`, without MQTT and web.
pub(crate) struct TestHouse {
    pub(crate) house: Arc<House>,
    pub(crate) tracker: TaskTracker,
}

impl TestHouse {
    pub(crate) async fn new(dir: &std::path::Path, clock: Arc<dyn Clock>) -> Self {
        let yaml =
            "site: { timezone: UTC }\nread_only: false\ndevices: { a: { marstek: { host: 192.0.2.1 } } }";
        let config = ohmstead_config::parse(yaml, "test.yaml", &|_| None).expect("a valid configuration");
        let store = Store::open(dir.to_owned(), HistoryConfig::of(Some(&config)), Holder::Daemon)
            .expect("a free directory");
        let (hub, hub_loop) = Hub::new("Home", Arc::clone(&clock), Arc::new(store.clone()));
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        tracker.spawn(hub_loop.run(CancellationToken::new()));
        let (_, mqtt) = tokio::sync::watch::channel(ohmstead_publish::Status::default());
        let house = Arc::new(House::new(&config, Parts { clock, hub, store, mqtt }));
        let fake = FakeHandle::new();
        let gate = Gate {
            id: id("a"),
            read_only: ReadOnly { device: None, installation: Arc::clone(&house.read_only) },
            clock: Arc::clone(&house.clock),
            records: Arc::new(house.store.clone()),
            stop: stop.clone(),
            until: Until::Watched,
            last: LastWrites::default(),
        };
        let task = DeviceTask::new(device_task::Parts {
            open: fake.opener("a"),
            gate,
            door: house.commander.open(id("a")),
            hub: house.hub.clone(),
            seed: 1,
            memory: None,
            seen: Vec::new(),
        });
        tracker.spawn(task.start("fake").await.run());
        house.hub.ping().await;
        Self { house, tracker }
    }
}
