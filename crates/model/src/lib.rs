//! The words that every part of Ohmstead shares: what is measured ([`Metric`], from the one catalogue), what was read
//! ([`Reading`]), what is known right now ([`Snapshot`], where every value ages), and what is asked of a device
//! ([`Request`]) and what became of it ([`LedgerEntry`]).
//!
//! This crate knows no protocol, no file and no runtime. Time is an argument; the one [`Clock`] is made by the binary.
//! Nothing here is serialised: each edge (REST, MQTT, the store) has wire shapes of its own.

#![warn(missing_docs)]

mod band;
pub mod catalogue;
mod command;
mod control;
mod device;
mod event;
pub mod house;
mod language;
mod limit;
mod native;
mod price;
mod reading;
mod series;
mod setting;
mod snapshot;
mod tempo;
mod time;
mod timeline;
mod value;

pub use band::Band;
pub use catalogue::{Metric, MetricDef};
pub use command::{
    ASK_AGAIN_IN, Answer, AskError, Asker, Assignment, BatteryMode, Commands, LedgerEntry, LedgerQuery,
    ModeParseError, Outcome, Request, Switched, WEARS_OUT, Wish,
};
pub use control::{ControlState, Part, Phase as ControlPhase, Switches};
pub use device::{DeviceId, DeviceIdError, DeviceInfo, Evidence, Notice, Online, Phase, Role, Severity, Ttl};
pub use event::Event;
pub use language::Language;
pub use limit::{LimitName, LimitRefused, Limited, SiteLimit};
pub use native::{NativeKind, NativeLimits, NativeRow, NativeSetting, NativeView, Natives};
pub use price::{Price, PriceSource};
pub use reading::{Reading, Sample};
pub use series::{Bucket, CalendarUnit, Points, Resolution, Series, SeriesQuery};
pub use setting::{Allowed, NONE, Setting, SettingError};
pub use snapshot::{DeviceState, Known, Observed, Snapshot, Update};
pub use tempo::{ColourParseError, TempoColour};
pub use time::{Clock, Moment, Sleep, UnixMillis};
pub use timeline::{TimeSpan, Timeline};
pub use value::{Observation, Unknown, Value};
