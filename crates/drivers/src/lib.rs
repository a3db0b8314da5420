//! Device drivers: each turns a device's replies into canonical readings, and wishes for a battery mode into writes.
//!
//! A driver converts units and signs; nobody else does. A new device family is one module, one line in [`DRIVERS`] and
//! one variant of [`DeviceSettings`]. Whoever owns a [`Device`] drives it from a single task: there is never more than
//! one exchange under way. Only the binary's actuator calls [`Device::write`].

#![warn(missing_docs)]

mod device;
pub mod marstek;
pub mod transports;
pub mod victron;
pub mod voltronic;

pub use device::{
    BoxFuture, Context, Device, DeviceError, DeviceSettings, Driver, Found, ModeNow, OpenError, Plan,
    PlanError, Report, Reporter, Wear, WriteReply,
};

/// Every driver, in alphabetical order: the one list that discovery, documentation and tests go through.
pub const DRIVERS: &[Driver] = &[marstek::DRIVER, victron::DRIVER, voltronic::DRIVER];

/// The metrics of the drivers' own, beyond the core catalogue: those of their tables, and those that a configuration
/// which was read has made.
pub fn native() -> Vec<ohmstead_model::Metric> {
    let tables = DRIVERS.iter().flat_map(|driver| driver.native).copied();
    tables.chain(victron::watched_metrics()).collect()
}

/// The metric with this id: a core one, or one of a driver's own.
pub fn metric(id: &str) -> Option<ohmstead_model::Metric> {
    ohmstead_model::Metric::by_id(id).or_else(|| native().into_iter().find(|metric| metric.id() == id))
}
