//! The web interface: REST, the live stream, Prometheus metrics, the API documentation and the embedded page.
//!
//! The binary implements [`Backend`] and calls [`check`], [`bind`], [`router`] and [`serve`]. All JSON shapes are
//! private to this crate; the one that the command line shares is made by [`device_json`].

mod api;
mod assets;
mod backend;
mod dbus_api;
mod error;
mod extract;
mod hex;
mod openapi;
mod prometheus;
mod router;
mod security;
mod server;
mod settings;
mod shape;
mod state;
mod suggest;

pub use backend::{
    Backend, BoxFuture, ControlRules, Counter, HistoryError, NewWindow, Refusal, ScheduleChange,
    ScheduleRefused, ScheduleWindow, Site, WindowEdit, WindowSource,
};
pub use dbus_api::{DbusApi, dbus_api};
pub use router::router;
pub use server::{BindError, bind, serve};
pub use settings::{Secret, Settings, SettingsError, check};
pub use shape::{
    ControlParts, control_json, device_json, limits_json, native_json, schedule_json, switches_json,
};
