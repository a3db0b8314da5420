//! A house that stands still: three batteries with one of each trouble, behind [`Backend`], at a clock that the test
//! moves; on demand an inverter too. Also used by the example server.

#[path = "future.rs"]
pub(crate) mod future;
#[path = "inverter.rs"]
mod inverter;
#[path = "windows.rs"]
mod windows;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use future::Future;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{
    Answer, AskError, Asker, BatteryMode, Bucket, Commands, ControlPhase, ControlState, DeviceId, DeviceInfo,
    DeviceState, Event, LedgerEntry, LedgerQuery, LimitName, LimitRefused, Limited, Metric, Moment, Notice,
    Observation, Online, Outcome, Part, Phase, Points, Reading, Request, Resolution, Role, Series,
    SeriesQuery, Severity, SiteLimit, Snapshot, Switched, Switches, TempoColour, UnixMillis, Unknown, Update,
    Value, Wish, house,
};
use ohmstead_units::Watts;
use ohmstead_web::{
    AheadChange, AheadError, AskedAhead, Backend, BoxFuture, ControlRules, Counter, Growth, HistoryError,
    Money, MoneyBy, Outlook, Page, PageQuery, Planning, ScheduleChange, ScheduleRefused, ScheduleWindow,
    Site, StoreFigures, StoredSeries, Tempo,
};
use tokio::sync::{Semaphore, broadcast};
use windows::Windows;

/// 2026-11-21 08:00:00 UTC, a thousand seconds after the start.
pub(crate) const NOW: Moment =
    Moment { mono: Duration::from_secs(1000), unix: UnixMillis(1_795_248_000_000) };

/// The fake program.
pub(crate) struct House {
    /// The present moment.
    pub(crate) now: Mutex<Moment>,
    /// What is known.
    pub(crate) snapshot: Mutex<Snapshot>,
    /// What the program says against its readiness.
    pub(crate) not_ready: Mutex<Vec<String>>,
    /// The pages of stored values that were asked for.
    pub(crate) pages: Mutex<Vec<PageQuery>>,
    /// What the store answers instead of a series.
    pub(crate) store_fault: Mutex<Option<HistoryError>>,
    /// Series that were asked for.
    pub(crate) queries: Mutex<Vec<SeriesQuery>>,
    /// Wishes that were handed in.
    pub(crate) asked: Arc<Mutex<Vec<Request>>>,
    /// How an attempt on `axpert` ends, where it is no dry run, and why.
    pub(crate) verdict: Arc<Mutex<Option<(Outcome, String)>>>,
    /// Questions to the ledger.
    pub(crate) ledger_asked: Mutex<Vec<LedgerQuery>>,
    /// Without a permit an attempt does not end.
    pub(crate) gate: Arc<Semaphore>,
    /// What is switched on: this house has a schedule and limits, and no rotation.
    pub(crate) switches: Arc<Mutex<Switches>>,
    /// Its limits: one that is lowered, one that is not.
    pub(crate) limits: Arc<Mutex<Vec<SiteLimit>>>,
    /// What is answered instead of a change of a limit.
    pub(crate) limit_fault: Arc<Mutex<Option<LimitRefused>>>,
    /// Its schedule.
    pub(crate) schedule: Windows,
    /// What lies ahead of it.
    pub(crate) future: Future,
    updates: broadcast::Sender<Update>,
}

pub(crate) fn id(name: &str) -> DeviceId {
    if name == "site" {
        return DeviceId::site();
    }
    name.parse().expect("a valid name")
}

pub(crate) fn ago(seconds: u64) -> Moment {
    before(Duration::from_secs(seconds))
}

fn before(span: Duration) -> Moment {
    Moment { mono: NOW.mono.saturating_sub(span), unix: NOW.unix.minus(span) }
}

impl House {
    pub(crate) fn new() -> Arc<Self> {
        let mut snapshot = Snapshot::default();
        for device in [fase_a(), fase_b(), garage()] {
            snapshot.insert(device);
        }
        let mut site = DeviceState::new(Arc::new(house::info("Home", ohmstead_model::Ttl::default())));
        site.online = Online::Yes(ago(900));
        snapshot.insert(site);
        Arc::new(Self {
            now: Mutex::new(NOW),
            snapshot: Mutex::new(snapshot),
            not_ready: Mutex::default(),
            pages: Mutex::default(),
            store_fault: Mutex::default(),
            queries: Mutex::default(),
            asked: Arc::default(),
            verdict: Arc::default(),
            ledger_asked: Mutex::default(),
            gate: Arc::new(Semaphore::new(1)),
            switches: Arc::new(Mutex::new(Switches {
                limits: Some(false),
                plan: None,
                tempo: None,
                schedule: Some(true),
                rotation: None,
            })),
            limits: Arc::new(Mutex::new(vec![
                limit(LimitName::MultiOutput, 30_000.0, 1000.0, Some(20_000.0)),
                limit(LimitName::FeedIn, 5000.0, 0.0, None),
            ])),
            limit_fault: Arc::default(),
            schedule: Windows::default(),
            future: Future::default(),
            updates: broadcast::channel(16).0,
        })
    }

    /// The same with an inverter that has settings.
    pub(crate) fn with_inverter() -> Arc<Self> {
        let house = Self::new();
        house.snapshot.lock().unwrap().insert(inverter::axpert());
        house
    }

    /// Lets a device offer the settings of the inverter.
    pub(crate) fn offer(&self, device: &str) {
        let mut snapshot = self.snapshot.lock().unwrap();
        let settings = inverter::axpert().info.settings.clone();
        Arc::make_mut(&mut snapshot.device_mut(device).unwrap().info).settings = settings;
    }

    /// Takes in new values and tells the listeners.
    pub(crate) fn tell(&self, device: &str, values: Vec<(Metric, Observation)>) {
        let reading = Reading { device: id(device), at: self.now(), values };
        self.snapshot.lock().unwrap().apply(&reading);
        self.announce(Update::Reading(Arc::new(reading)));
    }

    /// Tells the listeners.
    pub(crate) fn announce(&self, update: Update) {
        // Nobody may be listening.
        let _ = self.updates.send(update);
    }

    /// How many listeners there are.
    pub(crate) fn listeners(&self) -> usize {
        self.updates.receiver_count()
    }
}

fn limit(name: LimitName, max: f64, lowest: f64, asked: Option<f64>) -> SiteLimit {
    SiteLimit { name, max: Watts(max), lowest: Watts(lowest), asked: asked.map(Watts) }
}

fn device(name: &str, title: &str, address: &str) -> DeviceState {
    let mut info = DeviceInfo::new(id(name), "marstek", address);
    title.clone_into(&mut info.title);
    info.roles = vec![Role::Battery, Role::Inverter, Role::GridMeter];
    info.modes = ["auto", "idle", "charge", "discharge", "native:ai"].map(str::to_owned).to_vec();
    info.metrics = vec![Metric::BatterySoc, Metric::BatteryPower, Metric::BatteryMode];
    DeviceState::new(Arc::new(info))
}

fn put(state: &mut DeviceState, at: Moment, values: &[(Metric, Observation)]) {
    for (metric, observation) in values {
        let observed = ohmstead_model::Observed { observation: observation.clone(), at };
        state.values.insert(*metric, observed);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an observation is a result")]
fn number(value: f64) -> Observation {
    Ok(Value::Number(value))
}

/// A battery that answers, with all sorts of values.
fn fase_a() -> DeviceState {
    let mut state = device("fase_a", "Fase A", "192.0.2.7:30000");
    let info = Arc::make_mut(&mut state.info);
    info.model = Some("VenusE 3.0".to_owned());
    info.firmware = Some("139".to_owned());
    info.serial = Some("02aabbccddee".to_owned());
    info.phase = Some(Phase::L1);
    state.online = Online::Yes(ago(600));
    state.last_success = Some(ago(1));
    state.notices = vec![Notice {
        code: "risky_firmware",
        severity: Severity::Warning,
        text: "Firmware 139 stops answering when it is asked too often".to_owned(),
        hint: "Update to 150 or later".to_owned(),
    }];
    state.control = Some(Arc::new(ControlState {
        wants: Some("charge 800 W".to_owned()),
        by: Some("override"),
        phase: ControlPhase::Confirmed,
        code: "asked",
        reason: "asked by hand (cli)".to_owned(),
        ends: Some(NOW.unix.plus(Duration::from_secs(2520))),
    }));
    let fast = [
        (Metric::BatterySoc, number(0.0)),
        (Metric::BatteryPower, number(-800.4)),
        (Metric::InverterPower, number(-820.0)),
        (Metric::GridPower, number(1234.0)),
        (Metric::BatteryMode, Ok(Value::State("charge"))),
        (Metric::BatteryModeNative, Ok(Value::text("Manual"))),
        (Metric::InverterVoltage, Err(Unknown::implausible("9999 V"))),
        (Metric::InverterCurrent, Err(Unknown::NotReported)),
    ];
    put(&mut state, before(Duration::from_millis(812)), &fast);
    let slow = [
        (Metric::BatteryTemperature, number(21.55)),
        (Metric::BatteryChargeEnergy, number(81.07)),
        (Metric::AnswerTime, number(85.0)),
    ];
    put(&mut state, ago(40), &slow);
    state
}

/// A battery that stopped answering.
fn fase_b() -> DeviceState {
    let mut state = device("fase_b", "Fase B", "192.0.2.8:30000");
    state.online = Online::No(ago(100));
    state.last_success = Some(ago(130));
    put(&mut state, ago(130), &[(Metric::BatterySoc, number(55.0)), (Metric::BatteryPower, number(300.0))]);
    state
}

/// A battery that was not asked yet.
fn garage() -> DeviceState {
    device("garage", "Garage", "192.0.2.9:30000")
}

impl Backend for House {
    fn now(&self) -> Moment {
        *self.now.lock().unwrap()
    }

    fn site(&self) -> Site {
        Site {
            name: "Home".to_owned(),
            time_zone: TimeZone::get("Europe/Paris").expect("the zones are compiled in"),
            languages: vec!["fr".to_owned(), "en".to_owned()],
            version: "1.2.3".to_owned(),
            read_only: true,
            started_at: ago(1000).unix,
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.snapshot.lock().unwrap().clone())
    }

    fn device_order(&self) -> Vec<DeviceId> {
        let names = ["garage", "fase_a", "fase_b", "axpert"].map(id);
        let snapshot = self.snapshot.lock().unwrap();
        names.into_iter().filter(|name| snapshot.device(name.as_str()).is_some()).collect()
    }

    fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }

    fn history(&self, query: SeriesQuery) -> BoxFuture<'_, Result<Series, HistoryError>> {
        self.queries.lock().unwrap().push(query.clone());
        if let Some(fault) = self.store_fault.lock().unwrap().clone() {
            return Box::pin(async { Err(fault) });
        }
        let series = match query.resolution {
            Resolution::Step(step) => Series { step: Some(step), points: buckets(query.from) },
            Resolution::Calendar(_) => Series { step: None, points: buckets(query.from) },
            Resolution::Raw | Resolution::MaxPoints(_) | Resolution::Lttb(_) => {
                Series { step: None, points: stored(&query) }
            }
        };
        Box::pin(async { Ok(series) })
    }

    fn stored_series(&self) -> BoxFuture<'_, Result<Vec<StoredSeries>, HistoryError>> {
        if let Some(fault) = self.store_fault.lock().unwrap().clone() {
            return Box::pin(async { Err(fault) });
        }
        let of = |device: &str, metric| {
            let (first, last) = (ago(86_400).unix, NOW.unix);
            StoredSeries { device: id(device), metric, first, last, points: 20_000 }
        };
        let series = vec![
            of("fase_a", Metric::BatteryMode),
            of("fase_a", Metric::BatterySoc),
            of("fase_b", Metric::BatterySoc),
        ];
        Box::pin(async move { Ok(series) })
    }

    /// 20,000 values of each series, one a millisecond from the epoch on.
    fn stored_values(&self, query: PageQuery) -> BoxFuture<'_, Result<Page, HistoryError>> {
        self.pages.lock().unwrap().push(query.clone());
        let (from, to) = (query.from.0.max(0), query.to.0.min(20_000));
        let value = |at: i64| match query.metric.def().kind {
            ohmstead_model::catalogue::Kind::State(_) => Value::State("auto"),
            _ => Value::Number((at % 1000) as f64 / 10.0),
        };
        let page = (from..to).take(query.most).map(|at| (UnixMillis(at), value(at))).collect();
        Box::pin(async move { Ok(page) })
    }

    fn growth(
        &self,
        _device: DeviceId,
        _metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BoxFuture<'_, Result<Growth, HistoryError>> {
        let known = Growth { value: Some(12.345), resets: 1, first: Some(from), last: Some(to) };
        let growth = if from == to { Growth::default() } else { known };
        Box::pin(async move { Ok(growth) })
    }

    fn store_figures(&self) -> BoxFuture<'_, Result<StoreFigures, HistoryError>> {
        let figures = StoreFigures {
            points: 60_000,
            bytes: 21_000,
            bytes_per_point: Some(0.35),
            series: 3,
            first: Some(ago(900).unix),
            last: Some(NOW.unix),
        };
        Box::pin(async move { Ok(figures) })
    }

    fn ledger(&self, query: LedgerQuery) -> BoxFuture<'_, Result<Vec<LedgerEntry>, HistoryError>> {
        let request = Request {
            device: id("fase_a"),
            wish: BatteryMode::Idle.into(),
            lease: None,
            asked_by: ohmstead_model::Asker::Cli,
        };
        let limit = query.limit;
        self.ledger_asked.lock().unwrap().push(query);
        Box::pin(async move { Ok(vec![attempt(&request, 7); limit.min(1)]) })
    }

    fn events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, HistoryError>> {
        let event = Event {
            id: 3,
            at: ago(100).unix,
            severity: Severity::Alarm,
            device: Some(id("fase_b")),
            code: "device_offline".to_owned(),
            text: "Fase B does not answer".to_owned(),
        };
        Box::pin(async move { Ok(vec![event; limit.min(1)]) })
    }

    fn commands(&self) -> Arc<dyn Commands> {
        Arc::new(Gate {
            asked: Arc::clone(&self.asked),
            verdict: Arc::clone(&self.verdict),
            permits: Arc::clone(&self.gate),
            switches: Arc::clone(&self.switches),
            limits: Arc::clone(&self.limits),
            limit_fault: Arc::clone(&self.limit_fault),
        })
    }

    fn control_rules(&self) -> ControlRules {
        ControlRules {
            power_lasts: Duration::from_secs(3600),
            mode_lasts: Duration::from_secs(86_400),
            schedule: self.schedule.all.lock().unwrap().clone(),
        }
    }

    fn change_schedule(
        &self,
        change: ScheduleChange,
        asked_by: Asker,
    ) -> BoxFuture<'_, Result<ScheduleWindow, ScheduleRefused>> {
        assert_eq!(asked_by, Asker::Rest);
        let changed = self.schedule.change(change);
        Box::pin(async move { changed })
    }

    fn outlook(&self) -> Result<Arc<Outlook>, AheadError> {
        self.future.outlook.lock().unwrap().clone()
    }

    fn planning(&self) -> Planning {
        self.future.planning.lock().unwrap().clone()
    }

    fn asked_ahead(&self) -> Vec<AskedAhead> {
        self.future.asked.lock().unwrap().clone()
    }

    fn change_ahead(
        &self,
        change: AheadChange,
        asked_by: Asker,
    ) -> BoxFuture<'_, Result<AskedAhead, ScheduleRefused>> {
        assert_eq!(asked_by, Asker::Rest);
        let changed = self.future.change(change);
        Box::pin(async move { changed })
    }

    fn tempo(&self) -> Result<Tempo, AheadError> {
        self.future.tempo.lock().unwrap().clone()
    }

    fn set_colour(
        &self,
        date: Date,
        colour: Option<TempoColour>,
    ) -> BoxFuture<'_, Result<Tempo, AheadError>> {
        let said = self.future.say(date, colour);
        Box::pin(async move { said })
    }

    fn money(&self, from: Date, to: Date, by: MoneyBy) -> BoxFuture<'_, Result<Money, AheadError>> {
        self.future.spans.lock().unwrap().push((from, to, by));
        let money = self.future.money.lock().unwrap().clone();
        Box::pin(async move { money })
    }

    fn not_ready(&self) -> Vec<String> {
        self.not_ready.lock().unwrap().clone()
    }

    fn counters(&self) -> Vec<Counter> {
        let lost = |listener: &str, value| Counter {
            name: "updates_lost",
            help: "Updates that a slow listener lost",
            labels: vec![("listener", listener.to_owned())],
            value,
        };
        vec![lost("mqtt", 3.0), lost("web", 0.0), lost("broken", f64::NAN)]
    }

    fn gauges(&self) -> Vec<Counter> {
        vec![Counter { name: "store_bytes", help: "Size of the store", labels: vec![], value: 4096.0 }]
    }
}

fn stored(query: &SeriesQuery) -> Points {
    let at = |n: u64| query.from.plus(Duration::from_secs(n * 10));
    let value = |number: f64| match query.metric.def().kind {
        ohmstead_model::catalogue::Kind::State(states) => Value::State(states[0].key),
        ohmstead_model::catalogue::Kind::Text => Value::text("Manual"),
        _ => Value::Number(number),
    };
    Points::Raw(vec![
        (at(0), value(420.04)),
        (at(1), value(-0.2)),
        (at(2), value(f64::NAN)),
        (at(3), value(430.0)),
    ])
}

fn buckets(from: UnixMillis) -> Points {
    let bucket = |minute: u64, mean: f64| Bucket {
        at: from.plus(Duration::from_secs(60 * minute)),
        min: mean - 100.0,
        mean,
        max: mean + 100.0,
        last: mean,
        count: 6,
    };
    Points::Buckets(vec![bucket(0, 391.26), bucket(1, f64::INFINITY), bucket(5, -50.0)])
}

/// The gate to the hardware: `fase_a` and `axpert` obey read-only, the others are in the way of one refusal each.
struct Gate {
    asked: Arc<Mutex<Vec<Request>>>,
    verdict: Arc<Mutex<Option<(Outcome, String)>>>,
    permits: Arc<Semaphore>,
    switches: Arc<Mutex<Switches>>,
    limits: Arc<Mutex<Vec<SiteLimit>>>,
    limit_fault: Arc<Mutex<Option<LimitRefused>>>,
}

impl Commands for Gate {
    fn ask(&self, request: Request) -> Answer {
        self.asked.lock().unwrap().push(request.clone());
        let permits = Arc::clone(&self.permits);
        let verdict = self.verdict.lock().unwrap().clone();
        Box::pin(async move {
            let _permit = permits.acquire().await;
            match (request.device.as_str(), verdict) {
                ("axpert", Some((outcome, reason))) => {
                    Ok(LedgerEntry { outcome, reason, ..attempt(&request, 8) })
                }
                ("fase_a" | "axpert", _) => Ok(attempt(&request, 8)),
                ("fase_b", _) => Err(AskError::Busy),
                _ => Err(AskError::NotControllable("it only measures".to_owned())),
            }
        })
    }

    fn release(&self, device: DeviceId, asked_by: Asker) -> Answer {
        self.ask(released(device, asked_by))
    }

    fn switch(&self, part: Part, on: bool, _: Asker) -> Switched {
        let mut switches = self.switches.lock().unwrap();
        match part {
            Part::Limits => switches.limits = Some(on),
            Part::Plan => switches.plan = Some(on),
            Part::Tempo => switches.tempo = Some(on),
            Part::Schedule => switches.schedule = Some(on),
            Part::Rotation => switches.rotation = Some(on),
        }
        let switches = *switches;
        Box::pin(async move { Ok(switches) })
    }

    fn switches(&self) -> Switches {
        *self.switches.lock().unwrap()
    }

    /// Like control: not below or above what the configuration allows.
    fn limit(&self, name: LimitName, max: Option<Watts>, _: Asker) -> Limited {
        let fault = self.limit_fault.lock().unwrap().clone();
        let mut limits = self.limits.lock().unwrap();
        let answer = match (fault, limits.iter_mut().find(|limit| limit.name == name), max) {
            (Some(fault), ..) => Err(fault),
            (_, None, _) => Err(LimitRefused::NotConfigured(name)),
            (_, Some(limit), Some(asked)) if !limit.takes(asked) => {
                Err(LimitRefused::OutOfBounds { asked, lowest: limit.lowest, max: limit.max })
            }
            (_, Some(limit), max) => {
                limit.asked = max;
                Ok(*limit)
            }
        };
        Box::pin(async move { answer })
    }

    fn limits(&self) -> Vec<SiteLimit> {
        self.limits.lock().unwrap().clone()
    }
}

fn released(device: DeviceId, asked_by: Asker) -> Request {
    Request { device, wish: BatteryMode::Auto.into(), lease: None, asked_by }
}

fn attempt(request: &Request, number: i64) -> LedgerEntry {
    let (old, new) = match request.wish {
        Wish::Mode(_) => ("Auto", "ES.SetMode {\"mode\":\"Manual\"}"),
        Wish::Setting(_) => ("SBU", "POP01"),
    };
    LedgerEntry {
        id: number,
        at: ago(5).unix,
        device: request.device.clone(),
        asked_by: request.asked_by.key().to_owned(),
        request: request.wish.to_string(),
        old: Some(old.to_owned()),
        new: Some(new.to_owned()),
        reply: None,
        read_back: None,
        effect: None,
        outcome: Outcome::DryRun,
        reason: "the installation is read-only".to_owned(),
    }
}
