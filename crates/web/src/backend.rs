//! What this crate needs from the rest of the program. The binary implements it; tests use a fake house.

mod ahead;
mod by_hand;
mod schedule;
mod stored;

use std::sync::Arc;
use std::time::Duration;

pub use futures_util::future::BoxFuture;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{
    Asker, BatteryMode, Commands, DeviceId, Event, LedgerEntry, LedgerQuery, Metric, Moment, Series,
    SeriesQuery, Snapshot, TempoColour, UnixMillis, Update,
};
use tokio::sync::broadcast;

pub use ahead::{
    AheadError, AheadSlot, ColourCount, ColourVoice, Expected, Money, MoneyBy, MoneyRow, Outlook, Plan,
    PlanBattery, PlanReason, PlanSlot, PlanStep, PlannerMode, Planning, SourceFigures, Tempo, TempoDay,
};
pub use by_hand::{AheadChange, AskedAhead};
pub use schedule::{
    NewWindow, Refusal, ScheduleChange, ScheduleRefused, ScheduleWindow, WindowEdit, WindowSource,
};
pub use stored::{Growth, Page, PageQuery, StoreFigures, StoredSeries};

/// The program behind the web interface.
pub trait Backend: Send + Sync + 'static {
    /// The present moment. Ages and session ends are counted from it.
    fn now(&self) -> Moment;

    /// The installation.
    fn site(&self) -> Site;

    /// What is known right now.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The configured devices in the order of the configuration, without the computed `site`.
    fn device_order(&self) -> Vec<DeviceId>;

    /// A listener to what changes. A slow one loses updates and is told how many.
    fn subscribe(&self) -> broadcast::Receiver<Update>;

    /// One series of the history.
    fn history(&self, query: SeriesQuery) -> BoxFuture<'_, Result<Series, HistoryError>>;

    /// All series that have values and a metric that is known, by device and metric.
    fn stored_series(&self) -> BoxFuture<'_, Result<Vec<StoredSeries>, HistoryError>>;

    /// Stored values of one series, a page of them.
    fn stored_values(&self, query: PageQuery) -> BoxFuture<'_, Result<Page, HistoryError>>;

    /// What a counter grew by from one instant to another.
    fn growth(
        &self,
        device: DeviceId,
        metric: Metric,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BoxFuture<'_, Result<Growth, HistoryError>>;

    /// Figures of the whole history.
    fn store_figures(&self) -> BoxFuture<'_, Result<StoreFigures, HistoryError>>;

    /// The last attempts to change a device that are asked for, newest first.
    fn ledger(&self, query: LedgerQuery) -> BoxFuture<'_, Result<Vec<LedgerEntry>, HistoryError>>;

    /// The last events, newest first, at most `limit`.
    fn events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Event>, HistoryError>>;

    /// What the configuration says about control.
    fn control_rules(&self) -> ControlRules;

    /// Changes the windows of the schedule, durably. The future ends when that counts: with the window as it is from then
    /// on, or as it was where it was deleted.
    fn change_schedule(
        &self,
        change: ScheduleChange,
        asked_by: Asker,
    ) -> BoxFuture<'_, Result<ScheduleWindow, ScheduleRefused>>;

    /// Prices, colours and forecasts of the time ahead.
    fn outlook(&self) -> Result<Arc<Outlook>, AheadError>;

    /// The plan, or why there is none.
    fn planning(&self) -> Planning;

    /// What was asked by hand for a time to come, in the order of time.
    fn asked_ahead(&self) -> Vec<AskedAhead>;

    /// Changes what was asked by hand for a time to come, durably. The future ends when that counts: with what is new, or
    /// with what was taken back.
    fn change_ahead(
        &self,
        change: AheadChange,
        asked_by: Asker,
    ) -> BoxFuture<'_, Result<AskedAhead, ScheduleRefused>>;

    /// The Tempo tariff.
    fn tempo(&self) -> Result<Tempo, AheadError>;

    /// Says the colour of a tariff day, or takes back what was said; durably.
    fn set_colour(&self, date: Date, colour: Option<TempoColour>)
    -> BoxFuture<'_, Result<Tempo, AheadError>>;

    /// What energy came to from one civil day until before another.
    fn money(&self, from: Date, to: Date, by: MoneyBy) -> BoxFuture<'_, Result<Money, AheadError>>;

    /// The one way to the hardware.
    fn commands(&self) -> Arc<dyn Commands>;

    /// Why the program is not ready, one sentence each; empty when it is. Devices that were not asked yet need not
    /// be listed: they are found in the snapshot.
    fn not_ready(&self) -> Vec<String>;

    /// Counters of the program's parts since its start, for `/metrics`.
    fn counters(&self) -> Vec<Counter>;

    /// Figures of the program's parts that go up and down, for `/metrics`.
    fn gauges(&self) -> Vec<Counter> {
        Vec::new()
    }
}

/// The installation, as `/api/v1/site` shows it.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its name for people.
    pub name: String,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Languages of the page in order of preference, ISO 639-1.
    pub languages: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Whether every write is only a dry run.
    pub read_only: bool,
    /// When the program started.
    pub started_at: UnixMillis,
}

/// What the configuration says about control, as far as it is shown.
#[derive(Debug, Clone)]
pub struct ControlRules {
    /// How long a charge or a discharge that is asked by hand lasts where nothing is said.
    pub power_lasts: Duration,
    /// How long any other mode lasts.
    pub mode_lasts: Duration,
    /// The windows of the schedule, in the order in which they count.
    pub schedule: Vec<ScheduleWindow>,
}

impl ControlRules {
    /// How long `mode` lasts where nothing is said.
    pub fn lasts(&self, mode: &BatteryMode) -> Duration {
        match mode {
            BatteryMode::Charge { .. } | BatteryMode::Discharge { .. } => self.power_lasts,
            _ => self.mode_lasts,
        }
    }
}

/// One figure for `/metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// Name without the prefix `ohmstead_` and without the suffix `_total`, with the base unit at its end: `store_bytes`.
    pub name: &'static str,
    /// One sentence that says what is counted, without a full stop at its end.
    pub help: &'static str,
    /// Labels. All figures of one name must have the same label names.
    pub labels: Vec<(&'static str, String)>,
    /// The figure; one that is not finite is left out.
    pub value: f64,
}

/// Why the history gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The answer would be longer than the store is willing to give.
    #[error("the answer would have more than {limit} points")]
    TooManyPoints {
        /// How many points it gives at most.
        limit: usize,
        /// A step that keeps the answer below the limit, where the store knows one.
        step: Option<Duration>,
    },
    /// The store is not open or cannot be read; the text says why.
    #[error("the store cannot be read: {0}")]
    Unavailable(String),
}
