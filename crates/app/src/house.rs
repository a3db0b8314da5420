//! The running house as its windows see it: the web interface and the socket ask here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_config::Config;
use ohmstead_control::Override;
use ohmstead_control::overrides::Later;
use ohmstead_control::schedule::ChangeError;
use ohmstead_model::{
    Asker, Clock, Commands, DeviceId, Event, LedgerEntry, LedgerQuery, Metric, Moment, Series, SeriesQuery,
    Snapshot, TempoColour, TimeSpan, UnixMillis, Update,
};
use ohmstead_publish::Status as MqttStatus;
use ohmstead_sinks::Status as SinkStatus;
use ohmstead_web::{
    AheadChange, AheadError, AskedAhead, Backend, ControlParts, ControlRules, Counter, Growth, HistoryError,
    Money, MoneyBy, Outlook, Page, PageQuery, Planning, ScheduleChange, ScheduleRefused, ScheduleWindow,
    Site, StoreFigures, StoredSeries, Tempo,
};
use tokio::sync::{broadcast, watch};

use crate::actuator::Commander;
use crate::control::windows::{Changed, NotChanged};
use crate::control::{self, Rules};
use crate::hub::Hub;
use crate::planning::door::Door;
use crate::planning::{self, bank::bank};
use crate::store::Store;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The parts of the running program that others look at.
pub(crate) struct House {
    /// The one clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// What is known.
    pub(crate) hub: Hub,
    /// The way to the devices.
    pub(crate) commander: Arc<Commander>,
    /// What is kept.
    pub(crate) store: Store,
    /// Whether nothing is written to devices that do not say otherwise.
    pub(crate) read_only: Arc<AtomicBool>,
    /// How the MQTT connection is doing.
    pub(crate) mqtt: watch::Receiver<MqttStatus>,
    /// How each sink is doing, by name.
    pub(crate) sinks: RwLock<Vec<(String, watch::Receiver<SinkStatus>)>>,
    /// What lies ahead.
    pub(crate) ahead: Door,
    rules: watch::Sender<Rules>,
    facts: RwLock<Facts>,
    started_at: UnixMillis,
}

/// What the configuration says; may change while the program runs.
struct Facts {
    name: String,
    time_zone: TimeZone,
    languages: Vec<String>,
    order: Vec<DeviceId>,
}

impl Facts {
    fn of(config: &Config) -> Self {
        Self {
            name: config.site.name.clone(),
            time_zone: config.site.timezone.clone(),
            languages: config.site.languages.iter().map(ToString::to_string).collect(),
            order: config.devices.iter().map(|(id, _)| id.clone()).collect(),
        }
    }
}

/// The parts to put together.
pub(crate) struct Parts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Hub,
    pub(crate) store: Store,
    pub(crate) mqtt: watch::Receiver<MqttStatus>,
}

impl House {
    pub(crate) fn new(config: &Config, parts: Parts) -> Self {
        let Parts { clock, hub, store, mqtt } = parts;
        let started_at = clock.now().unix;
        Self {
            clock,
            hub,
            commander: Arc::default(),
            store,
            read_only: Arc::new(AtomicBool::new(config.read_only)),
            mqtt,
            sinks: RwLock::default(),
            ahead: Door::new(config),
            rules: watch::Sender::new(Rules::of(config)),
            facts: RwLock::new(Facts::of(config)),
            started_at,
        }
    }

    /// Takes over what another configuration says of the site.
    pub(crate) fn set_facts(&self, config: &Config) {
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = Facts::of(config);
        self.read_only.store(config.read_only, Ordering::Relaxed);
        self.rules.send_replace(Rules::of(config));
        self.ahead.site.send_replace(planning::Site::of(config));
    }

    /// What the configuration says about control, now and after each change.
    pub(crate) fn rules(&self) -> watch::Receiver<Rules> {
        self.rules.subscribe()
    }

    /// Everything that is shown of control besides the devices.
    pub(crate) fn control_parts(&self) -> ControlParts {
        let (switches, limits) = (self.commander.switches(), self.commander.limits());
        ControlParts { switches, limits, rules: self.control_rules() }
    }

    /// The window that a change was about, as it is from then on, or was.
    async fn changed_schedule(
        &self,
        change: ScheduleChange,
        asked_by: Asker,
    ) -> Result<ScheduleWindow, ScheduleRefused> {
        let find = |windows: Vec<ScheduleWindow>, id| windows.into_iter().find(|window| window.id == id);
        let before = self.control_rules().schedule;
        let changed = self.commander.change_windows(control::change(change), asked_by).await;
        let Changed { timetable, id } = changed.map_err(|error| control::refused(&error))?;
        let after = self.rules.borrow().windows(&timetable, self.clock.now());
        // A reload of the configuration at this very moment may have taken the file's window away.
        find(after, id).or_else(|| find(before, id)).ok_or_else(|| control::refused(&gone(id)))
    }

    async fn changed_ahead(
        &self,
        change: AheadChange,
        asked_by: Asker,
    ) -> Result<AskedAhead, ScheduleRefused> {
        let changed = self.commander.change_later(change, asked_by).await;
        changed.map(|later| shown(&later)).map_err(|error| error.told())
    }

    /// These figures of every sink.
    fn sink_figures(&self, figures: &[SinkFigure]) -> Vec<Counter> {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        let of_one = |(name, status): &(String, watch::Receiver<SinkStatus>)| {
            let (labels, status) = (vec![("sink", name.clone())], status.borrow());
            let figure = |&(name, help, of): &SinkFigure| {
                Some(Counter { name, help, labels: labels.clone(), value: of(&status)? })
            };
            figures.iter().filter_map(figure).collect::<Vec<_>>()
        };
        sinks.iter().flat_map(of_one).collect()
    }

    fn counters_of_mqtt(&self) -> Vec<Counter> {
        let status = self.mqtt.borrow();
        let count = |name, help, value: u64| Counter { name, help, labels: vec![], value: value as f64 };
        vec![
            count("mqtt_connections", "Connections made to the broker", status.connections),
            count("mqtt_sent_messages", "Messages handed to the broker", status.sent),
            count("mqtt_dropped_messages", "Messages overtaken by newer ones or lost", status.dropped),
        ]
    }
}

/// The name of a figure, what it is, and how it is had.
type SinkFigure = (&'static str, &'static str, fn(&SinkStatus) -> Option<f64>);

const SINK_COUNTERS: [SinkFigure; 2] = [
    ("sink_sent_values", "Values that the sink's server has acknowledged", |status| Some(status.sent as f64)),
    ("sink_refused_values", "Values that the sink's server refused for good", |status| {
        Some(status.refused as f64)
    }),
];

const SINK_GAUGES: [SinkFigure; 2] = [
    ("sink_working", "Whether the sink can send", |status| {
        Some(f64::from(u8::from(status.trouble.is_none())))
    }),
    ("sink_behind_seconds", "How old the oldest value is that was not acknowledged", |status| {
        status.behind.map(|behind| behind.as_secs_f64())
    }),
];

fn shown(later: &Later) -> AskedAhead {
    let Override { device, mode, asked_by, since, ends, .. } = later.asked.clone();
    AskedAhead { id: later.id, device, mode, span: TimeSpan::new(since, ends), asked_by }
}

fn gone(id: u32) -> NotChanged {
    NotChanged::Refused(ChangeError::Unknown(id))
}

impl Backend for House {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn site(&self) -> Site {
        let facts = self.facts.read().unwrap_or_else(PoisonError::into_inner);
        Site {
            name: facts.name.clone(),
            time_zone: facts.time_zone.clone(),
            languages: facts.languages.clone(),
            version: VERSION.to_owned(),
            read_only: self.read_only.load(Ordering::Relaxed),
            started_at: self.started_at,
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.hub.snapshot()
    }

    fn device_order(&self) -> Vec<DeviceId> {
        self.facts.read().unwrap_or_else(PoisonError::into_inner).order.clone()
    }

    fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.hub.subscribe()
    }

    fn history(&self, query: SeriesQuery) -> BoxFuture<'_, Result<Series, HistoryError>> {
        Box::pin(self.store.range(query))
    }

    fn stored_series(&self) -> BoxFuture<'_, Result<Vec<StoredSeries>, HistoryError>> {
        Box::pin(self.store.stored_series())
    }

    fn stored_values(&self, query: PageQuery) -> BoxFuture<'_, Result<Page, HistoryError>> {
        Box::pin(self.store.page(query))
    }

    fn growth(
        &self,
        device: DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BoxFuture<'_, Result<Growth, HistoryError>> {
        Box::pin(self.store.growth(device, metric, from, to))
    }

    fn store_figures(&self) -> BoxFuture<'_, Result<StoreFigures, HistoryError>> {
        Box::pin(self.store.figures())
    }

    fn ledger(&self, query: LedgerQuery) -> BoxFuture<'_, Result<Vec<LedgerEntry>, HistoryError>> {
        Box::pin(self.store.ledger(query))
    }

    fn events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, HistoryError>> {
        Box::pin(self.store.events(limit))
    }

    fn control_rules(&self) -> ControlRules {
        self.rules.borrow().shown(&self.commander.windows(), self.clock.now())
    }

    fn change_schedule(
        &self,
        change: ScheduleChange,
        asked_by: Asker,
    ) -> BoxFuture<'_, Result<ScheduleWindow, ScheduleRefused>> {
        Box::pin(self.changed_schedule(change, asked_by))
    }

    fn outlook(&self) -> Result<Arc<Outlook>, AheadError> {
        self.ahead.outlook(self.clock.now().unix)
    }

    fn planning(&self) -> Planning {
        let planning = self.ahead.planning(self.commander.switches().plan);
        Planning { read_only: self.read_only.load(Ordering::Relaxed), ..planning }
    }

    fn asked_ahead(&self) -> Vec<AskedAhead> {
        self.commander.watch_by_hand().borrow().later.all().iter().map(shown).collect()
    }

    fn change_ahead(
        &self,
        change: AheadChange,
        asked_by: Asker,
    ) -> BoxFuture<'_, Result<AskedAhead, ScheduleRefused>> {
        Box::pin(self.changed_ahead(change, asked_by))
    }

    fn tempo(&self) -> Result<Tempo, AheadError> {
        self.ahead.tempo(self.clock.now().unix)
    }

    fn set_colour(
        &self,
        date: Date,
        colour: Option<TempoColour>,
    ) -> BoxFuture<'_, Result<Tempo, AheadError>> {
        Box::pin(self.ahead.set_colour(&self.store, self.clock.now().unix, date, colour))
    }

    fn money(&self, from: Date, to: Date, by: MoneyBy) -> BoxFuture<'_, Result<Money, AheadError>> {
        let settings = self.ahead.site.borrow().settings.clone();
        let (members, _) = bank(&self.hub.snapshot(), self.clock.now(), &settings);
        let batteries = members.into_iter().map(|member| member.battery).collect();
        Box::pin(self.ahead.money(&self.store, batteries, from, to, by))
    }

    fn commands(&self) -> Arc<dyn Commands> {
        Arc::clone(&self.commander) as _
    }

    fn not_ready(&self) -> Vec<String> {
        let trouble = self.store.trouble().borrow().clone();
        trouble.map(|trouble| format!("the store does not work: {trouble}")).into_iter().collect()
    }

    fn counters(&self) -> Vec<Counter> {
        let mut counters = self.counters_of_mqtt();
        counters.extend(self.sink_figures(&SINK_COUNTERS));
        counters.push(Counter {
            name: "lost_readings",
            help: "Readings lost because the program was too slow or the store was not open",
            labels: vec![],
            value: (self.hub.lost() + self.store.lost()) as f64,
        });
        counters
    }

    fn gauges(&self) -> Vec<Counter> {
        let flag =
            |name, help, on: bool| Counter { name, help, labels: vec![], value: f64::from(u8::from(on)) };
        let mut gauges = self.sink_figures(&SINK_GAUGES);
        gauges.extend([
            flag(
                "mqtt_connected",
                "Whether the broker is connected",
                self.mqtt.borrow().connected_since.is_some(),
            ),
            flag("store_working", "Whether the store works", self.store.trouble().borrow().is_none()),
        ]);
        gauges
    }
}
