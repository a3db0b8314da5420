//! Sends the history on to other databases: Prometheus (remote write), `InfluxDB` (line protocol), PostgreSQL and TimescaleDB.
//!
//! ```text
//! history --Source--> worker: take a span -> read -> snap -> target --acknowledged--> Cursor --with the store's commit--> state
//!    ^ reading            ^                                  |
//!    +-- Cursors::stored -+---------- given back <--refused--+
//! ```
//!
//! The history is the queue: nothing is kept twice, and an outage may last as long as the history reaches back. Each sink
//! has one durable [`Cursor`]: every value before it was acknowledged, but for the spans that it names. It moves only
//! after an acknowledgement, and what is stored late, behind it, is put down in it before that is durable itself. After a
//! crash the last minutes are sent again, which changes nothing: every target keys a value by series and time.

#![warn(missing_docs)]

mod backoff;
mod check;
mod cursor;
mod cursors;
mod pick;
mod settings;
mod shipment;
mod source;
mod status;
mod target;
mod tls;
mod worker;

pub use check::{SettingsError, check};
pub use cursor::{Cursor, Span, Wish};
pub use cursors::{Cursors, Unsaved};
pub use ohmstead_outside::Secret;
pub use pick::Pick;
pub use settings::{Common, Influxdb, Postgresql, Prometheus, Settings, Start, Tls};
pub use source::{NoValues, Point, Source};
pub use status::Status;
pub use worker::{Links, run};
