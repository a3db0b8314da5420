//! The Victron driver against a real bus: a `dbus-daemon` of its own for each test, with minimal services on it, or with the
//! simulated GX.
//!
//! Needs the programs `dbus-daemon` and `mosquitto` (Debian packages `dbus` and `mosquitto`). What needs the recordings finds them by `OHMSTEAD_SHARED`.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]
#![expect(clippy::print_stdout, reason = "figures and skipped tests are told to whoever looks")]

mod bus;
mod http;
mod modbus;
mod mqtt;
mod plant;
mod replay;
mod support;
mod writing;
