//! The web interface: REST, the live stream, Prometheus metrics, the API documentation and the embedded page.
//!
//! The binary implements [`Backend`] and calls [`check`], [`bind`], [`router`] and [`serve`]. All JSON shapes are
//! private to this crate; those that the command line shares are made by [`device_json`] and its like.

mod api;
mod assets;
mod backend;
mod dbus_api;
mod endpoints;
mod error;
pub mod exchange;
mod extract;
mod hex;
mod language;
mod openapi;
mod prometheus;
mod router;
mod security;
mod server;
mod settings;
mod shape;
mod span;
mod state;
mod suggest;

pub use backend::{
    AheadChange, AheadError, AheadSlot, AskedAhead, Backend, BoxFuture, ColourCount, ColourVoice,
    ControlRules, Counter, Expected, Growth, HistoryError, Money, MoneyBy, MoneyRow, NewWindow, Outlook,
    Page, PageQuery, Plan, PlanBattery, PlanReason, PlanSlot, PlanStep, PlannerMode, Planning, Refusal,
    ScheduleChange, ScheduleRefused, ScheduleWindow, Site, SourceFigures, StoreFigures, StoredSeries, Tempo,
    TempoDay, WindowEdit, WindowSource,
};
pub use dbus_api::{DbusApi, dbus_api};
pub use openapi::description;
pub use router::router;
pub use server::{BindError, bind, serve};
pub use settings::{Secret, Settings, SettingsError, check};
pub use shape::{
    ControlParts, asked_ahead_json, control_json, device_json, figures_json, growth_json, limits_json,
    money_json, native_json, outlook_json, plan_json, schedule_json, series_json, switches_json, tempo_json,
};
pub use span::{parse_instant, parse_step};
pub use suggest::hint as nearest_name;
