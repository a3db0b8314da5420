//! The interface as its clients see it: mostly without a socket, the stream and the server over real ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod ahead;
mod automation;
mod by_hand;
mod client;
mod control;
mod dbus_api;
mod documents;
mod fake;
mod figures;
mod history;
mod hostile;
mod limits;
mod mode;
mod present;
mod schedules;
mod server;
mod setting;
mod stream;
